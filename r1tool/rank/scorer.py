"""The scores of a row's candidates, and the one they choose."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Literal, NamedTuple

from r1tool.errors import USAGE, R1Error
from r1tool.records.columns import Message
from r1tool.records.generations import right
from r1tool.records.row import Row

Scores = list[float | None]
"""One entry per generation, higher is better, None where it is no candidate."""
Among = Literal["correct", "all"]


class Scorer(NamedTuple):
    """Where a scorer is, `module:function` of this folder, and what it prefers.

    The function takes a row and the indices of its candidates, and the seed if it has a parameter of that name.
    """

    function: str
    prefers: str


SCORERS = {
    "majority": Scorer("majority:score", "share of the candidates with a mathematically equal answer"),
    "shortest": Scorer("length:shortest", "fewest completion tokens"),
    "longest": Scorer("length:longest", "most completion tokens"),
    "random": Scorer("random:score", "seeded by --seed and the row's id"),
    "cosine": Scorer("cosine:score", "length reward of arXiv 2502.03373, 1 to 2 for right answers"),
    "repetition": Scorer("repetition:score", "penalty for repeated word 3-grams, 0 to -1"),
}
"""Every scorer, by the name that --by takes, imported when it is wanted."""


def load(name: str, seed: int = 0) -> Callable[[Row, Sequence[int]], Scores]:
    """The scorer of that name. Raises R1Error where there is none."""
    if name not in SCORERS:
        raise R1Error(f"--by: unknown scorer {name!r}; choose from {', '.join(SCORERS)}", USAGE)
    module, function = SCORERS[name].function.split(":")
    score: Callable[..., Scores] = getattr(import_module(f"r1tool.rank.{module}"), function)
    return partial(score, seed=seed) if "seed" in signature(score).parameters else score


def candidates(row: Row, among: Among = "correct") -> list[int]:
    """Indices of the generations to choose from: the right ones, or `all` of them."""
    generations = row.get("generations", ())
    if among == "all":
        return list(range(len(generations)))
    return [index for index, is_right in enumerate(right(row)) if is_right]


def spread(values: Sequence[float], chosen: Sequence[int], count: int) -> Scores:
    """The candidates' values in a list of one entry per generation."""
    scores: Scores = [None] * count
    for index, value in zip(chosen, values, strict=True):
        scores[index] = value
    return scores


def best(scorers: Sequence[Scores], chosen: Sequence[int]) -> int | None:
    """The candidate the first scorer puts highest; the next ones break ties, and the first generation the last tie."""
    if not chosen:
        return None
    return max(chosen, key=lambda index: ([_value(scores[index]) for scores in scorers], -index))


def record(row: Row, scorers: dict[str, Scores], chosen: Sequence[int]) -> None:
    """Write `scores` (those of other scorers stay) and `messages`: the bare problem and the chosen generation."""
    row["scores"] = {**row.get("scores", {}), **scorers}
    index = best(list(scorers.values()), chosen)
    if index is None:
        row["messages"] = None
        return
    row["messages"] = [Message("user", row.get("problem", "")), Message("assistant", row["generations"][index])]


def _value(score: float | None) -> float:
    return float("-inf") if score is None else score
