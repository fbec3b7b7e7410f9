"""Which file a row belongs to."""

from collections.abc import Callable

from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.split import fractions, sources

Destination = Callable[[Row], str | None]
"""From a row to the name of its file, None where it belongs to none."""


def by_source() -> Destination:
    """`default` or `extended`, as in OpenR1-Math-220k."""
    return sources.config


def by_field(field: str) -> Destination:
    """The value of `field`; `none` where it is missing or null."""

    def name(row: Row) -> str:
        value = row.get(field)
        return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return name


def by_fraction(parts: fractions.Parts, seed: int) -> Destination:
    """Random parts by the row's id: the same row always goes to the same part."""
    return lambda row: fractions.part(parts, row_id(row), seed)
