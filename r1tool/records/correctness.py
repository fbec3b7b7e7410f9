"""Which generations of a row are right: by the rules or by the judge."""

from r1tool.errors import BadRow
from r1tool.records.columns import ALIGNED
from r1tool.records.row import Row


def right(row: Row) -> list[bool]:
    """One entry a generation: true where Math-Verify's verdict or the judge's says so."""
    count = len(row.get("generations", ()))
    verified, judged = aligned(row, "correctness_math_verify", count), aligned(row, "correctness_llama", count)
    return [bool(rules or judge) for rules, judge in zip(verified, judged, strict=True)]


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
