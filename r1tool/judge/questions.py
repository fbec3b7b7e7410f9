"""Whom to ask about, and writing down what was said."""

from typing import Literal

from r1tool.grading import extract
from r1tool.judge.verdict import as_correctness
from r1tool.records.columns import JudgeVerdict
from r1tool.records.correctness import aligned, right, set_correctness_count
from r1tool.records.row import Row
from r1tool.records.think import is_complete

Which = Literal["wrong", "all"]
NO_GOLD = ("", "proof", "notfound")
"""What stands in `answer` where NuminaMath-1.5 has none."""


def to_ask(row: Row, which: Which = "wrong") -> list[int]:
    """Indices of the generations the judge should see.

    `wrong`: those the rules rejected or could not decide; `all`: the right ones as well. Either way only where there
    is a gold answer, and the generation is complete, answers something and was not judged before.
    """
    generations: list[str] = row.get("generations", [])
    if str(row.get("answer", "")).strip().lower() in NO_GOLD or not row.get("problem"):
        return []
    count = len(generations)
    complete, reasons = aligned(row, "is_reasoning_complete", count), aligned(row, "finish_reasons", count)
    judged, verdicts = aligned(row, "correctness_llama", count), _verdicts(row, count)
    extracted = row.get("extracted_answers")
    asked = []
    for index, text in enumerate(generations):
        finished = complete[index]
        if finished is None:
            finished = is_complete(text, reasons[index])  # type: ignore[arg-type]
        if judged[index] is not None or not finished:
            continue
        if which == "wrong" and verdicts[index] not in ("wrong", "timeout", "error", "gold_unparsable"):
            continue
        if (extracted[index] if extracted else extract(text)) is not None:
            asked.append(index)
    return asked


def record(row: Row, said: dict[int, JudgeVerdict | None]) -> None:
    """Write the judge's verdicts by generation into the row; entries nobody asked for stay as they were."""
    count = len(row.get("generations", ()))
    for name in ("judge_verdicts", "correctness_llama"):
        values = aligned(row, name, count)
        for index, verdict in said.items():
            if verdict is not None:
                values[index] = verdict if name == "judge_verdicts" else as_correctness(verdict.verdict)
        row[name] = values if said or any(value is not None for value in values) else None
    set_correctness_count(row)


def unverified(row: Row) -> bool:
    """Nobody ran verify on this row, so `--which wrong` finds nothing to ask."""
    return bool(row.get("generations")) and not any(_verdicts(row, len(row["generations"]))) and not any(right(row))


def _verdicts(row: Row, count: int) -> list[object]:
    if row.get("verdicts"):
        return aligned(row, "verdicts", count)
    marks = {True: "correct", False: "wrong", None: None}
    return [marks[mark] for mark in aligned(row, "correctness_math_verify", count)]  # type: ignore[index]
