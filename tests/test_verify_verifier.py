"""verify from Python, and a domain of its own behind the protocol of verifiers."""

import inspect
import os
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from r1tool.errors import BadRow
from r1tool.grading.math.verifier import MathVerifier
from r1tool.grading.verdict import Verdict
from r1tool.grading.verifier import VERIFIERS
from r1tool.records.row import Row
from r1tool.verify.options import VerifyOptions
from r1tool.verify.run import VerifierPool, verify


class Shouting:
    """Right is the `word` of the row in capital letters."""

    name = "shouting"
    version = 7
    settings = "letters=capital"

    def reference(self, row: Row) -> str | None:
        if "word" not in row:
            raise BadRow("no word")
        return str(row["word"])

    def task(self, row: Row, reference: str | None) -> bytes:
        return (reference or "").encode()

    def extract(self, generation: str) -> str | None:
        return generation.strip()

    def warm(self) -> None:
        self.voice = str.upper

    def grade(self, task: bytes, generation: str) -> Verdict:
        if generation == "hang":
            while True:
                pass
        if generation == "crash":
            os._exit(1)
        right = generation == self.voice(task.decode())
        return Verdict("correct" if right else "wrong", self.extract(generation), "voice")


@pytest.fixture
def shouting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERIFIERS, "shouting", Shouting)


@pytest.mark.usefixtures("shouting")
def test_a_domain_is_a_class_and_a_line_in_the_table() -> None:
    rows = [
        {"word": "yes", "generations": ["YES", "yes", "hang", "crash", " YES"], "z": 1},
        {"word": "no", "generations": ["NO"]},
    ]
    first, second = verify(rows, "shouting", timeout=0.5, workers=2)
    assert first["verdicts"] == ["correct", "wrong", "timeout", "error", "wrong"]
    assert first["extracted_answers"] == ["YES", "yes", "hang", "crash", "YES"]
    assert first["correctness_math_verify"] == [True, False, False, False, False]
    assert second["correctness_count"] == 1
    assert first["verification"]["version"] == 7
    assert first["verification"]["settings"] == "shouting: letters=capital timeout=0.5"
    columns = {name: first[name] for name in first}
    (again,) = verify([{**columns, "verdicts": ["error"] * 5}], "shouting", timeout=0.5)
    assert again["verdicts"] == ["error"] * 5, "verified before, so it passes through"
    (anew,) = verify([{**columns, "generations": ["YES"], "word": "YES"}], "shouting", timeout=0.5)
    assert anew["verdicts"] == ["correct"]


def test_rows_of_mathematics_are_marked_as_ever() -> None:
    (row,) = verify([{"answer": "5", "generations": [r"\boxed{5}"]}])
    assert row["verification"] == {
        "version": VERIFIERS["math"]().version,
        "settings": "gold=answer answers=any timeout=2",
        "crc32": 3233830881,
    }
    (row,) = verify([{"a": 5, "generations": ["5"]}], MathVerifier("a", True, "box"), timeout=0.5)
    assert row["verification"]["settings"] == "gold=a|solution answers=box timeout=0.5"
    assert row["verdicts"] == ["no_answer"]


@pytest.mark.usefixtures("shouting")
def test_a_row_that_cannot_be_used_is_rejected_or_raised() -> None:
    rows = [Row({"word": "a", "generations": ["A"]}), Row({"generations": ["B"]}), Row({"word": "c"})]
    rejected = []
    with VerifierPool("shouting", workers=1) as pool:
        out = list(pool.verify(rows, rejected=lambda row, reason: rejected.append((row, reason))))
    assert out == [rows[0], rows[2]]
    assert rejected == [(rows[1], "no word")]
    with pytest.raises(BadRow, match="no word"):
        list(verify(rows, "shouting"))


def test_a_judge_of_other_generations_is_not_counted() -> None:
    row = {"answer": "5", "generations": [r"\boxed{5}", r"\boxed{6}"], "correctness_llama": [True]}
    with pytest.raises(BadRow, match="correctness_llama"):
        list(verify([row]))


def test_rows_come_as_soon_as_they_are_verified_and_nothing_is_left_behind() -> None:
    go_on = threading.Event()

    def rows() -> Iterator[dict[str, object]]:
        yield {"answer": "5", "generations": [r"\boxed{5}"]}
        assert go_on.wait(30), "the first row was held back"
        yield {"answer": "5", "generations": [r"\boxed{6}"]}

    before = set(psutil.Process().children(recursive=True))
    verified = verify(rows())
    assert next(verified)["verdicts"] == ["correct"]
    go_on.set()
    assert next(verified)["verdicts"] == ["wrong"]
    verified.close()
    assert set(psutil.Process().children(recursive=True)) <= before


def test_python_and_the_command_have_the_same_defaults() -> None:
    options, in_python = VerifyOptions(), inspect.signature(verify).parameters
    assert MathVerifier() == MathVerifier(options.gold, options.gold_from_solution, options.answers)
    assert in_python["timeout"].default == options.timeout
    assert in_python["overwrite"].default == options.overwrite


def test_a_pool_that_is_not_used_is_made_and_closed_at_once() -> None:
    """A wrong option must not wait until Math-Verify is imported for nothing."""
    start = time.process_time() + os.times().children_user
    with VerifierPool():
        pass
    assert time.process_time() + os.times().children_user - start < 0.2
