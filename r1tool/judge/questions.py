"""Whom to ask about, and writing down what was said."""

from typing import Literal

from r1tool.grading.answers import final_answers
from r1tool.judge.verdict import as_correctness
from r1tool.records.columns import JudgeVerdict
from r1tool.records.generations import UNDECIDED, aligned, completeness, has_reference, set_correctness_count
from r1tool.records.row import Row

Which = Literal["wrong", "all"]
NOT_ACCEPTED = ("wrong", *UNDECIDED)
"""Verdicts after which the judge is asked as well."""


def to_ask(row: Row, which: Which = "wrong") -> list[int]:
    """Indices of the generations the judge should see.

    `wrong`: those the rules rejected or could not decide; `all`: the right ones as well. Either way only where there
    is a gold answer, and the generation is complete, answers something and was not judged before.
    """
    count = len(row.get("generations", ()))
    if not has_reference(row.get("answer")) or not row.get("problem"):
        return []
    complete, judged, verdicts = completeness(row), aligned(row, "correctness_llama", count), _verdicts(row, count)
    open_ = [
        index
        for index in range(count)
        if complete[index] and judged[index] is None and (which == "all" or verdicts[index] in NOT_ACCEPTED)
    ]
    answers = final_answers(row, open_)
    return [index for index, answer in zip(open_, answers, strict=True) if answer is not None]


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


def _verdicts(row: Row, count: int) -> list[object]:
    if row.get("verdicts"):
        return aligned(row, "verdicts", count)
    marks = {True: "correct", False: "wrong", None: None}
    return [marks[mark] for mark in aligned(row, "correctness_math_verify", count)]
