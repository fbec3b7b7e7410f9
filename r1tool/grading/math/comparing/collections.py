"""Answers of several parts: tuples and matrices have an order, sets and lists have none."""

from fractions import Fraction

from r1tool.grading.math.comparing import numeric
from r1tool.grading.math.comparing.outcomes import Compare, every
from r1tool.grading.math.tree import COLLECTIONS, Node, is_constant, items

MAX_UNORDERED = 40
"""Items beyond which only numbers are compared without order: each item is compared with each."""

_FREE = ("list", "set")


def applies(gold: Node, answer: Node) -> bool:
    return gold[0] in COLLECTIONS or answer[0] in COLLECTIONS


def compare(gold: Node, answer: Node, compare_parts: Compare) -> bool | None:
    left, right = items(gold), items(answer)
    match gold, answer:
        case ("matrix", rows), ("matrix", others):
            if [len(row) for row in rows] != [len(row) for row in others]:
                return None if len(left) == len(right) else False
            return ordered(left, right, compare_parts)
        case ("ordered", _, names), ("ordered", _, others) if names and set(names) == set(others):
            by_name = dict(zip(others, right, strict=True))
            return ordered(left, tuple(by_name[name] for name in names), compare_parts)
    if gold[0] in _FREE and answer[0] in _FREE:
        return unordered(left, right, compare_parts)
    if gold[0] not in COLLECTIONS:
        return _with_one(answer, gold, compare_parts)
    if answer[0] not in COLLECTIONS:
        return _with_one(gold, answer, compare_parts)
    if len(left) != len(right):
        return False if plain_values(left) and plain_values(right) else None
    in_order = ordered(left, right, compare_parts)
    if in_order:
        return None if _other_brackets(gold, answer) else True
    if gold[0] in _FREE or answer[0] in _FREE:
        return None if unordered(left, right, compare_parts) is not False else False
    return in_order


def _with_one(many: Node, one: Node, compare_parts: Compare) -> bool | None:
    """A collection against a value that is none."""
    parts = items(many)
    if many[0] == "set" and len(parts) == 1:
        return compare_parts(parts[0], one)
    if not is_constant(one):
        return None
    all_same = all(compare_parts(parts[0], item) is not False for item in parts[1:])
    return False if len(parts) > 1 and not all_same else None


def _other_brackets(gold: Node, answer: Node) -> bool:
    match gold, answer:
        case ("seq", *brackets, _), ("seq", *others, _):
            return set(brackets) != set(others)
    return False


def plain_values(parts: tuple[Node, ...]) -> bool:
    """Numbers and tuples only."""
    return all(is_constant(part) or part[0] == "seq" for part in parts)


def ordered(left: tuple[Node, ...], right: tuple[Node, ...], compare_parts: Compare) -> bool | None:
    """The same items in the same order."""
    if len(left) != len(right):
        return False
    return every(compare_parts(x, y) for x, y in zip(left, right, strict=True))


def unordered(left: tuple[Node, ...], right: tuple[Node, ...], compare_parts: Compare) -> bool | None:
    """The same items in any order, repetitions aside."""
    if max(len(left), len(right)) > MAX_UNORDERED:
        return _many_numbers(left, right)
    left, right = _distinct(left, compare_parts), _distinct(right, compare_parts)
    unsure = False
    for mine, theirs in ((left, right), (right, left)):
        for x in mine:
            outcomes = [compare_parts(x, y) for y in theirs]
            if True in outcomes:
                continue
            if None not in outcomes:
                return False
            unsure = True
    return None if unsure or len(left) != len(right) else True


def _distinct(parts: tuple[Node, ...], compare_parts: Compare) -> tuple[Node, ...]:
    kept: list[Node] = []
    for part in parts:
        if not any(compare_parts(part, other) for other in kept):
            kept.append(part)
    return tuple(kept)


def _many_numbers(left: tuple[Node, ...], right: tuple[Node, ...]) -> bool | None:
    values = [[numeric.evaluate(item) for item in side] for side in (left, right)]
    if all(isinstance(value, Fraction) for side in values for value in side):
        return set(values[0]) == set(values[1])
    return None
