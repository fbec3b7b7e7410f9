"""Grading in the calling process, for notebooks, training loops and the other commands."""

import time

from r1tool.grading.extraction import Answers
from r1tool.grading.math.check import decide, same
from r1tool.grading.verdict import Settings, Verdict


def grade(
    gold: str | None, generation: str, problem: str | None = None, *, timeout: float = 2.0, answers: Answers = "any"
) -> Verdict:
    """Whether the final answer of `generation` is `gold`; `problem` gives an option letter its value.

    Safe in threads. What takes over `timeout` seconds or too much memory ends as outcome `timeout`: it runs in a
    helper process, started when first needed (0.5 s), and killed. Nothing in an answer is ever executed.
    """
    return decide(gold, generation, problem, Settings(timeout, answers), _Helper(timeout))


def equal(a: str, b: str, problem: str | None = None, *, timeout: float | None = None) -> bool:
    """Whether two extracted answers are the same answer, as far as can be told; the same whichever comes first.

    With a `timeout` in seconds, what the fast comparers leave open is put to Math-Verify in a helper process.
    """
    return same(a, b, problem, _Helper(timeout) if timeout else None)


STEP_SHARE = 0.9
"""Of the seconds of a verdict, what Math-Verify gets: the rest is for ending it."""


class _Helper:
    """Math-Verify in a helper process, with what is left of the seconds of one verdict."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + STEP_SHARE * seconds

    def __call__(self, gold: str, answer: str) -> bool | None:
        from r1tool.grading.math import helper

        return helper.verify(gold, answer, max(0.05, self.deadline - time.monotonic()))
