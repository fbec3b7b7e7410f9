"""By what the candidates are scored, and which those are."""

from dataclasses import dataclass
from typing import Annotated

from r1tool.option import Option
from r1tool.rank.scorer import SCORERS, Among


@dataclass(frozen=True)
class RankOptions:
    """`by` names scorers, separated by commas: the first decides, the next ones break ties."""

    by: Annotated[str, Option("--by", metavar="SCORER[,...]", help=f"Any of {', '.join(SCORERS)}.")] = "majority"
    among: Annotated[Among, Option("--among", help="Candidates: only right answers, or all generations.")] = "correct"
    seed: Annotated[int, Option("--seed", metavar="N", help="Seed of the random scorer.")] = 0
