"""The columns of a dataset to publish: which there are, in which order, of which type."""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from r1tool.errors import BadRow
from r1tool.records.columns import TYPES
from r1tool.records.row import Row
from r1tool.records.shapes import Shape, arrow_type, fill_nulls, finalize, merge, shape_of, shape_of_type

KNOWN = {name: shape_of_type(kind) for name, kind in TYPES.items()}
"""Shapes the known columns have even where every value is null."""
CLOSED = frozenset(name for name, shape in KNOWN.items() if "struct" not in str(shape))
"""Columns whose type the check of a row has settled already."""
_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Columns:
    """The columns of each config and the shapes of their values, which are the same in all configs."""

    def __init__(self) -> None:
        self.shapes: dict[str, Shape] = {}
        self.names: dict[str, dict[str, None]] = {}

    def see(self, config: str, values: Mapping[str, Any]) -> None:
        """Take in one row, given as plain JSON values."""
        self.names.setdefault(config, {}).update(dict.fromkeys(values))
        for name, value in values.items():
            shape = self.shapes.get(name, "null")
            if name in CLOSED:
                shape = KNOWN[name]
            elif shape != "json":
                shape = merge(shape, shape_of(value))
            self.shapes[name] = shape

    def settle(self) -> dict[str, dict[str, Shape]]:
        """The columns to write, by config: OpenR1-Math-220k's in its order, r1tool's, then the others as they came."""
        shapes = {name: finalize(fill_nulls(shape, KNOWN.get(name, "null"))) for name, shape in self.shapes.items()}
        order = [*KNOWN, *(name for name in shapes if name not in KNOWN)]
        return {
            config: {name: shapes[name] for name in order if name in names} for config, names in self.names.items()
        }


def checked_values(row: Row) -> dict[str, Any]:
    """The row as plain JSON values. Raises BadRow for a known column of a wrong type and a number no double holds."""
    for name in row:
        if name in TYPES:
            row[name]
    try:
        values: dict[str, Any] = orjson.loads(row.encode())
    except orjson.JSONDecodeError as error:
        raise BadRow(f"cannot be stored in Parquet: {error}") from None
    return values


def arrow_schema(columns: dict[str, Shape]) -> Any:
    """The pyarrow schema of settled columns."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(shape)) for name, shape in columns.items()])


def arrow_row(row: Row, columns: dict[str, Shape]) -> dict[str, Any]:
    """The row's values for `arrow_schema(columns)`; those of a json column, and a number in `answer`, as text."""
    values: dict[str, Any] = orjson.loads(row.encode())
    texts = [name for name, shape in columns.items() if shape == "json" and values.get(name) is not None]
    if isinstance(values.get("answer"), int | float):
        texts.append("answer")
    if texts:
        raw = _split(row.encode())
        values.update({name: bytes(raw[name]).decode() for name in texts})
    return values
