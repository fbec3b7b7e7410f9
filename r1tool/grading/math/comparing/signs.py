"""A choice of signs: 3 ± 2√2 is its two values."""

from r1tool.grading.math.comparing.collections import unordered
from r1tool.grading.math.comparing.outcomes import Compare
from r1tool.grading.math.tree import Node, holds, items, walk


def applies(gold: Node, answer: Node) -> bool:
    return holds(gold, ("pm", "mp")) or holds(answer, ("pm", "mp"))


def compare(gold: Node, answer: Node, compare_parts: Compare) -> bool | None:
    left, right = _expanded(gold), _expanded(answer)
    if left is None or right is None:
        return None
    return unordered(left, right, compare_parts)


def _expanded(node: Node) -> tuple[Node, ...] | None:
    """The values of an answer, both for a choice of signs; None where two choices may be independent."""
    choices = [child[0] for child in walk(node) if child[0] in ("pm", "mp")]
    if not choices:
        return items(node) if node[0] in ("list", "set", "ordered") else (node,)
    if node[0] in ("list", "set"):
        parts = [_expanded(item) for item in items(node)]
        return None if None in parts else tuple(item for part in parts if part for item in part)
    if len(choices) > 1 and "mp" not in choices:
        return None
    return _signed(node, 1), _signed(node, -1)


def _signed(node: Node, sign: int) -> Node:
    """With + for ± and - for ∓ where `sign` is 1, the other way round where it is -1."""
    if not isinstance(node, tuple):
        return node
    match node:
        case ("pm" | "mp" as kind, left, right):
            right = _signed(right, sign)
            if (kind == "pm") != (sign > 0):
                right = ("neg", right)
            return right if left is None else ("add", _signed(left, sign), right)
    return tuple(_signed(child, sign) if isinstance(child, tuple) else child for child in node)
