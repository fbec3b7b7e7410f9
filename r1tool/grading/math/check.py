"""Grading: exact comparison, then the own reader, then Math-Verify; each answers only when it is sure."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from r1tool.grading.extraction import all_boxes, last_boxes, locate
from r1tool.grading.math import choices
from r1tool.grading.math.comparing.compare import compare
from r1tool.grading.math.reading.notation import is_prose, normalize, squeeze
from r1tool.grading.math.reading.read import read
from r1tool.grading.math.reading.tokens import Unreadable
from r1tool.grading.math.tree import Node, walk
from r1tool.grading.verdict import Settings, Verdict
from r1tool.records.generations import has_reference

MAX_SHOWN = 200
MAX_GOLD_CHARS = 2_000

Fallback = Callable[[str, str], bool | None]
"""Math-Verify: gold and answer to equal, different, or None where the gold cannot be read. May raise TimeoutError."""


class Gold(NamedTuple):
    """A reference answer, read once."""

    text: str
    squeezed: str
    node: Node | None
    choice: tuple[str, str] | None


@lru_cache(maxsize=256)
def read_gold(answer: str | None) -> Gold | None:
    """The reference answer; None where there is nothing a rule can check."""
    if answer is None or not has_reference(answer):
        return None
    text = answer.strip()
    if "\\boxed" in text or "\\fbox" in text:
        text = ", ".join(last_boxes(text)) or text
    if is_prose(text) and ("$" in text or len(text) > MAX_GOLD_CHARS):
        found = locate(text)
        if not found:
            return None
        text = found.text
    squeezed = squeeze(normalize(text))
    if not squeezed:
        return None
    node = _node(text)
    if node is None and (stated := _stated(text)):
        node = _node(stated)
    return Gold(text, squeezed, node, choices.letter(text))


def decide(
    gold: str | None, generation: str, problem: str | None, settings: Settings, fallback: Fallback | None
) -> Verdict:
    """The verdict on one generation. What is slow or dangerous happens in `fallback` only."""
    reference = read_gold(gold)
    if reference is None:
        return Verdict("gold_unparsable", _text(generation, settings), "gold")
    found = locate(generation, settings.answers)
    if found is None:
        return Verdict("no_answer", None, "extraction", reference.text)
    verdict = _judge(reference, found.text, problem, fallback)
    if (
        verdict.outcome == "wrong"
        and found.how in ("formula", "number", "phrase")
        and len(generation) < MAX_GOLD_CHARS
    ):
        whole = squeeze(normalize(generation))
        if whole == reference.squeezed:
            return Verdict("correct", generation.strip(), "exact", reference.squeezed, whole)
    if verdict.outcome == "correct" or found.how not in ("box", "boxes"):
        return verdict
    parts = _parts(reference.node)
    if parts > 1:
        boxes = all_boxes(generation, parts)
        if len(boxes) == parts and ", ".join(boxes) != found.text:
            joined = _judge(reference, ", ".join(boxes), problem, None)
            if joined.outcome == "correct":
                return joined
    return verdict


def _text(generation: str, settings: Settings) -> str | None:
    found = locate(generation, settings.answers)
    return found.text if found else None


def _parts(node: Node | None) -> int:
    if node is not None and node[0] in ("list", "set"):
        return len(node[1])
    return 2 if node is not None and node[0] == "pm" else 1


def _judge(reference: Gold, answer: str, problem: str | None, fallback: Fallback | None) -> Verdict:
    squeezed = squeeze(normalize(answer))
    if squeezed == reference.squeezed:
        return Verdict("correct", answer, "exact", reference.squeezed, squeezed)
    if not squeezed:
        return Verdict("wrong", answer, "exact", reference.squeezed, squeezed)
    outcome = _integers(reference.squeezed, squeezed)
    if outcome is None:
        outcome = _choices(reference, answer, problem)
    if outcome is not None:
        return Verdict("correct" if outcome else "wrong", answer, "exact", reference.squeezed, squeezed)
    node = _node(answer)
    if node is not None and reference.node is not None:
        outcome = _compared(reference.node, node)
        if outcome is not None:
            return Verdict("correct" if outcome else "wrong", answer, "reader", show(reference.node), show(node))
    if node is None:
        stated = _stated(answer)
        if stated is not None and _equal(reference.text, stated):
            return Verdict("correct", answer, "reader", reference.squeezed, stated)
        if is_prose(answer) or not any(c.isalnum() for c in squeezed):
            return Verdict("wrong", answer, "reader", reference.squeezed, stated or squeezed)
    if fallback is None:
        return Verdict("wrong", answer, "reader", reference.squeezed, squeezed)
    try:
        outcome = fallback(reference.text, answer)
    except TimeoutError:
        return Verdict("timeout", answer, "limit", reference.squeezed, squeezed)
    if outcome is None and reference.node is not None:
        outcome = False
    if outcome is None:
        return Verdict("gold_unparsable", answer, "math_verify", reference.squeezed, squeezed)
    return Verdict("correct" if outcome else "wrong", answer, "math_verify", reference.squeezed, squeezed)


_STATED = re.compile(
    r"(?:(?:\bis|\bare|\bequals|=|得|为|是)\s*)((?:(?!\bis\b|\bare\b|=|得|为|是).){1,80})$", re.DOTALL
)
_HEDGED = re.compile(r"\b(?:not|no|at least|at most|less|more|approximately|about|likely|between|or)\b", re.IGNORECASE)


def _stated(sentence: str) -> str | None:
    """What a sentence ends with behind its last "is" or "="."""
    match = _STATED.search(normalize(sentence).strip(" .。"))
    return None if match is None or _HEDGED.search(sentence) else match[1].strip()


def _integers(gold: str, answer: str) -> bool | None:
    """Two plain integers; as text, for there are answers of 50,000 digits."""
    if gold.isdecimal() and answer.isdecimal():
        return gold.lstrip("0") == answer.lstrip("0")
    return None


def _choices(reference: Gold, answer: str, problem: str | None) -> bool | None:
    """A letter against a letter, or against the value of an option of the problem."""
    mine, theirs = reference.choice, choices.letter(answer)
    if mine and theirs:
        return mine[0] == theirs[0]
    if mine is None and theirs is None:
        several = choices.letters(reference.text)
        return several == choices.letters(answer) if several and choices.letters(answer) else None
    if mine:
        if mine[1]:
            return _equal(mine[1], answer) or None
        if not problem:
            return None
        texts = choices.options(problem)
        if mine[0] not in texts:
            return None
        return _option_of(answer, texts) == mine[0]
    assert theirs
    if theirs[1]:
        return _equal(reference.text, theirs[1])
    texts = choices.options(problem) if problem else {}
    if theirs[0] in texts:
        return _option_of(reference.text, texts) == theirs[0]
    return None


def _compared(gold: Node, answer: Node) -> bool | None:
    try:
        return compare(gold, answer)
    except RecursionError:
        return None


def _option_of(value: str, texts: dict[str, str]) -> str | None:
    """The one option that is this value."""
    equal = [letter for letter, text in texts.items() if _equal(text, value)]
    return equal[0] if len(equal) == 1 else None


def _equal(gold: str, answer: str) -> bool | None:
    """Equality as far as the first two tiers know it."""
    if squeeze(normalize(gold)) == squeeze(normalize(answer)):
        return True
    left, right = _node(gold), _node(answer)
    return _compared(left, right) if left is not None and right is not None else None


@lru_cache(maxsize=4096)
def _node(text: str) -> Node | None:
    try:
        return read(text)
    except (Unreadable, ValueError):
        return None


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


def same(a: str, b: str, problem: str | None, fallback: Fallback | None) -> bool:
    """Whether two extracted answers are the same, asked both ways round."""
    for gold, answer in ((a, b), (b, a)):
        reference = read_gold(gold)
        if reference and _judge(reference, answer, problem, fallback).outcome == "correct":
            return True
    return squeeze(normalize(a)) == squeeze(normalize(b))


def is_verifiable(gold: str | None) -> bool:
    """Whether a reference answer can be checked by rules at all: not empty, "proof" or "notfound"."""
    return read_gold(gold) is not None
