"""What `stats` counts. Tallies of parts add up to the tally of the whole, so that shards can be counted apart."""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import msgspec

from r1tool.errors import BadRow
from r1tool.records.generations import UNDECIDED, decide
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
"""Columns that are counted, one entry per generation."""
NEEDED = ("source", *LISTS, "sampling", "extracted_answers")
"""All a Tally reads, beside `generations` in rows that hold none of LISTS."""

_undecided = frozenset(UNDECIDED)

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
        get = row.get
        lists = [get(name) or () for name in LISTS]
        for values in lists:
            if type(values) is not list and values != ():
                raise BadRow(f"column {LISTS[lists.index(values)]!r} is not a list")
        verdicts, by_rules, by_judge, judged, reasons, complete, counts = lists
        generations = max(map(len, lists)) or len(get("generations") or ())
        try:
            # completion_tokens and rightness of records.generations, written out here for speed
            tokens = [count["completion"] for count in counts if count is not None]
            opinions = [opinion["verdict"] for opinion in judged if opinion is not None]
            given = [verdict for verdict in verdicts if verdict is not None] if None in verdicts else verdicts
            if None in tokens:
                tokens = [number for number in tokens if number is not None]
            # all of them texts, all of them numbers
            "".join(given), "".join(opinions), sum(tokens)
            if not by_judge and len(verdicts) <= len(by_rules) and _undecided.isdisjoint(verdicts):
                right = list(by_rules)
            else:
                right = [
                    decide(None if verdict in UNDECIDED else rules, judge)
                    for rules, verdict, judge in zip_longest(by_rules, verdicts, by_judge)
                ]
            rights = right.count(True)
            self.gpu_seconds += (get("sampling") or {}).get("gpu_seconds") or 0.0
        except (TypeError, KeyError, AttributeError):
            raise BadRow(
                "column 'verdicts', 'token_counts', 'judge_verdicts' or 'sampling' has a value of the wrong type"
            ) from None

        self.rows += 1
        self.generations += generations
        self.correct_any += rights
        self.rows_correct_any += rights > 0
        self.solved[len(right) - right.count(None), rights] += 1
        self.correct_math_verify += by_rules.count(True)
        self.correct_llama += by_judge.count(True)
        self.truncated += reasons.count("length")
        self.complete += complete.count(True)
        for histogram, values in ((self.verdicts, given), (self.judge_verdicts, opinions), (self.tokens, tokens)):
            for value in values:
                histogram[value] = histogram.get(value, 0) + 1
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
        self._cells: dict[tuple[str, str], Tally] = {}

    def add(self, row: Mapping[str, Any], majority: Vote | None = None) -> None:
        """Count one row of plain JSON values. Raises BadRow, with nothing counted."""
        self._cell((_name(row.get("source")), _name(row.get(self.by)) if self.by else "")).add(row, majority)

    def merge(self, other: "Summary") -> None:
        """Add what `other` has counted."""
        for key, tally in other._cells.items():
            self._cell(key).merge(tally)

    @property
    def total(self) -> Tally:
        """The tally of all rows."""
        return self._sums(lambda key: "").get("", Tally())

    @property
    def sources(self) -> dict[str, Tally]:
        """A tally for each source; `none` where a row has none."""
        return self._sums(lambda key: key[0])

    @property
    def groups(self) -> dict[str, Tally]:
        """A tally for each value of the field `by`."""
        return self._sums(lambda key: key[1])

    def _cell(self, key: tuple[str, str]) -> Tally:
        if key not in self._cells:
            self._cells[key] = Tally()
        return self._cells[key]

    def _sums(self, name: Callable[[tuple[str, str]], str]) -> dict[str, Tally]:
        sums: dict[str, Tally] = {}
        for key, tally in self._cells.items():
            if tally.rows:
                sums.setdefault(name(key), Tally()).merge(tally)
        return sums


def counted_values(row: Row, by: str | None = None) -> dict[str, Any]:
    """What a Summary reads of `row`, as plain JSON values. Raises BadRow."""
    names = (*NEEDED, "problem", *([by] if by is not None else []))
    values = {name: msgspec.to_builtins(row[name]) for name in names if name in row}
    if not any(values.get(name) for name in LISTS):
        values["generations"] = row.get("generations")
    return values


def _name(value: Any) -> str:
    return value if type(value) is str else "none" if value is None else str(value)
