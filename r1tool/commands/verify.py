"""verify: check each answer against the reference."""

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal
from zlib import crc32

import msgspec
import typer

from r1tool.errors import BadRow
from r1tool.grading.extraction import extract
from r1tool.grading.grade import STEP_SHARE, grade_with, is_verifiable
from r1tool.grading.verdict import GRADING_VERSION, Settings, Verdict
from r1tool.records.columns import Outcome
from r1tool.records.row import Row
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage
from r1tool.workers.pool import Lost, Pool, Task

HELP = """Check each answer against the reference.

Reads rows with `generations` and `answer`, and adds to each row, aligned with its generations: `verdicts` (correct,
wrong, no_answer, gold_unparsable, timeout, error), `extracted_answers` and `correctness_math_verify`; besides
`correctness_count` and `verification`, which lets a second run pass verified rows through.

The answer is the last \\boxed{} behind </think>. It is compared as text and number first, then by a small reader of
mathematics, and by Math-Verify only where both are unsure. An answer that takes longer than --timeout or 1 GiB has
verdict timeout and holds no other row up. Nothing in an answer is executed.

Cost: 0.3 to 1 ms of CPU a generation, on all cores (-j); memory does not grow with the stream.

\b
Example:
  r1tool verify traces.jsonl.zst -o verified.jsonl.zst
  r1tool sample problems.jsonl -n 4 | r1tool verify | r1tool stats
"""

BYTES_IN_FLIGHT = 8 << 20

_encode = msgspec.json.Encoder().encode


class _Context(msgspec.Struct, array_like=True):
    """What the generations of one row have in common."""

    gold: str | None
    problem: str | None
    answers: Literal["any", "box"]


_result = msgspec.json.Decoder(tuple[str, str | None, str, str | None, str | None]).decode
_context = lru_cache(maxsize=4)(msgspec.json.Decoder(_Context).decode)


def run(
    stream: StreamOptions,
    *,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, help="Seconds a verdict.")] = 2.0,
    gold: Annotated[
        str, typer.Option("--gold", metavar="FIELD", help="The column of the reference answer.")
    ] = "answer",
    gold_from_solution: Annotated[
        bool, typer.Option("--gold-from-solution", help="Where that is empty, take the box of `solution`.")
    ] = False,
    answers: Annotated[
        Literal["any", "box"], typer.Option("--answers", help="box: an answer that is not boxed is no answer.")
    ] = "any",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say on stderr how each answer was read and what decided.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Verify again what this version verified with these options.")
    ] = False,
) -> int:
    settings = f"gold={gold}{'|solution' if gold_from_solution else ''} answers={answers} timeout={timeout:g}"

    def tasks() -> Iterator[Task]:
        for row in stage.rows():
            try:
                generations: list[str] = row.get("generations", [])
                reference = _gold(row, gold, gold_from_solution)
                problem = row.get("problem")
                mark = {
                    "version": GRADING_VERSION,
                    "settings": settings,
                    "crc32": _fingerprint(reference, generations),
                }
                if not overwrite and not explain and _is_verified(row, mark, len(generations)):
                    yield Task((row, None), b"", [])
                    continue
            except BadRow as error:
                stage.reject(row, str(error))
                continue
            context = _encode(_Context(reference, problem, answers))
            yield Task((row, mark), context, [generation.encode() for generation in generations])

    with Stage("verify", stream) as stage:
        workers = stream.workers or os.cpu_count() or 1
        with Pool(
            _work, workers=workers, step_seconds=STEP_SHARE * timeout, bytes_in_flight=BYTES_IN_FLIGHT, warm=_warm
        ) as pool:
            for task, results in pool.map(tasks(), idle=stage.flush):
                row, mark = task.row
                if mark is not None:
                    verdicts = [
                        _verdict(result, step, answers) for result, step in zip(results, task.steps, strict=True)
                    ]
                    if explain:
                        for line in _explained(row, verdicts):
                            stage.warn(line)
                    _record(row, verdicts, mark)
                stage.write(row)
    return stage.status


def _warm() -> None:
    from r1tool.grading.math import math_verify

    math_verify.warm()


def _work(context: bytes, generation: bytes) -> bytes:
    """One verdict, in a worker process."""
    from r1tool.grading.math import math_verify

    shared = _context(context)
    verdict = grade_with(
        shared.gold, generation.decode(), shared.problem, Settings(answers=shared.answers), math_verify.verify
    )
    return _encode(verdict)


def _verdict(result: bytes | Lost, generation: bytes, answers: Literal["any", "box"]) -> Verdict:
    if isinstance(result, Lost):
        outcome: Outcome = "error" if result.reason == "crash" else "timeout"
        return Verdict(outcome, extract(generation.decode(), answers), "limit")
    return Verdict(*_result(result))  # type: ignore[arg-type]


def _gold(row: Row, field: str, from_solution: bool) -> str | None:
    value = row.get(field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise BadRow(f"column {field!r}: a reference answer is text or a number")
    if from_solution and not is_verifiable(value):
        solution = row.get("solution")
        return extract(solution, "box") if solution else value
    return value


def _fingerprint(gold: str | None, generations: list[str]) -> int:
    """Changes when the reference or a generation does."""
    mark = crc32((gold or "").encode())
    for generation in generations:
        mark = crc32(generation.encode(), mark)
    return mark


def _is_verified(row: Row, mark: dict[str, Any], count: int) -> bool:
    return bool(row.get("verification") == mark and len(row.get("verdicts", [])) == count)


def _record(row: Row, verdicts: list[Verdict], mark: dict[str, Any]) -> None:
    right = [verdict.outcome == "correct" for verdict in verdicts]
    judged = row.get("correctness_llama", [])
    row["correctness_math_verify"] = right
    row["verdicts"] = [verdict.outcome for verdict in verdicts]
    row["extracted_answers"] = [verdict.extracted for verdict in verdicts]
    row["correctness_count"] = sum(
        by_rule or (index < len(judged) and judged[index] is True) for index, by_rule in enumerate(right)
    )
    row["verification"] = mark


def _explained(row: Row, verdicts: list[Verdict]) -> Iterator[str]:
    name = row.get("uuid") or row.get("id") or f"{row.input}:{row.line}"
    for index, verdict in enumerate(verdicts):
        yield (
            f"{name} [{index}] {verdict.outcome}, decided by {verdict.tier}: gold read as {verdict.gold_read}, "
            f"answer {verdict.extracted!r} read as {verdict.answer_read}"
        )
