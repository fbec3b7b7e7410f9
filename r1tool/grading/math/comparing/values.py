"""What an answer says: x = 5 says 5, (p, q) = (3, 2) says (3, 2), 8 + 14 = 22 says 22."""

from r1tool.grading.math.tree import SCALARS, Node, replaced, variables_of

_NAMES = frozenset(("var", "apply", "word"))
_INTEGERS = (("word", "mathbb Z"), ("var", "Z"), ("word", "mathbb N"))


def value_of(node: Node) -> Node:
    """The tree of what is said; x = 1, y = 2 says 1, 2 in this order, with its names."""
    match node:
        case ("group", inner):
            return value_of(inner)
        case ("unit", value, unit):
            return _quantity(node, value, unit.lower().strip("."))
        case ("rel", _, _):
            return _assigned(node)
        case ("list", items):
            return _listed(items)
        case ("seq", opening, closing, items):
            return ("seq", opening, closing, tuple(map(value_of, items)))
        case ("set", (("seq", *_) as only,)):
            return value_of(only)
        case ("set", items):
            return ("set", tuple(map(value_of, items)))
    return node


def _quantity(node: Node, value: Node, unit: str) -> Node:
    if value[0] in ("rel", "group"):
        return value_of(("unit", value_of(value), node[2]))
    if value[0] == "list":
        return node
    if unit in ("percent", "pct", "percentage"):
        return ("percent", value)
    if unit in ("degree", "degrees", "deg"):
        return ("degree", value)
    return node


def _listed(items: tuple[Node, ...]) -> Node:
    ranges = [item for item in items if _is_range(item)]
    items = tuple(item for item in items if item not in ranges)
    for _, _, (index, _) in ranges:
        items = tuple(replaced(item, index, ("var", "k")) for item in items)
    if len(items) == 1:
        return value_of(items[0])
    if all(item[0] == "rel" for item in items):
        names = [_name(item) for item in items]
        if all(names) and len(set(names)) == len(names):
            return ("ordered", tuple(map(value_of, items)), tuple(names))
    if any(item[0] == "list" for item in items):
        return ("list", tuple(_row(item) if item[0] == "list" else value_of(item) for item in items))
    return ("list", tuple(map(value_of, items)))


def _is_range(node: Node) -> bool:
    """The k ∈ ℤ after a general solution."""
    match node:
        case ("rel", ("in",), (_, within)):
            return within in _INTEGERS
    return False


def _row(node: Node) -> Node:
    """A list in a list has an order."""
    value = value_of(node)
    return ("ordered", value[1], ()) if value[0] in ("list", "set") else value


def _name(node: Node) -> str | None:
    """The name an assignment gives a value to."""
    match node:
        case ("rel", operators, (("var" | "apply", name, *_), *_)) if set(operators) <= {"=", "~"}:
            return str(name)
    return None


def _assigned(node: Node) -> Node:
    """What a relation says: what its last side is, where the first is a name for it; else the relation."""
    operators, sides = node[1], node[2]
    if operators == ("in",) and sides[0][0] == "var":
        return value_of(sides[1])
    if not set(operators) <= {"=", "~", "=="}:
        return node
    if set(operators) == {"="} and not variables_of(node) and all(s[0] in SCALARS or s[0] == "unit" for s in sides):
        return value_of(sides[-1])  # 8 + 14 + 56 = 78 says 78
    if "~" in operators and operators[0] != "~":  # x = 1/3 ≈ 0.33 says 1/3
        cut = operators.index("~")
        operators, sides = operators[:cut], sides[: cut + 1]
    left, right = sides[0], sides[-1]
    if operators[0] == "~" and len(sides) == 2:
        return value_of(right if left[0] in _NAMES else left)
    if _is_call(left, sides[1]):
        return value_of(right)
    if _is_segment(left) and not variables_of(right):
        return value_of(right)
    if left[0] in _NAMES or left[0] in ("ratio", "matrix") or len(sides) > 2:
        recursive = left[0] in ("var", "apply") and len(sides) == 2 and left[1] in variables_of(right)
        return node if recursive else value_of(right)
    if left[0] == right[0] == "seq":
        return value_of(right)
    if right[0] == "var" and left[0] in ("num", "neg", "div") and not variables_of(left):
        return value_of(left)  # 5 = x says 5
    return node


def _is_segment(node: Node) -> bool:
    """AB, ABC: points side by side, not factors."""
    match node:
        case ("mul", a, b):
            return _is_segment(a) and _is_segment(b)
        case ("var", name):
            return len(name) == 1 and name.isupper()
    return False


def _is_call(node: Node, value: Node) -> bool:
    """n(x) = …; a product after all where n stands on the right as well."""
    match node:
        case ("mul", ("var", name), ("group", ("var", _))):
            return name not in variables_of(value)
        case ("mul", ("var", name), ("seq", _, _, items)):
            return all(item[0] == "var" for item in items) and name not in variables_of(value)
    return False
