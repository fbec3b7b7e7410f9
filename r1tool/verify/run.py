"""Rows in, verified rows out: each generation is graded in a process that can be killed."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from zlib import crc32

import msgspec

from r1tool.errors import BadRow
from r1tool.grading.grade import STEP_SHARE
from r1tool.grading.verdict import Verdict
from r1tool.grading.verifier import VERIFIERS, Verifier
from r1tool.records.columns import Outcome
from r1tool.records.generations import aligned, set_correctness_count
from r1tool.records.row import Rejected, Row, as_rows, refuse
from r1tool.workers.pool import Lost, Pool, Task

BYTES_IN_FLIGHT = 8 << 20

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Verdict).decode


def verify(
    rows: Iterable[Row | Mapping[str, Any]],
    verifier: Verifier | str = "math",
    *,
    timeout: float = 2.0,
    workers: int | None = None,
    overwrite: bool = False,
) -> Iterator[Row]:
    r"""Each of `rows`, in order, with the columns that `r1tool verify` writes; memory does not grow with their number.

    A row is a Row or a dictionary. `verifier` is the name of one of VERIFIERS, or one with options of its own, such as
    `MathVerifier(gold="expected")`. An answer may take `timeout` seconds in one of `workers` processes, by default as
    many as there are cores. Rows verified before pass through, unless `overwrite`. Raises BadRow for a row that cannot
    be used.

    >>> from r1tool.verify.run import verify
    >>> rows = [{"problem": "1/2 + 1/4?", "answer": "3/4", "generations": [r"\boxed{0.75}", r"It is \boxed{1}."]}]
    >>> for row in verify(rows):
    ...     print(row["verdicts"], row["extracted_answers"], row["correctness_count"])
    ['correct', 'wrong'] ['0.75', '1'] 1
    """
    with VerifierPool(verifier, timeout=timeout, workers=workers, overwrite=overwrite) as pool:
        yield from pool.verify(as_rows(rows))


class VerifierPool:
    """A verifier in worker processes; a context manager. Make it while this process has few threads: it forks."""

    def __init__(
        self,
        verifier: Verifier | str = "math",
        *,
        timeout: float = 2.0,
        workers: int | None = None,
        overwrite: bool = False,
    ) -> None:
        self._verifier = VERIFIERS[verifier]() if isinstance(verifier, str) else verifier
        self._overwrite = overwrite
        # rows were verified before there was a second domain: mathematics goes unnamed
        domain = "" if self._verifier.name == "math" else f"{self._verifier.name}: "
        self._settings = f"{domain}{self._verifier.settings} timeout={timeout:g}"
        self._pool = Pool(
            partial(_grade, self._verifier),
            workers=workers or os.cpu_count() or 1,
            step_seconds=STEP_SHARE * timeout,
            bytes_in_flight=BYTES_IN_FLIGHT,
            warm=self._verifier.warm,
        )

    def __enter__(self) -> "VerifierPool":
        self._pool.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.__exit__(*error)

    def verify(
        self,
        rows: Iterable[Row],
        *,
        rejected: Rejected = refuse,
        idle: Callable[[], None] | None = None,
        explain: Callable[[str], None] | None = None,
    ) -> Iterator[Row]:
        """Each of `rows`, in order, verified.

        A row that cannot be used raises BadRow unless `rejected` takes it, with the reason. `idle` is called before
        waiting. `explain` takes a line on each answer: how it was read and what decided; with it, rows verified before
        are verified again. `rows` is consumed and `rejected` called in another thread.
        """
        for task, results in self._pool.map(self._tasks(rows, rejected, explain is not None), idle=idle):
            row, mark = task.row
            if mark is not None:
                verdicts = [self._verdict(result, step) for result, step in zip(results, task.steps, strict=True)]
                if explain:
                    for line in _explained(row, verdicts):
                        explain(line)
                _record(row, verdicts, mark)
            yield row

    def _tasks(self, rows: Iterable[Row], rejected: Rejected, again: bool) -> Iterator[Task]:
        for row in rows:
            try:
                generations: list[str] = row.get("generations", [])
                reference = self._verifier.reference(row)
                mark = {
                    "version": self._verifier.version,
                    "settings": self._settings,
                    "crc32": _fingerprint(reference, generations),
                }
                if not (self._overwrite or again) and _is_verified(row, mark, len(generations)):
                    yield Task((row, None), b"", [])
                    continue
                aligned(row, "correctness_llama", len(generations))  # it will be counted
                known = self._verifier.task(row, reference)
            except BadRow as error:
                rejected(row, str(error))
                continue
            yield Task((row, mark), known, [generation.encode() for generation in generations])

    def _verdict(self, result: bytes | Lost, generation: bytes) -> Verdict:
        if isinstance(result, Lost):
            outcome: Outcome = "error" if result.reason == "crash" else "timeout"
            return Verdict(outcome, self._verifier.extract(generation.decode()), "limit")
        return _decode(result)


def _grade(verifier: Verifier, task: bytes, generation: bytes) -> bytes:
    """One verdict, in a worker process."""
    return _encode(verifier.grade(task, generation.decode()))


def _fingerprint(reference: str | None, generations: list[str]) -> int:
    """Changes when the reference or a generation does."""
    crc = crc32((reference or "").encode())
    for generation in generations:
        crc = crc32(generation.encode(), crc)
    return crc


def _is_verified(row: Row, mark: dict[str, Any], count: int) -> bool:
    return bool(row.get("verification") == mark and len(row.get("verdicts", [])) == count)


def _record(row: Row, verdicts: list[Verdict], mark: dict[str, Any]) -> None:
    row["correctness_math_verify"] = [verdict.outcome == "correct" for verdict in verdicts]
    row["verdicts"] = [verdict.outcome for verdict in verdicts]
    row["extracted_answers"] = [verdict.extracted for verdict in verdicts]
    set_correctness_count(row)
    row["verification"] = mark


def _explained(row: Row, verdicts: list[Verdict]) -> Iterator[str]:
    name = row.get("uuid") or row.get("id") or f"{row.input}:{row.line}"
    for index, verdict in enumerate(verdicts):
        yield (
            f"{name} [{index}] {verdict.outcome}, decided by {verdict.tier}: gold read as {verdict.gold_read}, "
            f"answer {verdict.extracted!r} read as {verdict.answer_read}"
        )
