"""The type of a column worked out from all its values, so that one that is null for a while is typed all the same."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

EXACT_FLOAT = 2**53
"""Up to here a double holds every integer."""
INT64 = range(-(2**63), 2**63)
MAX_DEPTH = 24
"""Readers of Parquet refuse schemas of 100 levels, of which a list takes three."""
MAX_KEYS = 256
"""An object with more different keys is a mapping, not a record."""

Shape = str | tuple[str, Any]
"""null, bool, int, long, float, string, json, ("list", Shape) or ("struct", {name: Shape}).

`long` is an integer that a double would round; `json` is the JSON text of values that have no type in common.
"""

PLAIN_TYPES: dict[Any, Shape] = {bool: "bool", int: "int", float: "float", str: "string"}


def shape_of(value: Any, depth: int = 0) -> Shape:
    """The shape of one JSON value, `depth` levels below its column."""
    if depth > MAX_DEPTH:
        return "json"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) <= EXACT_FLOAT else "long" if value in INT64 else "json"
    if isinstance(value, float):
        # orjson reads an integer beyond 64 bits as a double: only its text is exact
        return "float" if abs(value) < EXACT_FLOAT else "json"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        item: Shape = "null"
        for each in value:
            item = merge(item, shape_of(each, depth + 1))
        return "json" if item == "json" else ("list", item)
    fields = {name: shape_of(each, depth + 1) for name, each in value.items()}
    return "json" if "json" in fields.values() or len(fields) > MAX_KEYS else ("struct", fields)


def shape_of_type(kind: Any) -> Shape:
    """The shape of a column's type: `str | None`, `list[TokenCounts | None]`, `dict[Opinion, int]`, ...

    Of `Annotated[T, S]` it is that of S; a mapping with keys of any name is a struct without fields.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return shape_of_type(arguments[1])
    if origin in (Union, UnionType):
        [kind] = [each for each in arguments if each is not NoneType]
        return shape_of_type(kind)
    if origin is list:
        return ("list", shape_of_type(arguments[0]))
    if origin is dict:
        return ("struct", {name: shape_of_type(arguments[1]) for name in get_args(arguments[0])})
    if origin is Literal:
        return "string"
    if kind in PLAIN_TYPES:
        return PLAIN_TYPES[kind]
    return ("struct", {name: shape_of_type(each) for name, each in get_type_hints(kind, include_extras=True).items()})


def merge(one: Shape, other: Shape) -> Shape:
    """The shape that holds the values of both; json where only their text does."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    if isinstance(one, str) or isinstance(other, str):
        numbers = {one, other} if isinstance(one, str) and isinstance(other, str) else set()
        if numbers == {"int", "long"}:
            return "long"
        return "float" if numbers == {"int", "float"} else "json"
    if one[0] != other[0]:
        return "json"
    if one[0] == "list":
        item = merge(one[1], other[1])
        return "json" if item == "json" else ("list", item)
    fields: dict[str, Shape] = {**other[1], **one[1]}
    fields = {name: fields[name] for name in dict.fromkeys((*one[1], *other[1]))}
    for name in one[1].keys() & other[1].keys():
        fields[name] = merge(one[1][name], other[1][name])
    return "json" if "json" in fields.values() or len(fields) > MAX_KEYS else ("struct", fields)


def fill_nulls(shape: Shape, known: Shape) -> Shape:
    """`shape` with what is null all through typed as in `known`; keys that never occurred are not added."""
    if shape == "null":
        return known
    if isinstance(shape, str) or isinstance(known, str) or shape[0] != known[0]:
        return shape
    if shape[0] == "list":
        return ("list", fill_nulls(shape[1], known[1]))
    return ("struct", {name: fill_nulls(each, known[1].get(name, "null")) for name, each in shape[1].items()})


def finalize(shape: Shape) -> Shape:
    """The shape to write once every value was seen: an object without keys cannot be a column, nothing is text."""
    if shape == "null":
        return "string"
    if isinstance(shape, str):
        return shape
    if shape[0] == "list":
        item = finalize(shape[1])
        return "json" if item == "json" else ("list", item)
    fields = {name: finalize(each) for name, each in shape[1].items()}
    return "json" if not fields or "json" in fields.values() else ("struct", fields)


def arrow_type(shape: Shape) -> Any:
    """The pyarrow type of a settled shape."""
    import pyarrow as pa

    if isinstance(shape, str):
        plain: Mapping[str, Any] = {
            "bool": pa.bool_(),
            "int": pa.int64(),
            "long": pa.int64(),
            "float": pa.float64(),
            "string": pa.string(),
            "json": pa.string(),
        }
        return plain[shape]
    if shape[0] == "list":
        return pa.list_(arrow_type(shape[1]))
    return pa.struct([(name, arrow_type(each)) for name, each in shape[1].items()])
