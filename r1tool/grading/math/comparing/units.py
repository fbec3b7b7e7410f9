"""Quantities: the same number in the same unit, or in another of the same dimension; a unit may be left out."""

from fractions import Fraction

from r1tool.grading.math.comparing.outcomes import Compare
from r1tool.grading.math.comparing.scalars import compare_scalars
from r1tool.grading.math.reading.units import dimension
from r1tool.grading.math.tree import SCALARS, Node, kind_first, number

SCALES = {"hundred": Fraction(100), "thousand": Fraction(1000), "million": Fraction(10**6), "billion": Fraction(10**9)}


def applies(gold: Node, answer: Node) -> bool:
    return "unit" in (gold[0], answer[0])


def compare(gold: Node, answer: Node, compare_parts: Compare) -> bool | None:
    match gold, answer:
        case ("unit", g, unit), ("unit", a, other):
            same = compare_parts(g, a)
            return same if _stem(unit) == _stem(other) else _converted(g, unit, a, other, same)
    (_, value, unit), plain = kind_first("unit", gold, answer)
    same = compare_parts(gold, value) if plain is gold else compare_parts(value, answer)
    scale = SCALES.get(unit.lower().split()[0]) if unit.split() else None
    if scale and not same and value[0] in SCALARS and plain[0] in SCALARS:
        return compare_scalars(plain, ("mul", value, number(scale)))  # 3 thousand and 3000
    return same


def _stem(unit: str) -> str:
    return unit.lower().rstrip("s")


def _converted(gold: Node, unit: str, answer: Node, other: str, same: bool | None) -> bool | None:
    """2 hours and 120 minutes; `same` is the outcome of the bare numbers."""
    left, right = dimension(unit), dimension(other)
    if not left or not right:
        return same
    if left.powers != right.powers:
        return None if same else same
    if left.factor == right.factor:
        return same
    if gold[0] in SCALARS and answer[0] in SCALARS:
        return compare_scalars(("mul", gold, number(left.factor)), ("mul", answer, number(right.factor)))
    return None
