"""Ratios: 2:3 is 4:6, and of two parts the fraction too; a time may leave out zero minutes."""

from r1tool.grading.math.comparing.outcomes import every
from r1tool.grading.math.comparing.scalars import compare_scalars
from r1tool.grading.math.tree import SCALARS, ZERO, Node, kind_first


def applies(gold: Node, answer: Node) -> bool:
    return "ratio" in (gold[0], answer[0])


def compare(gold: Node, answer: Node) -> bool | None:
    match gold, answer:
        case ("ratio", left), ("ratio", right):
            return _compare_parts(left, right)
    match kind_first("ratio", gold, answer):
        case ("ratio", (_, _) as parts), other if other[0] in SCALARS:
            return compare_scalars(("div", *parts), other)
    return None


def _compare_parts(left: tuple[Node, ...], right: tuple[Node, ...]) -> bool | None:
    if len(left) != len(right):
        longer, shorter = (left, right) if len(left) > len(right) else (right, left)
        return longer[: len(shorter)] == shorter and all(part == ZERO for part in longer[len(shorter) :])
    pairs = zip(left[1:], right[1:], strict=True)
    return every(compare_scalars(("mul", left[0], y), ("mul", right[0], x)) for x, y in pairs)
