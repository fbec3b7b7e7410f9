"""Outcomes of a comparison: True, False, or None where nobody can tell for sure."""

from collections.abc import Callable, Iterable

from r1tool.grading.math.tree import Node

Compare = Callable[[Node, Node], bool | None]
"""Whether the second tree, the answer, is the first, the gold. May raise Unsure."""


def every(outcomes: Iterable[bool | None]) -> bool | None:
    """False at the first False; None where one is open."""
    result: bool | None = True
    for outcome in outcomes:
        if outcome is False:
            return False
        if outcome is None:
            result = None
    return result
