"""Checking one answer: exact comparison, then as trees, then Math-Verify; each decides only when it is sure."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from r1tool.grading.extraction import is_prose, last_boxes, locate
from r1tool.grading.math import choices
from r1tool.grading.math.comparing.compare import compare
from r1tool.grading.math.reading.notation import normalize, squeeze
from r1tool.grading.math.reading.read import read
from r1tool.grading.math.reading.tokens import Unreadable
from r1tool.grading.math.tree import Node, show
from r1tool.grading.verdict import Verdict
from r1tool.records.generations import has_reference

MAX_GOLD_CHARS = 2_000

Tier = Literal["exact", "reader", "math_verify"]

Fallback = Callable[[str, str], bool | None]
"""Math-Verify: gold and answer to equal, different, or None where the gold cannot be read. May raise TimeoutError."""


class Reference(NamedTuple):
    """A reference answer, read once."""

    text: str
    squeezed: str
    node: Node | None

    @property
    def parts(self) -> int:
        """How many answers it consists of, if they may be boxed one by one."""
        match self.node:
            case ("list" | "set", items):
                return len(items)
            case ("pm", *_):
                return 2
        return 1


@lru_cache(maxsize=256)
def read_reference(answer: str | None) -> Reference | None:
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
    return Reference(text, squeezed, node)


def check(reference: Reference, answer: str, problem: str | None, fallback: Fallback | None) -> Verdict:
    """Whether an extracted answer is the reference; without `fallback`, what both tiers leave open is wrong."""
    squeezed = squeeze(normalize(answer))
    right = _exactly(reference, answer, squeezed, problem)
    if right is not None:
        return _verdict(right, answer, "exact", reference.squeezed, squeezed)
    node = _node(answer)
    if node is not None and reference.node is not None:
        right = _compare(reference.node, node)
        if right is not None:
            return _verdict(right, answer, "reader", show(reference.node), show(node))
    if node is None:
        stated = _stated(answer)
        if stated is not None and _compare_texts(reference.text, stated):
            return _verdict(True, answer, "reader", reference.squeezed, stated)
        if is_prose(answer) or not any(c.isalnum() for c in squeezed):
            return _verdict(False, answer, "reader", reference.squeezed, stated or squeezed)
    if fallback is None:
        return _verdict(False, answer, "reader", reference.squeezed, squeezed)
    try:
        right = fallback(reference.text, answer)
    except TimeoutError:
        return Verdict("timeout", answer, "limit", reference.squeezed, squeezed)
    if right is None and reference.node is None:
        return Verdict("gold_unparsable", answer, "math_verify", reference.squeezed, squeezed)
    return _verdict(bool(right), answer, "math_verify", reference.squeezed, squeezed)


def _verdict(right: bool, answer: str, tier: Tier, gold_read: str, answer_read: str) -> Verdict:
    return Verdict("correct" if right else "wrong", answer, tier, gold_read, answer_read)


def _exactly(reference: Reference, answer: str, squeezed: str, problem: str | None) -> bool | None:
    """As text, as integers, as options of the problem; None where they do not decide."""
    gold = reference.squeezed
    if squeezed == gold:
        return True
    if not squeezed:
        return False
    if gold.isdecimal() and squeezed.isdecimal():  # as text, for there are answers of 50,000 digits
        return gold.lstrip("0") == squeezed.lstrip("0")
    return choices.compare(reference.text, answer, problem, _compare_texts)


_STATED = re.compile(
    r"(?:(?:\bis|\bare|\bequals|=|得|为|是)\s*)((?:(?!\bis\b|\bare\b|=|得|为|是).){1,80})$", re.DOTALL
)
_HEDGED = re.compile(r"\b(?:not|no|at least|at most|less|more|approximately|about|likely|between|or)\b", re.IGNORECASE)


def _stated(sentence: str) -> str | None:
    """What a sentence ends with after its last "is" or "="."""
    match = _STATED.search(normalize(sentence).strip(" .。"))
    return None if match is None or _HEDGED.search(sentence) else match[1].strip()


def _compare(gold: Node, answer: Node) -> bool | None:
    try:
        return compare(gold, answer)
    except RecursionError:
        return None


def _compare_texts(gold: str, answer: str) -> bool | None:
    """Whether two texts are the same answer, as far as the first two tiers know."""
    if squeeze(normalize(gold)) == squeeze(normalize(answer)):
        return True
    left, right = _node(gold), _node(answer)
    return _compare(left, right) if left is not None and right is not None else None


@lru_cache(maxsize=4096)
def _node(text: str) -> Node | None:
    try:
        return read(text)
    except (Unreadable, ValueError):
        return None
