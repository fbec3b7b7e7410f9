"""A row: one JSON object a line, of which only the columns that are asked for are parsed."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import orjson

from r1tool.errors import BadRow
from r1tool.records.columns import TYPES

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Row:
    """One problem and what is known of it.

    Columns nobody reads or sets keep their bytes: numbers beyond 64 bits, escapes and key order come out as they came
    in. `row["generations"]` parses one column and checks the type of a known one; assigning to it replaces it.
    """

    __slots__ = ("_parsed", "_raw")

    def __init__(self, columns: dict[str, Any] | None = None) -> None:
        self._raw: dict[str, Any] = dict(columns or {})
        self._parsed: dict[str, Any] = {}

    @classmethod
    def parse(cls, line: bytes) -> "Row":
        """Read one line of JSON. Raises BadRow if it is not an object, not UTF-8, or holds a lone surrogate."""
        row = cls.__new__(cls)
        try:
            line.decode()
            if b"\\u" in line and (b"\\ud" in line or b"\\uD" in line):
                orjson.loads(line)
            row._raw = _split(line)
        except UnicodeDecodeError as error:
            raise BadRow(f"not valid UTF-8 at byte {error.start}") from None
        except msgspec.ValidationError:
            raise BadRow("not a JSON object") from None
        except (msgspec.DecodeError, orjson.JSONDecodeError) as error:
            raise BadRow(f"not JSON: {error}") from None
        except RecursionError:
            raise BadRow("nested too deeply") from None
        row._parsed = {}
        return row

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __getitem__(self, name: str) -> Any:
        if name in self._parsed:
            return self._parsed[name]
        value = self._raw[name]
        if isinstance(value, msgspec.Raw):
            try:
                value = _decoder(name)(value)
            except (msgspec.DecodeError, RecursionError) as error:
                raise BadRow(f"column {name!r}: {error}") from None
        self._parsed[name] = value
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The column, or `default` where it is missing or null."""
        if name not in self._raw:
            return default
        value = self[name]
        return default if value is None else value

    def __setitem__(self, name: str, value: Any) -> None:
        self._raw[name] = self._parsed[name] = value

    def __delitem__(self, name: str) -> None:
        del self._raw[name]
        self._parsed.pop(name, None)

    def encode(self) -> bytes:
        """The row as one line of JSON, without the newline."""
        return _encode(self._raw)

    def as_dict(self) -> dict[str, Any]:
        """Every column, parsed."""
        return {name: self[name] for name in self._raw}


@cache
def _decoder(name: str) -> Any:
    return msgspec.json.Decoder(TYPES.get(name, Any)).decode
