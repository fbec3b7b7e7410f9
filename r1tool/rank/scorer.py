"""The scores of a row's candidates, and the one they choose."""

from collections.abc import Sequence

from r1tool.records.columns import Message
from r1tool.records.generations import right
from r1tool.records.row import Row

Scores = list[float | None]
"""One entry a generation, higher is better, None where it is no candidate."""


def candidates(row: Row, among: str = "correct") -> list[int]:
    """Indices of the generations to choose from: the right ones, or `all` of them."""
    generations = row.get("generations", ())
    if among == "all":
        return list(range(len(generations)))
    return [index for index, is_right in enumerate(right(row)) if is_right]


def spread(values: Sequence[float], chosen: Sequence[int], count: int) -> Scores:
    """The candidates' values in a list of one entry a generation."""
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
