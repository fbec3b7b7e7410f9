"""The tree of a mathematical answer: a tuple of its kind and its parts, so that equal trees are equal values.

    ("num", Fraction, decimals)                       decimals: digits after the point of a decimal number, else 0
    ("var", name)  ("const", "pi" | "e" | "i" | "oo")  ("word", text)
    ("add" | "mul" | "div" | "pow" | "mod", a, b)
    ("neg" | "fact" | "abs" | "floor" | "ceil" | "group" | "percent" | "degree", a)
    ("pm" | "mp", a | None, b)
    ("fn", name, argument [, base of a logarithm or index of a root])
    ("binom", n, k)  ("apply", name, argument)  ("sum" | "prod", index, from, to, term)
    ("unit", a, text)  ("based", digits, base)
    ("list", items)                                   commas without brackets
    ("set", items)  ("seq", open, close, items)       braces; other brackets with commas
    ("matrix", rows)
    ("ordered", items, names)                         x = 1, y = 2 as its values; only values.py makes it
    ("rel", operators, sides)  ("ratio", items)
    ("union" | "inter" | "minus", a, b)  ("all",)  ("empty",)

Where it is not hot, take a node apart with `match`, and make numbers with `number`.
"""

from collections.abc import Container, Iterator
from fractions import Fraction
from typing import Any

Node = tuple[Any, ...]

MAX_SHOWN = 200
"""Subtrees beyond which show abbreviates."""

SCALARS = frozenset(
    "num var const add mul div pow neg fact abs floor ceil fn binom percent degree mod group sum prod".split()
)
COLLECTIONS = frozenset("list seq set matrix ordered".split())
NOT_NUMBERS = frozenset("matrix seq list set apply word union pm mp".split())


def number(value: Fraction | int, decimals: int = 0) -> Node:
    """The node of an exact number, or of a decimal one with its places."""
    return ("num", Fraction(value), decimals)


ZERO, TEN, HUNDRED = number(0), number(10), number(100)
INFINITY: Node = ("const", "oo")


def walk(node: Node) -> Iterator[Node]:
    """Every subtree."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current and isinstance(current[0], str):
            yield current
        stack.extend(child for child in current if isinstance(child, tuple))


def holds(node: Node, kinds: Container[str]) -> bool:
    """Whether a subtree is of one of `kinds`."""
    return any(child[0] in kinds for child in walk(node))


def kind_first(kind: str, gold: Node, answer: Node) -> tuple[Node, Node]:
    """The one of two nodes that is of `kind`, and the other; the gold first if both are."""
    return (gold, answer) if gold[0] == kind else (answer, gold)


def items(node: Node) -> tuple[Node, ...]:
    """What a collection consists of; a matrix row by row."""
    match node:
        case ("matrix", rows):
            return tuple(item for row in rows for item in row)
        case ("seq", _, _, inside) | ("list" | "set", inside) | ("ordered", inside, _):
            return inside  # type: ignore[no-any-return]
    return (node,)


def replaced(node: Node, old: Node, new: Node) -> Node:
    """The tree with `new` wherever `old` stood."""
    if node == old:
        return new
    return tuple(replaced(child, old, new) if isinstance(child, tuple) else child for child in node)


def variables_of(node: Node) -> frozenset[str]:
    """The names of the variables in a tree, the index of a sum not among them."""
    bound = {child[1] for child in walk(node) if child[0] in ("sum", "prod")}
    return frozenset(child[1] for child in walk(node) if child[0] == "var" and child[1] not in bound)


def is_constant(node: Node) -> bool:
    """A number without unknowns."""
    return node[0] in SCALARS and not any(n[0] == "var" or n[0] in NOT_NUMBERS for n in walk(node))


def flat(node: Node) -> str:
    """A subscript as text, the same for x_1 and x_{1}."""
    if node[0] in ("num", "var", "word", "const"):
        return str(node[1])
    return "(" + ",".join(flat(child) if isinstance(child, tuple) else str(child) for child in node[1:]) + ")"


def show(node: Node) -> str:
    """A tree in one line, for --explain."""
    kind = node[0]
    if kind == "num":
        return str(node[1])
    if kind in ("var", "const", "word"):
        return str(node[1])
    if sum(1 for _ in walk(node)) > MAX_SHOWN:
        return f"{kind}(…)"
    return f"{kind}({', '.join(map(_show_part, node[1:]))})"


def _show_part(part: object) -> str:
    if not isinstance(part, tuple):
        return str(part)
    if part and isinstance(part[0], str) and part[0].isalpha():
        return show(part)
    return f"[{', '.join(map(_show_part, part))}]"
