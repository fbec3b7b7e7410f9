r"""The tree of a mathematical answer, as tuples.

`("num", Fraction, decimals)` (decimals: digits behind the point, -1 for an integer), `("var", name)`,
`("const", "pi" | "e" | "i" | "oo")`, `("add" | "mul" | "div" | "pow", a, b)`,
`("neg" | "fact" | "abs" | "floor" | "ceil" | "group" | "percent" | "degree", a)`, `("pm" | "mp", a | None, b)`,
`("fn", name, argument[, base or index])`, `("binom", n, k)`, `("mod", a, b)`, `("apply", name, argument)`,
`("sum" | "prod", index, from, to, term)`, `("seq", open, close, items)` for brackets with commas, `("set", items)`,
`("list", items)` for bare commas, `("rel", operators, sides)`, `("ratio", items)`, `("matrix", rows)`,
`("union" | "inter" | "minus", a, b)`, `("all",)`, `("empty",)`, `("word", text)`, `("unit", a, text)`,
`("based", digits, base)`.
"""

from collections.abc import Iterator
from typing import Any

Node = tuple[Any, ...]

SCALARS = frozenset(
    ("num", "var", "const", "add", "mul", "div", "pow", "neg", "fact", "abs", "floor", "ceil", "fn", "binom",
     "percent", "degree", "mod", "group", "sum", "prod")
)  # fmt: skip
NOT_NUMBERS = frozenset(("matrix", "seq", "list", "set", "apply", "word", "union", "pm", "mp"))


def walk(node: Node) -> Iterator[Node]:
    """Every subtree."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current and isinstance(current[0], str):
            yield current
        stack.extend(child for child in current if isinstance(child, tuple))


def variables_of(node: Node) -> frozenset[str]:
    """The names of the variables in a tree, the index of a sum not among them."""
    bound = {child[1] for child in walk(node) if child[0] in ("sum", "prod")}
    return frozenset(child[1] for child in walk(node) if child[0] == "var" and child[1] not in bound)


def is_constant(node: Node) -> bool:
    """A number without unknowns."""
    return node[0] in SCALARS and not any(n[0] == "var" or n[0] in NOT_NUMBERS for n in walk(node))


def flat(node: Node) -> str:
    """A subscript as text, the same for x_1 and x_{1}."""
    if node[0] == "num":
        return str(node[1])
    if node[0] in ("var", "word", "const"):
        return str(node[1])
    return "(" + ",".join(flat(child) if isinstance(child, tuple) else str(child) for child in node[1:]) + ")"
