"""Whether two trees are the same answer: True, False, or None where this reader is not sure."""

from collections.abc import Callable
from functools import lru_cache, partial

from r1tool.grading.math.comparing import (
    bases,
    collections,
    degrees,
    equations,
    percent,
    ratios,
    scalars,
    sets,
    signs,
    units,
    words,
)  # fmt: skip
from r1tool.grading.math.comparing.numeric import Unsure
from r1tool.grading.math.comparing.outcomes import Compare
from r1tool.grading.math.comparing.values import value_of
from r1tool.grading.math.tree import Node


@lru_cache(maxsize=4096)
def compare(gold: Node, answer: Node) -> bool | None:
    """Two whole answers: equations as equations first, and 1,22 is 1.22 where a comma can be a decimal point.

    Raises RecursionError for trees too deep.
    """
    as_equations = equations.equivalent(gold, answer) if equations.are_equations(gold, answer) else None
    if as_equations or _is_decimal_comma(gold, answer) or _is_decimal_comma(answer, gold):
        return True
    if as_equations is False and "rel" in (value_of(gold)[0], value_of(answer)[0]):
        return False
    return compare_parts(gold, answer)


def compare_parts(gold: Node, answer: Node) -> bool | None:
    """Two answers, or parts of them, by what they say: x = 5 says 5."""
    try:
        return compare_values(value_of(gold), value_of(answer))
    except Unsure:
        return None


def compare_values(gold: Node, answer: Node) -> bool | None:
    """Two values, by the first comparer that their kinds are for. Raises Unsure."""
    if gold == answer:
        return True
    for applies, compare_kind in COMPARERS:
        if applies(gold, answer):
            return compare_kind(gold, answer)
    return None


COMPARERS: tuple[tuple[Callable[[Node, Node], bool], Compare], ...] = (
    (units.applies, partial(units.compare, compare_parts=compare_parts)),
    (percent.applies, partial(percent.compare, compare_values=compare_values)),
    (degrees.applies, partial(degrees.compare, compare_values=compare_values)),
    (words.applies, words.compare),
    (bases.applies, bases.compare),
    (signs.applies, partial(signs.compare, compare_parts=compare_parts)),
    (sets.applies, partial(sets.compare, compare_parts=compare_parts)),
    (ratios.applies, ratios.compare),
    (equations.applies, partial(equations.compare, compare_parts=compare_parts)),
    (collections.applies, partial(collections.compare, compare_parts=compare_parts)),
    (scalars.applies, scalars.compare),
)
"""Which values a comparer is for, and the comparer: one for each kind of answer, the outermost kind first."""


def _is_decimal_comma(pair: Node, other: Node) -> bool:
    match pair, other:
        case ("list", (("num", whole, 0), ("num", part, 0))), ("num", value, decimals) if decimals:
            return bool(value == whole + part / 10**decimals)
    return False
