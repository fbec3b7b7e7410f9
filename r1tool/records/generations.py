"""What a row says of each of its generations: tokens, complete or not, right or not, which one is chosen.

Lists are aligned with `generations`. Where one has another length nobody can say which generation an entry speaks of,
and the row is refused (BadRow).
"""

from itertools import zip_longest
from typing import Any

from r1tool.errors import BadRow
from r1tool.records.columns import ALIGNED
from r1tool.records.row import Row
from r1tool.records.think import is_complete

UNDECIDED = ("gold_unparsable", "timeout", "error")
"""Verdicts that say nothing about the generation: it may be right."""

NO_REFERENCE = frozenset(("", "proof", "notfound", "not found", "none", "null", "nan", "n/a", "see solution"))
"""What datasets write where there is no answer to compare with; the first three are NuminaMath-1.5's."""


def has_reference(answer: str | None) -> bool:
    """Whether there is an answer to compare with, whatever the case and the white space, dots and $ around it."""
    return answer is not None and answer.strip().lower().strip(" .$") not in NO_REFERENCE


def right(row: Row) -> list[bool]:
    """One entry for each generation: true where Math-Verify's verdict or the judge's says so."""
    count = len(row.get("generations", ()))
    verified, judged = aligned(row, "correctness_math_verify", count), aligned(row, "correctness_llama", count)
    return [bool(rules or judge) for rules, judge in zip(verified, judged, strict=True)]


def rightness(row: Row) -> list[bool | None]:
    """As `right`, but None where nobody knows: not verified, an UNDECIDED verdict, and no word from the judge.

    Does without the generations themselves.
    """
    columns = (row.get(name, ()) for name in ("correctness_math_verify", "verdicts", "correctness_llama"))
    return [decide(None if verdict in UNDECIDED else rules, judge) for rules, verdict, judge in zip_longest(*columns)]


def decide(rules: bool | None, judge: bool | None) -> bool | None:
    """True if either says so, False if one denies it and none confirms it, None if neither has an opinion."""
    if rules or judge:
        return True
    return None if rules is None and judge is None else False


def set_correctness_count(row: Row) -> None:
    """Write `correctness_count` from the two correctness columns."""
    row["correctness_count"] = sum(right(row))


def completion_tokens(row: Row) -> list[int | None]:
    """Completion tokens of each generation, None where nobody has counted them."""
    return [count.completion if count is not None else None for count in _entries(row, "token_counts")]


def completeness(row: Row) -> list[bool]:
    """Whether each generation closes its thought, answers and stopped by itself.

    `is_reasoning_complete` where it says so, else worked out from the text. A missing finish reason counts as stopped:
    OpenR1-Math-220k has none where Math-Verify settled it.
    """
    known, texts = _entries(row, "is_reasoning_complete"), row.get("generations")
    if texts is None or None not in known:
        return [bool(complete) for complete in known]
    reasons = _entries(row, "finish_reasons")
    return [
        is_complete(text, reason) if complete is None else complete
        for complete, text, reason in zip(known, texts, reasons, strict=True)
    ]


def stored_answers(row: Row) -> list[str | None] | None:
    """The final answers `verify` has found, None for a generation without one; None if nobody has looked.

    `grading.answers.final_answers` looks at the texts then.
    """
    return _entries(row, "extracted_answers") if row.get("extracted_answers") else None


def chosen_index(row: Row) -> int | None:
    """Which generation `messages` holds, None where there are no messages or it is none of the generations."""
    messages = row.get("messages")
    if not messages or messages[-1].role != "assistant":
        return None
    generations: list[str] = row.get("generations", [])
    return next((i for i, text in enumerate(generations) if text == messages[-1].content), None)


def aligned(row: Row, name: str, count: int) -> list[Any]:
    """The column with one entry for each of `count` generations, all None where it is missing.

    Raises BadRow where its length is another.
    """
    assert name in ALIGNED
    values = row.get(name)
    if not values and count:
        return [None] * count
    if values is not None and len(values) != count:
        raise BadRow(f"column {name!r} has length {len(values)}, but there are {count} generations")
    return list(values or ())


def _entries(row: Row, name: str) -> list[Any]:
    """As `aligned`; the column as it is where the row has no generations."""
    generations = row.get("generations")
    return list(row.get(name) or ()) if generations is None else aligned(row, name, len(generations))
