"""Sets of real numbers: intervals, unions and inequalities in one variable, as sorted pieces."""

from fractions import Fraction
from typing import NamedTuple

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.numeric import Unsure
from r1tool.grading.math.tree import ZERO, Node, number, variables_of, walk

_ORDER = frozenset(("<", ">", "<=", ">=", "!="))
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "!=": "!="}


class End(NamedTuple):
    """An end of an interval: its place as a float, its exact value (None: infinite), the tree it came from."""

    at: float
    node: Node | None
    closed: bool


Piece = tuple[End, End]
_LOWEST, _HIGHEST = End(float("-inf"), None, False), End(float("inf"), None, False)


def is_set(node: Node) -> bool:
    """Written as a set of reals and nothing else: a union, an inequality, mixed brackets, an infinite end."""
    if node[0] in ("union", "inter", "minus", "all", "empty"):
        return True
    if node[0] == "rel":
        return bool(set(node[1]) & _ORDER)
    if node[0] == "list":
        return any(item[0] == "rel" and set(item[1]) & _ORDER for item in node[1])
    if node[0] == "seq" and len(node[3]) == 2:
        return (node[1], node[2]) in (("(", "]"), ("[", ")")) or any(_infinite(item) for item in node[3])
    return False


def read(node: Node) -> list[Piece] | None:
    """The pieces of a set in ascending order; None if it is not one this reader knows."""
    try:
        pieces = _pieces(node)
    except Unsure:
        return None
    return None if pieces is None else _merged(pieces)


def same(left: list[Piece], right: list[Piece]) -> bool | None:
    """Whether two sets have the same ends, open and closed alike."""
    from r1tool.grading.math.comparing.compare import compare

    if len(left) != len(right):
        return False
    unsure = False
    for mine, theirs in zip(left, right, strict=True):
        for x, y in zip(mine, theirs, strict=True):
            if x.closed != y.closed or (x.node is None) != (y.node is None) or (x.node is None and x.at != y.at):
                return False
            if x.node is not None and y.node is not None:
                outcome = compare(x.node, y.node)
                if outcome is False:
                    return False
                unsure = unsure or outcome is None
    return None if unsure else True


def _infinite(node: Node) -> int:
    """1 and -1 for the two infinities, else 0."""
    while node[0] == "group":
        node = node[1]
    if node == ("const", "oo"):
        return 1
    if node[0] == "neg":
        return -_infinite(node[1])
    return 0


def _end(node: Node, closed: bool) -> End:
    if sign := _infinite(node):
        return _HIGHEST if sign > 0 else _LOWEST
    value = numeric.approximate(numeric.evaluate(node)).value
    if abs(value.imag) > 1e-9:
        raise Unsure("a complex end")
    return End(value.real, node, closed)


def _pieces(node: Node) -> list[Piece] | None:
    kind = node[0]
    if kind == "group":
        return _pieces(node[1])
    if kind == "all":
        return [(_LOWEST, _HIGHEST)]
    if kind == "empty":
        return []
    if kind == "seq" and len(node[3]) == 2 and node[1] in "([" and node[2] in ")]":
        low, high = _end(node[3][0], node[1] == "["), _end(node[3][1], node[2] == "]")
        return [(low, high)] if low.at < high.at or (low.at == high.at and low.closed and high.closed) else None
    if kind in ("set", "list") and not any(item[0] == "rel" for item in node[1]):
        points = [_end(item, True) for item in node[1] if item[0] not in ("seq", "union")]
        return [(p, p) for p in points] if len(points) == len(node[1]) else None
    if kind == "list":
        return _several(node[1])
    if kind == "rel":
        return _relation(node)
    if kind in ("union", "inter", "minus"):
        left, right = _pieces(node[1]), _pieces(node[2])
        if left is None or right is None:
            return None
        if kind == "union":
            return left + right
        return _intersection(left, right if kind == "inter" else _complement(_merged(right)))
    return None


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


def _relation(node: Node) -> list[Piece] | None:
    operators, sides = node[1], node[2]
    if operators == ("in",) and sides[0][0] == "var":
        return _pieces(sides[1])
    if not set(operators) <= _ORDER:
        return None
    names = variables_of(node)
    if len(names) != 1:
        return None
    name = next(iter(names))
    if (inner := _only_inside_abs(node, name)) is not None:
        return _mirrored(node, inner, name)
    pieces: list[Piece] = [(_LOWEST, _HIGHEST)]
    for operator, left, right in zip(operators, sides, sides[1:], strict=False):
        half = _half_line(operator, left, right, name)
        if half is None:
            return None
        pieces = _intersection(pieces, half)
    return pieces


def _only_inside_abs(node: Node, name: str) -> Node | None:
    """The |…| that holds every occurrence of the variable, if there is one."""
    inside = {child for child in walk(node) if child[0] == "abs" and name in variables_of(child)}
    if len(inside) != 1:
        return None
    (absolute,) = inside
    return absolute if name not in variables_of(_replaced(node, absolute, ZERO)) else None


def _mirrored(node: Node, absolute: Node, name: str) -> list[Piece] | None:
    """Where a relation in |f(x)| holds: its pieces in y = |f(x)|, as -y and y, in x."""
    in_y = _relation(_replaced(node, absolute, ("var", name)))
    if in_y is None:
        return None
    pieces: list[Piece] = []
    zero: Node = ZERO
    for low, high in _intersection(in_y, [(End(0.0, zero, True), _HIGHEST)]):
        for sign in (1, -1):
            f: Node = absolute[1] if sign > 0 else ("neg", absolute[1])
            ends: list[Node] = [f]
            operators = []
            if low.node is not None:
                ends, operators = [low.node, *ends], ["<=" if low.closed else "<"]
            if high.node is not None:
                ends, operators = [*ends, high.node], [*operators, "<=" if high.closed else "<"]
            part = _relation(("rel", tuple(operators), tuple(ends))) if operators else [(_LOWEST, _HIGHEST)]
            if part is None:
                return None
            pieces += part
    return pieces


def _replaced(node: Node, old: Node, new: Node) -> Node:
    if node == old:
        return new
    return tuple(_replaced(child, old, new) if isinstance(child, tuple) else child for child in node)


def _half_line(operator: str, left: Node, right: Node, name: str) -> list[Piece] | None:
    """Where `left operator right` holds, for sides linear in the variable."""
    if _infinite(left) or _infinite(right):
        return [(_LOWEST, _HIGHEST)]
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
    at_zero, at_one = (_replaced(difference, ("var", name), number(Fraction(x))) for x in (0, 1))
    return ("div", ("neg", at_zero), ("add", at_one, ("neg", at_zero)))


def _intersection(left: list[Piece], right: list[Piece]) -> list[Piece]:
    pieces = []
    for a in left:
        for b in right:
            low = max(a[0], b[0], key=lambda end: (end.at, not end.closed))
            high = min(a[1], b[1], key=lambda end: (end.at, end.closed))
            if low.at < high.at or (low.at == high.at and low.closed and high.closed):
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
