"""The shortest or the longest candidate, in completion tokens where they are known, else in characters."""

from collections.abc import Sequence

from r1tool.rank.scorer import Scores, spread
from r1tool.records.generations import completion_tokens
from r1tool.records.row import Row


def tokens(row: Row, chosen: Sequence[int]) -> list[int | None]:
    """Completion tokens of each candidate, None where they are unknown."""
    counted = completion_tokens(row)
    return [counted[index] for index in chosen]


def lengths(row: Row, chosen: Sequence[int]) -> list[int]:
    """Completion tokens of each candidate, or characters where any candidate's tokens are unknown."""
    known = [count for count in tokens(row, chosen) if count is not None]
    return known if len(known) == len(chosen) else [len(row["generations"][index]) for index in chosen]


def shortest(row: Row, chosen: Sequence[int]) -> Scores:
    """Minus the length: the fewer the better."""
    return spread([-length for length in lengths(row, chosen)], chosen, len(row.get("generations", ())))


def longest(row: Row, chosen: Sequence[int]) -> Scores:
    """The length."""
    return spread(lengths(row, chosen), chosen, len(row.get("generations", ())))
