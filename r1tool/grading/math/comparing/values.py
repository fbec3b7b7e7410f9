"""What an answer says: x = 5 says 5, (p, q) = (3, 2) says (3, 2), 8 + 14 = 22 says 22."""

from r1tool.grading.math.tree import SCALARS, Node, variables_of

_NAMES = frozenset(("var", "apply", "word"))


def value_of(node: Node) -> Node:
    """What an answer says: x = 5 says 5, (p, q) = (3, 2) says (3, 2), x = 1, y = 2 says 1, 2 in this order."""
    while node[0] == "group":
        node = node[1]
    if node[0] == "unit" and node[1][0] in ("rel", "list", "group"):
        return value_of(("unit", value_of(node[1]), node[2])) if node[1][0] != "list" else node
    if node[0] == "unit" and node[2].lower().strip(".") in ("percent", "pct", "percentage"):
        return ("percent", node[1])
    if node[0] == "unit" and node[2].lower().strip(".") in ("degree", "degrees", "deg"):
        return ("degree", node[1])
    if node[0] == "rel":
        return _assigned(node)
    if node[0] == "list":
        ranges = [item for item in node[1] if _ranges_over_integers(item)]
        items = tuple(item for item in node[1] if item not in ranges)
        for item in ranges:
            items = tuple(_renamed(each, item[2][0], ("var", "k")) for each in items)
        if len(items) == 1:
            return value_of(items[0])
        if all(item[0] == "rel" for item in items):
            names = [_name(item) for item in items]
            if all(names) and len(set(names)) == len(names):
                values = tuple(value_of(item) for item in items)
                return ("ordered", values, tuple(names))
        if any(item[0] == "list" for item in items):
            return ("list", tuple(("ordered", *_row(item)) if item[0] == "list" else value_of(item) for item in items))
        values = tuple(value_of(item) for item in items)
        return ("list", values)
    if node[0] == "seq":
        return ("seq", node[1], node[2], tuple(value_of(item) for item in node[3]))
    if node[0] == "set":
        if len(node[1]) == 1 and node[1][0][0] == "seq":
            return value_of(node[1][0])
        return ("set", tuple(value_of(item) for item in node[1]))
    return node


def _ranges_over_integers(node: Node) -> bool:
    """The k ∈ ℤ behind a general solution."""
    return (
        node[0] == "rel"
        and node[1] == ("in",)
        and node[2][1] in (("word", "mathbb Z"), ("var", "Z"), ("word", "mathbb N"))
    )


def _renamed(node: Node, old: Node, new: Node) -> Node:
    if node == old:
        return new
    return tuple(_renamed(child, old, new) if isinstance(child, tuple) else child for child in node)


def _row(node: Node) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    value = value_of(node)
    return (value[1], value[2]) if value[0] == "ordered" else (value[1], ())


def _assigned(node: Node) -> Node:
    operators, sides = node[1], node[2]
    if set(operators) <= {"=", "~", "=="}:
        if (
            not variables_of(node)
            and set(operators) == {"="}
            and all(side[0] in SCALARS or side[0] == "unit" for side in sides)
        ):
            return value_of(sides[-1])  # 8 + 14 + 56 = 78 says 78
        if "~" in operators and operators[0] != "~":  # x = 1/3 ≈ 0.33 says 1/3
            cut = operators.index("~")
            operators, sides = operators[:cut], sides[: cut + 1]
        if operators[0] == "~" and len(sides) == 2:
            if sides[0][0] in _NAMES:
                return value_of(sides[1])
            return value_of(sides[0])
        if (
            sides[0][0] == "mul"
            and sides[0][1][0] == "var"
            and _arguments(sides[0][2])
            and not _tests(sides[0], sides[1])
        ):
            return value_of(sides[-1])  # n(x) = ...
        if _is_segment(sides[0]) and not variables_of(sides[-1]):
            return value_of(sides[-1])
        if sides[0][0] in _NAMES or sides[0][0] in ("ratio", "matrix") or len(sides) > 2:
            if sides[0][0] in ("var", "apply") and len(sides) == 2 and sides[0][1] in variables_of(sides[1]):
                return node
            return value_of(sides[-1])
        if sides[0][0] == "seq" and sides[-1][0] == "seq":
            return value_of(sides[-1])
        if sides[-1][0] == "var" and sides[0][0] in ("num", "neg", "div") and not variables_of(sides[0]):
            return value_of(sides[0])
        if sides[0][0] == "mul" and all(part[0] in _NAMES for part in sides[0][1:]) and sides[1][0] == "num":
            return node
    if operators == ("in",) and sides[0][0] in ("var", "abs"):
        return value_of(sides[1]) if sides[0][0] == "var" else node
    return node


def _is_segment(node: Node) -> bool:
    """AB, ABC: points side by side, not factors."""
    if node[0] == "mul":
        return _is_segment(node[1]) and _is_segment(node[2])
    return node[0] == "var" and len(node[1]) == 1 and node[1].isupper()


def _arguments(node: Node) -> bool:
    return (node[0] == "group" and node[1][0] == "var") or (
        node[0] == "seq" and all(item[0] == "var" for item in node[3])
    )


def _tests(call: Node, value: Node) -> bool:
    """Whether a(x) = ... is a product after all: the name in front stands on the right as well."""
    return call[1][1] in variables_of(value)


def _name(node: Node) -> str | None:
    """The name an assignment gives a value to."""
    if node[0] == "rel" and set(node[1]) <= {"=", "~"} and node[2][0][0] in ("var", "apply"):
        return str(node[2][0][1])
    return None
