"""The final answers of a row's generations, and which of them are the same."""

from collections.abc import Iterable, Sequence

from r1tool.grading import equal, extract
from r1tool.records.generations import stored_answers
from r1tool.records.row import Row


def final_answers(row: Row, indices: Iterable[int]) -> list[str | None]:
    """The final answers of the generations `indices`: what `verify` has found, else what their texts hold."""
    stored = stored_answers(row)
    if stored is None:
        return [extract(row["generations"][index]) for index in indices]
    return [stored[index] for index in indices]


def group_equal(answers: Sequence[str | None], problem: str | None = None) -> list[int | None]:
    """The index of the first answer each one equals; None where there is none. Equal strings are compared once."""
    firsts: dict[str, int] = {}
    groups: list[int | None] = []
    for index, answer in enumerate(answers):
        if answer is None:
            groups.append(None)
            continue
        if answer not in firsts:
            same = (
                first for other, first in firsts.items() if firsts[other] == first and equal(other, answer, problem)
            )
            firsts[answer] = next(same, index)
        groups.append(firsts[answer])
    return groups
