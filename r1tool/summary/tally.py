"""What `stats` counts. Tallies of parts add up to the tally of the whole, so that shards can be counted apart."""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import msgspec

from r1tool.errors import BadRow
from r1tool.records.correctness import UNDECIDED, decide
from r1tool.records.row import Row

LISTS = (
    "verdicts",
    "correctness_math_verify",
    "correctness_llama",
    "judge_verdicts",
    "finish_reasons",
    "is_reasoning_complete",
    "token_counts",
)
"""Columns that are counted, one entry a generation."""
COLUMNS = ("source", *LISTS, "sampling", "extracted_answers")
"""All a Tally reads, beside `generations` in rows that hold none of LISTS."""

Vote = Callable[[Mapping[str, Any], list[bool | None]], bool | None]


class Tally:
    """Counts over rows and their generations; `tokens` is the histogram of completion tokens.

    `solved` counts rows by (decided generations, right generations), all that pass@k needs.
    """

    __slots__ = (
        "complete",
        "correct_any",
        "correct_llama",
        "correct_math_verify",
        "generations",
        "gpu_seconds",
        "judge_verdicts",
        "majority_right",
        "majority_rows",
        "rows",
        "rows_correct_any",
        "solved",
        "tokens",
        "truncated",
        "verdicts",
    )

    def __init__(self) -> None:
        self.rows = self.rows_correct_any = self.generations = 0
        self.correct_any = self.correct_math_verify = self.correct_llama = 0
        self.truncated = self.complete = 0
        self.gpu_seconds = 0.0
        self.majority_rows = self.majority_right = 0
        self.verdicts: Counter[str] = Counter()
        self.judge_verdicts: Counter[str] = Counter()
        self.tokens: Counter[int] = Counter()
        self.solved: Counter[tuple[int, int]] = Counter()

    def add(self, row: Mapping[str, Any], majority: Vote | None = None) -> None:
        """Count one row of plain JSON values. Raises BadRow, with nothing counted, on a column of a wrong type."""
        lists = [_list(row, name) for name in LISTS]
        verdicts, by_rules, by_judge, judged, reasons, complete, counts = lists
        generations = max(map(len, lists)) or len(_list(row, "generations"))
        try:
            tokens = [count["completion"] for count in counts if count is not None]
            opinions = [opinion["verdict"] for opinion in judged if opinion is not None]
        except (TypeError, KeyError):
            raise BadRow("column 'token_counts' or 'judge_verdicts' holds something else than it should") from None
        right = [
            decide(None if verdict in UNDECIDED else rules, judge)
            for rules, verdict, judge in zip_longest(by_rules, verdicts, by_judge)
        ]
        seconds = (row.get("sampling") or {}).get("gpu_seconds")

        self.rows += 1
        self.generations += generations
        rights = right.count(True)
        self.correct_any += rights
        self.rows_correct_any += rights > 0
        self.solved[len(right) - right.count(None), rights] += 1
        self.correct_math_verify += by_rules.count(True)
        self.correct_llama += by_judge.count(True)
        self.truncated += reasons.count("length")
        self.complete += complete.count(True)
        for verdict in verdicts:
            self.verdicts[verdict] += 1
        for opinion in opinions:
            self.judge_verdicts[opinion] += 1
        for number in tokens:
            if number is not None:
                self.tokens[number] += 1
        if seconds:
            self.gpu_seconds += seconds
        if majority is not None and (won := majority(row, right)) is not None:
            self.majority_rows += 1
            self.majority_right += won

    def merge(self, other: "Tally") -> None:
        """Add the counts of `other` to this tally."""
        for name in self.__slots__:
            ours, theirs = getattr(self, name), getattr(other, name)
            if isinstance(ours, Counter):
                ours.update(theirs)
            else:
                setattr(self, name, ours + theirs)


class Summary:
    """A tally of all rows, of each source and, if a field is given, of each of its values."""

    def __init__(self, by: str | None = None) -> None:
        self.by = by
        self.total = Tally()
        self.sources: dict[str, Tally] = {}
        self.groups: dict[str, Tally] = {}

    def add(self, row: Mapping[str, Any], majority: Vote | None = None) -> None:
        """Count one row. Raises BadRow, with nothing counted."""
        part = Tally()
        part.add(row, majority)
        self.total.merge(part)
        _group(self.sources, row.get("source")).merge(part)
        if self.by is not None:
            _group(self.groups, row.get(self.by)).merge(part)

    def merge(self, other: "Summary") -> None:
        """Add what `other` has counted."""
        self.total.merge(other.total)
        for ours, theirs in ((self.sources, other.sources), (self.groups, other.groups)):
            for name, tally in theirs.items():
                ours.setdefault(name, Tally()).merge(tally)


def plain(row: Row, by: str | None = None) -> dict[str, Any]:
    """What a Summary reads of `row`, as plain JSON values. Raises BadRow."""
    names = (*COLUMNS, by) if by is not None else COLUMNS
    values = {name: msgspec.to_builtins(row[name]) for name in names if name in row}
    if not any(values.get(name) for name in LISTS):
        values["generations"] = row.get("generations")
    return values


def _group(groups: dict[str, Tally], value: Any) -> Tally:
    name = "none" if value is None else str(value)
    if name not in groups:
        groups[name] = Tally()
    return groups[name]


def _list(row: Mapping[str, Any], name: str) -> list[Any]:
    value = row.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRow(f"column {name!r} is not a list")
    return value
