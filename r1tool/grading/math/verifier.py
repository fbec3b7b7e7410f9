"""Mathematical answers behind the protocol of verifiers: extraction, fast comparers, Math-Verify."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import msgspec

from r1tool.errors import BadRow
from r1tool.grading.extraction import Answers, extract
from r1tool.grading.grade import grade_with, is_verifiable
from r1tool.grading.verdict import GRADING_VERSION, Settings, Verdict
from r1tool.records.row import Row


class _Task(msgspec.Struct, array_like=True):
    """What the generations of one row have in common."""

    gold: str | None
    problem: str | None


_encode = msgspec.json.Encoder().encode
_decode = lru_cache(maxsize=4)(msgspec.json.Decoder(_Task).decode)


@dataclass(frozen=True)
class MathVerifier:
    """Whether an answer equals that of the column `gold`.

    Where that has none, `gold_from_solution` takes what `solution` puts in a box. `answers` "box" takes boxed answers
    only.
    """

    gold: str = "answer"
    gold_from_solution: bool = False
    answers: Answers = "any"

    name: ClassVar[str] = "math"
    version: ClassVar[int] = GRADING_VERSION

    @property
    def settings(self) -> str:
        return f"gold={self.gold}{'|solution' if self.gold_from_solution else ''} answers={self.answers}"

    def reference(self, row: Row) -> str | None:
        value = row.get(self.gold)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise BadRow(f"column {self.gold!r}: a reference answer is text or a number")
        if self.gold_from_solution and not is_verifiable(value):
            solution = row.get("solution")
            return extract(solution, "box") if solution else value
        return value

    def task(self, row: Row, reference: str | None) -> bytes:
        return _encode(_Task(reference, row.get("problem")))

    def extract(self, generation: str) -> str | None:
        return extract(generation, self.answers)

    def warm(self) -> None:
        from r1tool.grading.math import math_verify

        math_verify.warm()

    def grade(self, task: bytes, generation: str) -> Verdict:
        from r1tool.grading.math import math_verify

        known = _decode(task)
        settings = Settings(answers=self.answers)
        return grade_with(known.gold, generation, known.problem, settings, math_verify.verify)
