"""Self-consistency: the answer most generations agree on (Wang et al., arXiv 2203.11171), by mathematical equality."""

from collections.abc import Sequence

from r1tool.grading import equal, extract
from r1tool.rank.scorer import Scores, spread
from r1tool.records.row import Row


def score(row: Row, chosen: Sequence[int]) -> Scores:
    """The share of the candidates whose answer equals this one's; 0 for a candidate without an answer."""
    generations = row.get("generations", [])
    extracted = row.get("extracted_answers") or [None] * len(generations)
    answers = [extracted[index] or extract(generations[index]) for index in chosen]
    groups = group(answers, row.get("problem"))
    sizes = [0 if group_ is None else groups.count(group_) for group_ in groups]
    return spread([size / len(chosen) for size in sizes], chosen, len(generations))


def group(answers: Sequence[str | None], problem: str | None = None) -> list[int | None]:
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
