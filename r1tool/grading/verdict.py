"""What grading one generation gives."""

from dataclasses import dataclass
from typing import NamedTuple

from r1tool.grading.extraction import Answers
from r1tool.records.columns import Outcome

GRADING_VERSION = 1
"""Raised whenever a verdict may change, so that rows verified before are verified again."""


class Verdict(NamedTuple):
    """The outcome, the answer found, the tier of its domain that decided, and how both sides were read."""

    outcome: Outcome
    extracted: str | None = None
    tier: str = "gold"
    gold_read: str | None = None
    answer_read: str | None = None

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.outcome == "correct"


@dataclass(frozen=True)
class Settings:
    """`timeout` in seconds a verdict; `answers` "box" takes boxed answers only."""

    timeout: float = 2.0
    answers: Answers = "any"
