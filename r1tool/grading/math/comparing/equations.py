"""Equations and other relations: two equations are the same if they have the same solutions."""

from fractions import Fraction

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.collections import plain_values
from r1tool.grading.math.comparing.numeric import Unsure
from r1tool.grading.math.comparing.outcomes import Compare
from r1tool.grading.math.tree import COLLECTIONS, ZERO, Node, holds, is_constant, items, kind_first, variables_of

POINTS = 5
_STARTS = (0.7, -1.3, 2.9, -4.1, 11.0)


def applies(gold: Node, answer: Node) -> bool:
    return "rel" in (gold[0], answer[0])


def compare(gold: Node, answer: Node, compare_parts: Compare) -> bool | None:
    if gold[0] == answer[0]:
        return equivalent(gold, answer) if are_equations(gold, answer) else None
    relation, other = kind_first("rel", gold, answer)
    _, operators, sides = relation
    if set(operators) != {"="}:
        return None
    if other[0] in COLLECTIONS and len(items(other)) > 1 and plain_values(items(other)):
        return False
    if not is_constant(other):
        return None
    left, right = sides[0], sides[-1]
    if is_constant(right) and right != ZERO and not holds(left, ("num",)):  # ab = 6 says 6
        return compare_parts(right, other) if other is gold else compare_parts(other, right)
    return False if variables_of(relation) else None


def are_equations(gold: Node, answer: Node) -> bool:
    """Whether both are relations of `=` alone."""
    return gold[0] == answer[0] == "rel" and set(gold[1]) == set(answer[1]) == {"="}


def equivalent(left: Node, right: Node) -> bool | None:
    """Whether two equations have the same solutions: one is a multiple of the other, or roots found are shared."""
    if len(left[2]) != 2 or len(right[2]) != 2:
        return None
    names = variables_of(left) | variables_of(right)
    if not names or any(holds(side, ("word", "unit", "seq", "list", "apply")) for side in (left, right)):
        return None
    mine, theirs = (("add", a, ("neg", b)) for _, _, (a, b) in (left, right))
    if _proportional(mine, theirs, names):
        return True
    if variables_of(left) != variables_of(right):
        return False
    try:
        return _share_roots(mine, theirs, names)
    except Unsure:
        return None


def _proportional(mine: Node, theirs: Node, names: frozenset[str]) -> bool:
    ratios = []
    for index in range(POINTS):
        point = numeric.point(names, index)
        try:
            a = numeric.approximate(numeric.evaluate(mine, point)).value
            b = numeric.approximate(numeric.evaluate(theirs, point)).value
        except Unsure:
            return False
        if abs(a) < 1e-9 or abs(b) < 1e-9:
            return False
        ratios.append(a / b)
    return all(abs(ratio - ratios[0]) < 1e-9 * abs(ratios[0]) for ratio in ratios)


def _share_roots(mine: Node, theirs: Node, names: frozenset[str]) -> bool | None:
    """Roots of each in one variable, the others held, put into the other equation."""
    found = 0
    for first, second in ((mine, theirs), (theirs, mine)):
        hits = 0
        for index in range(3):
            for name in sorted(names):
                point = numeric.point(names - {name}, index)
                root = _root(first, point, name)
                if root is None:
                    continue
                residue = numeric.approximate(numeric.evaluate(second, point | {name: root})).value
                nearby = numeric.approximate(numeric.evaluate(second, point | {name: root + Fraction(1, 97)})).value
                if abs(residue) > 1e-6 * max(abs(nearby), 1e-3):
                    return False
                hits += 1
        if not hits:
            return None
        found += hits
    return True if found >= 4 else None


def _root(function: Node, point: dict[str, Fraction], name: str) -> Fraction | None:
    """A real root by the secant method, from several starts."""

    def f(x: float) -> float:
        value = numeric.approximate(numeric.evaluate(function, point | {name: Fraction(x)})).value
        if abs(value.imag) > 1e-9 * (1 + abs(value.real)):
            raise Unsure("a complex value")
        return value.real

    for start in _STARTS:
        try:
            x0, x1 = start, start + 0.37
            y0, y1 = f(x0), f(x1)
            for _ in range(60):
                if y1 == y0:
                    break
                x0, x1, y0 = x1, x1 - y1 * (x1 - x0) / (y1 - y0), y1
                if abs(x1) > 1e6:
                    break
                y1 = f(x1)
                if abs(y1) < 1e-13 * (1 + abs(y0)) or abs(x1 - x0) < 1e-15 * (1 + abs(x1)):
                    return Fraction(x1) if abs(y1) < 1e-9 else None
        except Unsure:
            continue
    return None
