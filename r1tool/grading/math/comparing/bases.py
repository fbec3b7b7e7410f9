"""Numerals in a base: 101_2. Its digits alone are the same answer; the same number in another base may not be."""

from r1tool.grading.math.tree import Node, kind_first


def applies(gold: Node, answer: Node) -> bool:
    return "based" in (gold[0], answer[0])


def compare(gold: Node, answer: Node) -> bool | None:
    match gold, answer:
        case ("based", digits, base), ("based", others, other_base):
            if base == other_base:
                return bool(digits.lstrip("0") == others.lstrip("0"))
            return None if _value(digits, base) == _value(others, other_base) else False
    match kind_first("based", gold, answer):
        case ("based", digits, base), ("num", value, 0):
            if str(value) == digits.lstrip("0"):
                return True
            return None if _value(digits, base) == value else False
    return None


def _value(digits: str, base: int) -> int | None:
    try:
        return int(digits, base)
    except ValueError:
        return None
