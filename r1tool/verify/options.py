"""What is compared with what, and how long it may take."""

from dataclasses import dataclass
from typing import Annotated, Literal

from r1tool.option import Option


@dataclass(frozen=True)
class VerifyOptions:
    """`timeout` is seconds for one verdict; `gold` is the column of the reference answer."""

    timeout: Annotated[
        float, Option("--timeout", metavar="S", min=0.1, help="Time limit per verdict, in seconds.")
    ] = 2.0
    gold: Annotated[str, Option("--gold", metavar="FIELD", help="Column that holds the reference answer.")] = "answer"
    gold_from_solution: Annotated[
        bool, Option("--gold-from-solution", help="Where it is empty, take the boxed answer of `solution`.")
    ] = False
    answers: Annotated[
        Literal["any", "box"], Option("--answers", help="box: only a boxed answer counts as an answer.")
    ] = "any"
    explain: Annotated[
        bool, Option("--explain", help="Report on stderr how each answer was read and what decided.")
    ] = False
    overwrite: Annotated[
        bool, Option("--overwrite", help="Verify again rows that this version verified with these options.")
    ] = False
