"""The seam between verify and a domain of answers: what a verifier is, and the table of them."""

from collections.abc import Callable
from typing import Protocol

from r1tool.grading.math.verifier import MathVerifier
from r1tool.grading.verdict import Verdict
from r1tool.records.row import Row


class Verifier(Protocol):
    """Whether the answers of one domain are right.

    `reference`, `task` and `extract` are called beside the stream of rows and must be quick and safe whatever a row
    holds. `warm` and `grade` are called in processes that are killed when a verdict takes too long or too much memory.
    """

    @property
    def name(self) -> str:
        """The domain, as the table has it."""

    @property
    def version(self) -> int:
        """Raised whenever a verdict may change, so that rows verified before are verified again."""

    @property
    def settings(self) -> str:
        """Those of its options that a verdict depends on, in one line: other settings verify a row again."""

    def reference(self, row: Row) -> str | None:
        """What the answers of `row` are checked against; another one verifies the row again. Raises BadRow."""

    def task(self, row: Row, reference: str | None) -> bytes:
        """All that `grade` needs to know of `row`. Raises BadRow."""

    def extract(self, generation: str) -> str | None:
        """The final answer of `generation`, for a verdict that was ended."""

    def warm(self) -> None:
        """Import and prepare what `grade` needs, once, before the processes that grade are forked."""

    def grade(self, task: bytes, generation: str) -> Verdict:
        """The verdict on one generation. What it raises becomes the verdict `error`."""


VERIFIERS: dict[str, Callable[..., Verifier]] = {"math": MathVerifier}
"""The verifiers by name. A new domain is a file with such a class and a line here."""
