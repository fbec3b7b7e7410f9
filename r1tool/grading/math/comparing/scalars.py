"""Numbers and expressions: the same value, exactly, at random points, or rounded as the problem asked."""

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.numeric import Unsure
from r1tool.grading.math.comparing.rounding import is_rounded
from r1tool.grading.math.tree import INFINITY, NOT_NUMBERS, SCALARS, Node, holds, variables_of, walk

POINTS = 6

_INTEGER = frozenset(("fact", "binom", "mod", "floor", "ceil", "sum", "prod"))


def applies(gold: Node, answer: Node) -> bool:
    return gold[0] in SCALARS and answer[0] in SCALARS


def compare(gold: Node, answer: Node) -> bool | None:
    return None if holds(gold, NOT_NUMBERS) or holds(answer, NOT_NUMBERS) else compare_scalars(gold, answer)


def compare_scalars(gold: Node, answer: Node) -> bool | None:
    """Exact where both are rational, else at points drawn for their variables."""
    names = variables_of(gold) | variables_of(answer)
    if not names:
        infinite = [INFINITY in walk(side) for side in (gold, answer)]
        if any(infinite):
            return None if all(infinite) else False
        return _compare_constants(gold, answer)
    integers = holds(gold, _INTEGER) or holds(answer, _INTEGER)
    outcomes = []
    for index in range(3 * POINTS if integers else POINTS):
        point = numeric.point(names, index, integers=integers)
        try:
            outcomes.append(numeric.compare_values(numeric.evaluate(gold, point), numeric.evaluate(answer, point)))
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
        return None if holds(gold, ("abs",)) or holds(answer, ("abs",)) else True
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
            if numeric.compare_values(numeric.evaluate(gold, point), numeric.evaluate(answer, point)) is False:
                return False
            agreed += 1
        except Unsure:
            continue
    return agreed > 1


def _compare_constants(gold: Node, answer: Node) -> bool | None:
    left, right = numeric.evaluate(gold), numeric.evaluate(answer)
    outcome = numeric.compare_values(left, right)
    return is_rounded(gold, left, answer, right) if outcome is False else outcome
