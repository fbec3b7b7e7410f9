"""r1tool rank: score the right answers and choose one."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Literal

import typer

from r1tool.errors import USAGE, BadRow, R1Error
from r1tool.rank.scorer import Scores, candidates, record
from r1tool.records.row import Row
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage

HELP = """Score the right answers of each row and choose one for `messages`.

Writes `scores` (one list a scorer, higher is better, null for a generation that is no candidate) and `messages`: the
bare problem and the chosen generation. The first scorer of --by decides, the next ones break ties. A row without a
candidate gets null for `messages`; nothing is dropped.

\b
  majority    share of the candidates with a mathematically equal answer
  shortest    fewest completion tokens
  longest     most completion tokens
  random      seeded by --seed and the row's id
  cosine      length reward of arXiv 2502.03373, 1 to 2 for right answers
  repetition  penalty for repeated word 3-grams, 0 to -1

Cost: one row in memory; about as fast as it can read, majority some 0.1 ms a generation.

\b
Example:
  r1tool verify traces.jsonl.zst | r1tool rank --by shortest -o ranked.jsonl.zst
"""

SCORERS = {
    "majority": "majority:score",
    "shortest": "length:shortest",
    "longest": "length:longest",
    "random": "random:score",
    "cosine": "cosine:score",
    "repetition": "repetition:score",
}


def run(
    stream: StreamOptions,
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="SCORER[,...]", help=f"Any of {', '.join(SCORERS)}.")
    ] = "majority",
    among: Annotated[
        Literal["correct", "all"], typer.Option("--among", help="Candidates: right answers only, or all.")
    ] = "correct",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="For random.")] = 0,
) -> int:
    scorers = {name: load(name, seed) for name in by.split(",")}
    with Stage("rank", stream) as stage:
        for row in stage.rows():
            try:
                chosen = candidates(row, among)
                record(row, {name: score(row, chosen) for name, score in scorers.items()}, chosen)
            except BadRow as error:
                stage.reject(row, str(error))
            else:
                stage.write(row)
    return stage.status


def load(name: str, seed: int) -> Callable[[Row, Sequence[int]], Scores]:
    """The scorer of that name, imported now. Raises R1Error where there is none."""
    if name not in SCORERS:
        raise R1Error(f"--by {name!r} is no scorer; choose from {', '.join(SCORERS)}", USAGE)
    module, function = SCORERS[name].split(":")
    score: Callable[..., Scores] = getattr(import_module(f"r1tool.rank.{module}"), function)
    if name == "random":
        return lambda row, chosen: score(row, chosen, seed)
    return score
