"""Intervals, unions and inequalities in one variable as sorted pieces of the real line."""

from fractions import Fraction
from typing import NamedTuple

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.numeric import Unsure
from r1tool.grading.math.tree import INFINITY, ZERO, Node, number, replaced, variables_of, walk

ORDER = frozenset(("<", ">", "<=", ">=", "!="))
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}


class End(NamedTuple):
    """An end of an interval: its place as a float, its exact value (None: infinite), the tree it came from."""

    at: float
    node: Node | None
    closed: bool


Piece = tuple[End, End]
_LOWEST, _HIGHEST = End(float("-inf"), None, False), End(float("inf"), None, False)
_ALL: Piece = (_LOWEST, _HIGHEST)


def read(node: Node) -> list[Piece] | None:
    """The pieces of a set in ascending order; None if it is not one this reader knows."""
    try:
        pieces = _pieces(node)
    except Unsure:
        return None
    return None if pieces is None else _merged(pieces)


def infinite(node: Node) -> int:
    """1 and -1 for the two infinities, else 0."""
    match node:
        case ("group", inner):
            return infinite(inner)
        case ("neg", inner):
            return -infinite(inner)
    return 1 if node == INFINITY else 0


def _end(node: Node, closed: bool) -> End:
    if sign := infinite(node):
        return _HIGHEST if sign > 0 else _LOWEST
    value = numeric.approximate(numeric.evaluate(node)).value
    if abs(value.imag) > 1e-9:
        raise Unsure("a complex end")
    return End(value.real, node, closed)


def _pieces(node: Node) -> list[Piece] | None:
    match node:
        case ("group", inner):
            return _pieces(inner)
        case ("all",):
            return [_ALL]
        case ("empty",):
            return []
        case ("seq", "(" | "[" as opening, ")" | "]" as closing, (first, second)):
            low, high = _end(first, opening == "["), _end(second, closing == "]")
            return [(low, high)] if _is_piece(low, high) else None
        case ("set" | "list", items) if not any(item[0] == "rel" for item in items):
            points = [_end(item, True) for item in items if item[0] not in ("seq", "union")]
            return [(p, p) for p in points] if len(points) == len(items) else None
        case ("list", items):
            return _several(items)
        case ("rel", ("in",), (("var", _), within)):
            return _pieces(within)
        case ("rel", operators, sides):
            return _inequality(operators, sides)
        case ("union" | "inter" | "minus" as kind, a, b):
            left, right = _pieces(a), _pieces(b)
            if left is None or right is None:
                return None
            if kind == "union":
                return left + right
            return _intersection(left, right if kind == "inter" else _complement(_merged(right)))
    return None


def _is_piece(low: End, high: End) -> bool:
    """Whether anything is between two ends."""
    return low.at < high.at or (low.at == high.at and low.closed and high.closed)


def _several(items: tuple[Node, ...]) -> list[Piece] | None:
    """x < 1 or x > 5 is a union; x > 1, x < 5 and x > 1, x ≠ 3 are intersections."""
    parts = [_pieces(item) for item in items]
    names = {name for item in items for name in variables_of(item)}
    if len(names) > 1 or any(part is None for part in parts):
        return None
    known = [_merged(part) for part in parts if part is not None]
    common = known[0]
    for part in known[1:]:
        common = _merged(_intersection(common, part))
    return common or [piece for part in known for piece in part]


def _inequality(operators: tuple[str, ...], sides: tuple[Node, ...]) -> list[Piece] | None:
    """Where a chain of inequalities in one variable holds: 1 < x <= 4."""
    if not set(operators) <= ORDER:
        return None
    names = variables_of(sides)
    if len(names) != 1:
        return None
    (name,) = names
    if (absolute := _only_inside_abs(sides, name)) is not None:
        return _mirrored(operators, sides, absolute, name)
    pieces = [_ALL]
    for operator, left, right in zip(operators, sides, sides[1:], strict=False):
        half = _half_line(operator, left, right, name)
        if half is None:
            return None
        pieces = _intersection(pieces, half)
    return pieces


