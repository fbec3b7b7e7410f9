"""Angles: 90° and 90 are the same answer, and so is π/2."""

from r1tool.grading.math.comparing.outcomes import Compare
from r1tool.grading.math.comparing.scalars import compare_scalars
from r1tool.grading.math.tree import SCALARS, Node, kind_first, walk


def applies(gold: Node, answer: Node) -> bool:
    return "degree" in (gold[0], answer[0]) and gold[0] in SCALARS and answer[0] in SCALARS


def compare(gold: Node, answer: Node, compare_values: Compare) -> bool | None:
    if gold[0] == answer[0]:
        return compare_values(gold[1], answer[1])
    angle, plain = kind_first("degree", gold, answer)
    if ("const", "pi") in walk(plain):
        return compare_scalars(angle, plain)
    return compare_values(angle[1], plain)
