"""Decimals that stand for the exact value they round: problems ask for rounding."""

from typing import NamedTuple

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.numeric import Value
from r1tool.grading.math.tree import TEN, Node

FLOAT_DIGITS = 10
GOLD_DIGITS = 3
ANSWER_DIGITS = 4
"""Significant digits that a decimal gold or answer must have to stand for what it rounds."""

MAX_EXPONENT = 300


class Precision(NamedTuple):
    """Of a decimal number: its places after the point and its significant digits."""

    places: int
    digits: int


def is_rounded(gold: Node, gold_value: Value, answer: Node, answer_value: Value) -> bool:
    """Whether one of two constants of different values is the other rounded. Of two decimals only the gold may be."""
    g, a = _precision(gold), _precision(answer)
    if g is None:
        return bool(a and a.digits >= ANSWER_DIGITS and _rounds(a, answer_value, gold_value, ANSWER_DIGITS))
    if g.digits < GOLD_DIGITS or (a and a.places <= g.places):
        return False
    return _rounds(g, gold_value, answer_value, GOLD_DIGITS)


def _rounds(precision: Precision, decimal: Value, exact: Value, min_digits: int) -> bool:
    a, b = numeric.approximate(decimal).value, numeric.approximate(exact).value
    difference = abs(a - b)
    if b == 0:
        return False
    if precision.digits >= FLOAT_DIGITS and difference <= 1e-9 * abs(b):
        return True
    unit = 10.0**-precision.places
    if precision.digits > min_digits and abs(a) < abs(b) and difference < unit:
        return True  # cut off instead of rounded
    return difference <= 0.5 * unit * (1 + 1e-9)


def _precision(node: Node) -> Precision | None:
    """None for what is no decimal number."""
    match node:
        case ("neg" | "group" | "percent" | "degree", inner):
            return _precision(inner)
        case ("mul", decimal, ("pow", base, exponent)) if base == TEN:  # 2.5 \times 10^3
            return _scientific(decimal, exponent)
        case ("num", value, decimals) if decimals:
            return Precision(decimals, len(str(abs(int(value * 10**decimals))).lstrip("0")))
    return None


def _scientific(decimal: Node, exponent: Node) -> Precision | None:
    match decimal, exponent:
        case ("num", _, _), ("num", shift, _) if abs(shift) <= MAX_EXPONENT:
            precision, sign = _precision(decimal), -1
        case ("num", _, _), ("neg", ("num", shift, _)) if abs(shift) <= MAX_EXPONENT:
            precision, sign = _precision(decimal), 1
        case _:
            return None
    return precision and precision._replace(places=precision.places + sign * int(shift))