def _only_inside_abs(sides: tuple[Node, ...], name: str) -> Node | None:
    """The |…| that holds every occurrence of the variable, if there is one."""
    inside = {child for child in walk(sides) if child[0] == "abs" and name in variables_of(child)}
    if len(inside) != 1:
        return None
    (absolute,) = inside
    return absolute if name not in variables_of(replaced(sides, absolute, ZERO)) else None


def _mirrored(operators: tuple[str, ...], sides: tuple[Node, ...], absolute: Node, name: str) -> list[Piece] | None:
    """Where a relation in |f(x)| holds: its pieces in y = |f(x)|, as -y and y, in x."""
    in_y = _inequality(operators, replaced(sides, absolute, ("var", name)))
    if in_y is None:
        return None
    pieces: list[Piece] = []
    for low, high in _intersection(in_y, [(End(0.0, ZERO, True), _HIGHEST)]):
        for f in (absolute[1], ("neg", absolute[1])):
            part = _between(low, f, high)
            if part is None:
                return None
            pieces += part
    return pieces


def _between(low: End, f: Node, high: End) -> list[Piece] | None:
    """Where f lies between two ends."""
    sides: list[Node] = [f]
    operators: list[str] = []
    if low.node is not None:
        sides, operators = [low.node, *sides], ["<=" if low.closed else "<"]
    if high.node is not None:
        sides, operators = [*sides, high.node], [*operators, "<=" if high.closed else "<"]
    return _inequality(tuple(operators), tuple(sides)) if operators else [_ALL]


def _half_line(operator: str, left: Node, right: Node, name: str) -> list[Piece] | None:
    """Where `left operator right` holds, for sides linear in the variable."""
    if infinite(left) or infinite(right):
        return [_ALL]
    difference: Node = ("add", left, ("neg", right))
    at = [numeric.evaluate(difference, {name: Fraction(x)}) for x in (0, 1, 2, -3)]
    f = [numeric.approximate(value).value for value in at]
    slope = f[1] - f[0]
    scale = 1e-9 * (1 + abs(f[0]) + abs(f[1]))
    if (
        abs(slope) < 1e-9
        or abs(f[2] - f[1] - slope) > scale
        or abs(f[3] - f[0] + 3 * slope) > scale
        or abs(slope.imag) > scale
    ):
        return None
    if left == ("var", name):
        boundary = right
    elif right == ("var", name):
        boundary = left
    else:
        boundary = _root(difference, name)
    if slope.real < 0:
        operator = _FLIPPED[operator]
    closed = operator in ("<=", ">=")
    end = _end(boundary, closed)
    if operator == "!=":
        return [(_LOWEST, end), (end, _HIGHEST)]
    return [(_LOWEST, end)] if operator in ("<", "<=") else [(end, _HIGHEST)]


def _root(difference: Node, name: str) -> Node:
    """The zero of a linear function as a tree: -f(0) / (f(1) - f(0))."""
    at_zero, at_one = (replaced(difference, ("var", name), number(Fraction(x))) for x in (0, 1))
    return ("div", ("neg", at_zero), ("add", at_one, ("neg", at_zero)))


def _intersection(left: list[Piece], right: list[Piece]) -> list[Piece]:
    pieces = []
    for a in left:
        for b in right:
            low = max(a[0], b[0], key=lambda end: (end.at, not end.closed))
            high = min(a[1], b[1], key=lambda end: (end.at, end.closed))
            if _is_piece(low, high):
                pieces.append((low, high))
    return pieces


def _complement(pieces: list[Piece]) -> list[Piece]:
    result: list[Piece] = []
    low = _LOWEST
    for piece in pieces:
        high = piece[0]._replace(closed=not piece[0].closed)
        if piece[0].node is not None and (low.at < high.at or (low.closed and high.closed)):
            result.append((low, high))
        low = piece[1]._replace(closed=not piece[1].closed)
    if low.node is not None or not pieces:
        result.append((low, _HIGHEST))
    return result


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Sorted, with pieces that touch or overlap made one."""
    result: list[Piece] = []
    for low, high in sorted(pieces, key=lambda piece: (piece[0].at, not piece[0].closed)):
        if result:
            last = result[-1]
            if low.at < last[1].at or (low.at == last[1].at and (low.closed or last[1].closed)):
                if (high.at, high.closed) > (last[1].at, last[1].closed):
                    result[-1] = (last[0], high)
                continue
        result.append((low, high))
    return result
