"""Whether two expressions have the same value: exactly, at random points, or rounded as the problem asked."""

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.numeric import Unsure, Value
from r1tool.grading.math.tree import TEN, Node, variables_of, walk

POINTS = 6
FLOAT_DIGITS = 10
ROUNDED_GOLD_DIGITS = 3
ROUNDED_ANSWER_DIGITS = 4
"""Significant digits a decimal must have to stand for the exact value it rounds: problems ask for rounding."""

_INTEGER = frozenset(("fact", "binom", "mod", "floor", "ceil", "sum", "prod"))


def scalars(gold: Node, answer: Node) -> bool | None:
    """Two expressions: exact where both are rational, else at points drawn for their variables."""
    names = variables_of(gold) | variables_of(answer)
    if not names:
        infinite = [any(n == ("const", "oo") for n in walk(side)) for side in (gold, answer)]
        if any(infinite):
            return None if all(infinite) else False
        return numbers(gold, answer)
    integers = any(n[0] in _INTEGER for side in (gold, answer) for n in walk(side))
    outcomes = []
    for index in range(3 * POINTS if integers else POINTS):
        point = numeric.point(names, index, integers=integers)
        try:
            outcomes.append(numeric.same(numeric.evaluate(gold, point), numeric.evaluate(answer, point)))
        except Unsure:
            outcomes.append(None)
        if integers and outcomes.count(True) == POINTS:
            break
    if all(outcomes):
        return True
    positive = [o for o in outcomes[: numeric.POSITIVE_POINTS] if o is not None]
    if False not in outcomes:
        return True if outcomes.count(True) >= 3 else None
    if False not in positive and len(positive) >= 3:
        # they part at negative values only: branches of roots and logarithms, or an absolute value
        return None if any(n[0] == "abs" for side in (gold, answer) for n in walk(side)) else True
    if integers and False in outcomes:
        return False
    if False in positive:
        if integers or _integer_valued(names, gold, answer):
            return None if _same_at_integers(names, gold, answer) else False
        return False
    return None


def _integer_valued(names: frozenset[str], gold: Node, answer: Node) -> bool:
    """Powers of -1 and trigonometry of nπ agree at integers only."""
    return bool(names & {"n", "k", "m"}) and any(
        (n[0] == "pow" and variables_of(n[2])) or n[0] == "fn" for side in (gold, answer) for n in walk(side)
    )


def _same_at_integers(names: frozenset[str], gold: Node, answer: Node) -> bool:
    agreed = 0
    for index in range(POINTS):
        point = numeric.point(names, index, integers=True)
        try:
            if numeric.same(numeric.evaluate(gold, point), numeric.evaluate(answer, point)) is False:
                return False
            agreed += 1
        except Unsure:
            continue
    return agreed > 1


def numbers(gold: Node, answer: Node) -> bool | None:
    """Two constants; a decimal stands for what it rounds if it has digits enough."""
    left, right = numeric.evaluate(gold), numeric.evaluate(answer)
    outcome = numeric.same(left, right)
    if outcome or outcome is None:
        return outcome
    return (
        True
        if _rounds(gold, left, answer, right, ROUNDED_GOLD_DIGITS)
        else _rounds(answer, right, gold, left, ROUNDED_ANSWER_DIGITS)
    )


def _rounds(decimal: Node, value: Value, other: Node, exact: Value, min_digits: int) -> bool:
    """Whether `decimal` is a decimal number with digits enough that rounds the finer `other`."""
    places, digits = _precision(decimal)
    if places is None or digits < min_digits:
        return False
    finer = _precision(other)[0]
    if finer is not None and (finer <= places or min_digits == ROUNDED_ANSWER_DIGITS):
        return False  # of two decimals, the gold may be the rounded one
    a, b = numeric.approximate(value), numeric.approximate(exact)
    difference = abs(a.value - b.value)
    if b.value == 0:
        return False
    if digits >= FLOAT_DIGITS and difference <= 1e-9 * abs(b.value):
        return True
    if digits > min_digits and abs(a.value) < abs(b.value) and difference < 10.0**-places:
        return True  # cut off instead of rounded
    return difference <= 0.5 * 10.0**-places * (1 + 1e-9)


def _precision(node: Node) -> tuple[int | None, int]:
    """Decimal places and significant digits of a decimal number; (None, 0) for anything else."""
    while node[0] in ("neg", "group", "percent", "degree"):
        node = node[1]
    shift = 0
    if node[0] == "mul" and node[2][0] == "pow" and node[2][1] == TEN:  # 2.5 \times 10^3
        exponent = node[2][2]
        sign = -1 if exponent[0] == "neg" else 1
        exponent = exponent[1] if exponent[0] == "neg" else exponent
        if exponent[0] != "num" or abs(exponent[1]) > 300:
            return None, 0
        shift, node = sign * int(exponent[1]), node[1]
    if node[0] != "num" or node[2] < 1:
        return None, 0
    digits = str(abs(int(node[1] * 10 ** node[2]))).lstrip("0")
    return node[2] - shift, len(digits)
