"""Sets of real numbers: the same ends, open and closed alike, however they are written."""

from r1tool.grading.math.comparing import intervals
from r1tool.grading.math.comparing.intervals import ORDER, End, Piece, infinite
from r1tool.grading.math.comparing.outcomes import Compare, every
from r1tool.grading.math.tree import Node, is_constant


def applies(gold: Node, answer: Node) -> bool:
    return _is_set(gold) or _is_set(answer)


def compare(gold: Node, answer: Node, compare_parts: Compare) -> bool | None:
    if is_constant(gold) or is_constant(answer):
        return False
    left, right = intervals.read(gold), intervals.read(answer)
    if left is None or right is None:
        return False if _is_point(gold) or _is_point(answer) else None
    return _compare_pieces(left, right, compare_parts)


def _is_set(node: Node) -> bool:
    """Written as a set of reals and nothing else: a union, an inequality, mixed brackets, an infinite end."""
    match node:
        case ("union" | "inter" | "minus" | "all" | "empty", *_):
            return True
        case ("rel", operators, _):
            return not ORDER.isdisjoint(operators)
        case ("list", items):
            return any(item[0] == "rel" and not ORDER.isdisjoint(item[1]) for item in items)
        case ("seq", opening, closing, (low, high)):
            return (opening, closing) in (("(", "]"), ("[", ")")) or infinite(low) != 0 or infinite(high) != 0
    return False


def _is_point(node: Node) -> bool:
    """(3, 1) is no interval, for its ends descend."""
    match node:
        case ("seq", _, _, items) if all(is_constant(item) for item in items):
            return len(items) != 2 or intervals.read(node) is None
    return False


def _compare_pieces(left: list[Piece], right: list[Piece], compare_parts: Compare) -> bool | None:
    if len(left) != len(right):
        return False
    ends = zip((end for piece in left for end in piece), (end for piece in right for end in piece), strict=True)
    return every(_compare_ends(x, y, compare_parts) for x, y in ends)


def _compare_ends(x: End, y: End, compare_parts: Compare) -> bool | None:
    if x.closed != y.closed:
        return False
    if x.node is None or y.node is None:
        return x.node is y.node and x.at == y.at
    return compare_parts(x.node, y.node)
