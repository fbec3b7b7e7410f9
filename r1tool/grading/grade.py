"""Grading a whole generation: where its answer is, and whether that answer is the reference."""

import time

from r1tool.grading.extraction import Answers, Extracted, all_boxes, locate
from r1tool.grading.math.check import MAX_GOLD_CHARS, Fallback, Reference, check, read_reference
from r1tool.grading.math.reading.notation import normalize, squeeze
from r1tool.grading.verdict import Settings, Verdict

STEP_SHARE = 0.9
"""Of the seconds of a verdict, what Math-Verify gets: the rest is for ending it."""


def grade(
    gold: str | None, generation: str, problem: str | None = None, *, timeout: float = 2.0, answers: Answers = "any"
) -> Verdict:
    """Whether the final answer of `generation` is `gold`; `problem` gives an option letter its value.

    Safe in threads. What takes over `timeout` seconds or too much memory ends as outcome `timeout`: it runs in a
    helper process, started when first needed (0.5 s), and killed. Nothing in an answer is ever executed.
    """
    return grade_with(gold, generation, problem, Settings(timeout, answers), _Helper(timeout))


def equal(a: str, b: str, problem: str | None = None, *, timeout: float | None = None) -> bool:
    """Whether two extracted answers are the same answer, as far as can be told; the same whichever comes first.

    With a `timeout` in seconds, what the fast comparers leave open is put to Math-Verify in a helper process.
    """
    fallback = _Helper(timeout) if timeout else None
    for gold, answer in ((a, b), (b, a)):
        reference = read_reference(gold)
        if reference and check(reference, answer, problem, fallback).correct:
            return True
    return squeeze(normalize(a)) == squeeze(normalize(b))


def is_verifiable(gold: str | None) -> bool:
    """Whether a reference answer can be checked by rules at all: not empty, "proof" or "notfound"."""
    return read_reference(gold) is not None


def grade_with(
    gold: str | None, generation: str, problem: str | None, settings: Settings, fallback: Fallback | None
) -> Verdict:
    """The verdict on one generation. What is slow or dangerous happens in `fallback` only."""
    found = locate(generation, settings.answers)
    reference = read_reference(gold)
    if reference is None:
        return Verdict("gold_unparsable", found.text if found else None, "gold")
    if found is None:
        return Verdict("no_answer", None, "extraction", reference.text)
    verdict = check(reference, found.text, problem, fallback)
    if verdict.outcome == "wrong" and (whole := _as_a_whole(reference, generation, found)):
        return whole
    if not verdict.correct and (joined := _all_boxes(reference, generation, found, problem)):
        return joined
    return verdict


def _as_a_whole(reference: Reference, generation: str, found: Extracted) -> Verdict | None:
    """A short generation that is nothing but the answer."""
    if found.how in ("formula", "number", "phrase") and len(generation) < MAX_GOLD_CHARS:
        whole = squeeze(normalize(generation))
        if whole == reference.squeezed:
            return Verdict("correct", generation.strip(), "exact", reference.squeezed, whole)
    return None


def _all_boxes(reference: Reference, generation: str, found: Extracted, problem: str | None) -> Verdict | None:
    """A reference of several parts, boxed one by one all over the answer."""
    if found.how not in ("box", "boxes") or reference.parts < 2:
        return None
    boxes = all_boxes(generation, reference.parts)
    joined = ", ".join(boxes)
    if len(boxes) < reference.parts or joined == found.text:
        return None
    verdict = check(reference, joined, problem, None)
    return verdict if verdict.correct else None


class _Helper:
    """Math-Verify in a helper process, with what is left of the seconds of one verdict."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + STEP_SHARE * seconds

    def __call__(self, gold: str, answer: str) -> bool | None:
        from r1tool.grading.math import helper

        return helper.verify(gold, answer, max(0.05, self.deadline - time.monotonic()))
