"""A row: one JSON object a line, whose bytes are kept wherever nobody changes them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import msgspec
import orjson

from r1tool.errors import BadRow
from r1tool.records.columns import TYPES

BOM = b"\xef\xbb\xbf"
EXACT_FLOAT = 2.0**53
"""Beyond this orjson may have rounded an integer."""

_TEXTS = frozenset(name for name, kind in TYPES.items() if kind == str | None)

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Row:
    """One problem and what is known of it.

    Columns nobody sets keep their bytes: numbers beyond 64 bits, escapes and key order come out as they came in.
    `row["generations"]` checks the type of a known column; assigning to it replaces it. A list or an object that was
    read is not written back unless it is assigned again. `input` and `line` say where the row came from.
    """

    __slots__ = ("_added", "_changed", "_columns", "_line", "_typed", "input", "line")

    _columns: dict[str, Any]
    _line: bytes
    input: str | None
    line: int

    def __init__(self, columns: Mapping[str, Any] | None = None) -> None:
        self._columns = dict(columns or {})
        self._typed = set(self._columns)
        self._added = list(self._columns)
        self._changed: set[str] = set()
        self._line = b"{}"
        self.input, self.line = None, 0

    @classmethod
    def parse(cls, line: bytes, input: str | None = None, number: int = 0) -> "Row":
        """Read one line of JSON. Raises BadRow if it is not an object, not UTF-8, or holds a lone surrogate."""
        row = cls.__new__(cls)
        try:
            columns = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if line.startswith(BOM):
                return cls.parse(line[len(BOM) :], input, number)
            columns = _parse_exactly(line, error)
        if type(columns) is not dict:
            raise BadRow("not a JSON object")
        row._columns = columns
        row._line = line
        row._typed = set()
        row._added = []
        row._changed = set()
        row.input, row.line = input, number
        return row

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __getitem__(self, name: str) -> Any:
        value = self._columns[name]
        if name in self._typed:
            return value
        if type(value) is str and name in _TEXTS:
            return value
        if name == "answer" and type(value) in (int, float, msgspec.Raw):  # many datasets have numbers there
            value = self.digits(name) or value
        try:
            if _is_rounded(value):
                value = self._columns[name] = _decoder(name)(_split(self._line)[name])
            elif name in TYPES:
                value = self._columns[name] = msgspec.convert(value, TYPES[name])
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadRow(f"column {name!r}: {error}") from None
        self._typed.add(name)
        return value

    def digits(self, name: str) -> str | None:
        """The number in the column `name` of the row as it came, digit for digit; None if there is none."""
        written = bytes(_split(self._line).get(name, b""))
        return written.decode() if written and written[0] in b"-0123456789" else None

    def get(self, name: str, default: Any = None) -> Any:
        """The column, or `default` where it is missing or null."""
        if name not in self._columns:
            return default
        value = self[name]
        return default if value is None else value

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._columns:
            self._added.append(name)
        elif name not in self._added:
            self._changed.add(name)
        self._columns[name] = value
        self._typed.add(name)

    def __delitem__(self, name: str) -> None:
        del self._columns[name]
        if name in self._added:
            self._added.remove(name)
        else:
            self._changed.add(name)
        self._typed.discard(name)

    def encode(self) -> bytes:
        """The row as one line of JSON, without the newline."""
        if self._changed:
            raw = _split(self._line)
            ours = self._changed.union(self._added)
            return _encode({name: self._columns[name] if name in ours else raw[name] for name in self._columns})
        if not self._added:
            return self._line
        added = _encode({name: self._columns[name] for name in self._added})
        end = self._line.rindex(b"}")
        comma = b"," if len(self._columns) > len(self._added) else b""
        return b"".join((memoryview(self._line)[:end], comma, memoryview(added)[1:]))


Rejected = Callable[[Row, str], None]
"""Takes a row that cannot be used, and the reason."""


def refuse(row: Row, reason: str) -> None:
    """The Rejected of callers that take no such row. Raises BadRow."""
    raise BadRow(reason)


def as_rows(given: Iterable[Row | Mapping[str, Any]]) -> Iterator[Row]:
    """Each of `given`, a Row or a dictionary, as a Row."""
    return (each if isinstance(each, Row) else Row(each) for each in given)


def _parse_exactly(line: bytes, error: orjson.JSONDecodeError) -> Any:
    """What orjson refuses and JSON allows: numbers beyond a double, which stay what they are until they are read."""
    try:
        line.decode()
        return _split(line)
    except UnicodeDecodeError as bad:
        raise BadRow(f"not valid UTF-8 at byte {bad.start}") from None
    except msgspec.ValidationError:
        raise BadRow("not a JSON object") from None
    except (msgspec.DecodeError, orjson.JSONDecodeError):
        raise BadRow(f"not JSON: {error.msg} at character {error.colno}") from None
    except RecursionError:
        raise BadRow("nested too deeply") from None


def _is_rounded(value: Any) -> bool:
    """Whether there may be a number in `value` that orjson has not read exactly, or not at all."""
    kind = type(value)
    if kind is list:
        return any(map(_is_rounded, value))
    if kind is dict:
        return any(map(_is_rounded, value.values()))
    return kind is msgspec.Raw or (kind is float and abs(value) >= EXACT_FLOAT)


@cache
def _decoder(name: str) -> Any:
    return msgspec.json.Decoder(TYPES.get(name, Any)).decode
