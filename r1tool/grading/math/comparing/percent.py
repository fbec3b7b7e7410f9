"""Percentages: 25 %, 25 and 0.25 are the same answer."""

from r1tool.grading.math.comparing.outcomes import Compare
from r1tool.grading.math.tree import HUNDRED, SCALARS, Node, kind_first


def applies(gold: Node, answer: Node) -> bool:
    return "percent" in (gold[0], answer[0]) and gold[0] in SCALARS and answer[0] in SCALARS


def compare(gold: Node, answer: Node, compare_values: Compare) -> bool | None:
    if gold[0] == answer[0]:
        return compare_values(gold[1], answer[1])
    (_, percent), plain = kind_first("percent", gold, answer)
    whole = compare_values(percent, plain)
    if whole:
        return True
    part = compare_values(("div", percent, HUNDRED), plain)
    return part or (None if None in (whole, part) else False)
