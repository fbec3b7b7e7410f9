"""Which generations of a row are right: by the rules or by the judge."""

from itertools import zip_longest

from r1tool.errors import BadRow
from r1tool.records.columns import ALIGNED
from r1tool.records.row import Row

UNDECIDED = ("gold_unparsable", "timeout", "error")
"""Verdicts that say nothing about the generation: it may be right."""


def right(row: Row) -> list[bool]:
    """One entry a generation: true where Math-Verify's verdict or the judge's says so."""
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
    """Write `correctness_count` anew from the two correctness columns."""
    row["correctness_count"] = sum(right(row))


def aligned(row: Row, name: str, count: int) -> list[object]:
    """The column with one entry for each of `count` generations, all None where it is missing.

    Raises BadRow where its length is another: the lists no longer say which generation they speak of.
    """
    assert name in ALIGNED
    values = row.get(name)
    if not values and count:
        return [None] * count
    if values is not None and len(values) != count:
        raise BadRow(f"column {name!r} has {len(values)} entries for {count} generations")
    return list(values or ())
