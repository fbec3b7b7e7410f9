"""A row keeps the bytes of every column nobody sets."""

import json
from typing import Any

import msgspec
import pytest
from harness.strategies import dumps, rows, value
from hypothesis import given, settings
from hypothesis import strategies as st

from r1tool.errors import BadRow
from r1tool.records.columns import TYPES, Message, TokenCounts
from r1tool.records.row import Row

EXACT = (
    b'{ "n":18446744073709551617, "f" : 1e400,"e":1.0E+2,"z":-0.0,"s":"\\u0061\\/\\ud83d\\ude00\xc3\xa9",'
    b'"l":[ 1 ,2],"o":{ },"d":0.1000}'
)


@given(rows, st.sampled_from(dumps))
def test_an_untouched_row_is_its_line(row: dict[str, Any], dump: Any) -> None:
    line = dump(row)
    assert Row.parse(line).encode() == line


@given(
    rows,
    st.sampled_from(dumps),
    st.lists(
        st.tuples(st.sampled_from(["set", "read", "delete"]), st.text(max_size=3) | st.none(), value), max_size=6
    ),
)
@settings(max_examples=300)
def test_columns_set_read_and_deleted_behave_as_in_a_dictionary(
    table: dict[str, Any], dump: Any, actions: list[tuple[str, str | None, Any]]
) -> None:
    expected = {name: each for name, each in table.items() if name not in TYPES}
    row = Row.parse(dump(expected))
    for action, name, new in actions:
        if name is None:
            name = next(iter(expected), "x")
        if name in TYPES:
            continue
        if action == "set":
            row[name] = expected[name] = new
        elif name in expected:
            assert row[name] == expected[name]
            if action == "delete":
                del row[name]
                del expected[name]
        assert (name in row) == (name in expected)
    assert list(row) == list(expected)
    assert json.loads(row.encode()) == expected
    assert list(json.loads(row.encode())) == list(expected)
    assert {name: row[name] for name in row} == expected


@pytest.mark.parametrize("change", ["add", "replace", "delete", "read"])
def test_what_is_not_changed_keeps_its_bytes(change: str) -> None:
    row = Row.parse(EXACT)
    if change == "add":
        row["new"] = [1]
        assert row.encode() == EXACT[:-1] + b',"new":[1]}'
    elif change == "replace":
        row["l"] = [3]
        assert row.encode() == (
            b'{"n":18446744073709551617,"f":1e400,"e":1.0E+2,"z":-0.0,"s":"\\u0061\\/\\ud83d\\ude00\xc3\xa9",'
            b'"l":[3],"o":{ },"d":0.1000}'
        )
    elif change == "delete":
        del row["s"]
        assert (
            row.encode() == b'{"n":18446744073709551617,"f":1e400,"e":1.0E+2,"z":-0.0,"l":[ 1 ,2],"o":{ },"d":0.1000}'
        )
    else:
        assert (row["n"], row["s"], row["e"]) == (2**64 + 1, "a/😀é", 100.0)
        assert row.encode() == EXACT


def test_a_number_no_double_holds_is_no_reason_to_lose_a_row_but_cannot_be_read() -> None:
    row = Row.parse(EXACT)
    with pytest.raises(BadRow, match="column 'f'"):
        row["f"]
    assert Row.parse(b'{"l":[{"n":-9223372036854775809}]}')["l"] == [{"n": -9223372036854775809}]


def test_a_row_of_nothing_gets_its_first_column() -> None:
    for line in (b"{}", b" { } "):
        row = Row.parse(line)
        row["a"] = 1
        assert json.loads(row.encode()) == {"a": 1}
    assert Row({"a": 1}).encode() == b'{"a":1}'
    assert Row().encode() == b"{}"


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_exactly(number: float) -> None:
    assert Row.parse(json.dumps({"n": number}).encode())["n"] == number


BAD = {
    b"": "not JSON",
    b"nonsense": "not JSON",
    b"[1]": "not a JSON object",
    b"1e400": "not a JSON object",
    b'{"a":1}{"b":2}': "not JSON",
    b'{"a":NaN}': "not JSON",
    b'{"a":01}': "not JSON",
    b'{"a":"\x01"}': "not JSON",
    b'{"a":"\xff"}': "not valid UTF-8",
    b'{"a":"\xed\xa0\x80"}': "not valid UTF-8",
    b'{"a":"\\ud800"}': "not JSON",
    b'{"\\udc00":1}': "not JSON",
    b'{"a":1e400,"b":"\\ud800"}': "not JSON",
    b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}": "nested too deeply",
}


@pytest.mark.parametrize("line", BAD, ids=lambda line: repr(line[:25]))
def test_what_is_no_row_is_refused_with_its_reason(line: bytes) -> None:
    with pytest.raises(BadRow, match=BAD[line]):
        Row.parse(line)


def test_a_byte_order_mark_is_no_part_of_a_row() -> None:
    assert Row.parse(b'\xef\xbb\xbf{"a":1}').encode() == b'{"a":1}'


@given(st.sampled_from(sorted(TYPES)), value)
@settings(max_examples=500)
def test_a_known_column_has_its_type_or_is_refused(name: str, given_: Any) -> None:
    line = json.dumps({name: given_}).encode()
    if name == "answer" and type(given_) in (int, float):
        assert Row.parse(line)[name] == json.dumps(given_)
        return
    try:
        expected = msgspec.json.decode(json.dumps(given_), type=TYPES[name])
    except msgspec.DecodeError:
        with pytest.raises(BadRow, match=name):
            Row.parse(line)[name]
        return
    assert Row.parse(line)[name] == expected


def test_known_columns_are_read_as_what_they_are() -> None:
    line = b'{"token_counts":[{"completion":5},null],"messages":[{"role":"user","content":"p"}],"x":1e400}'
    row = Row.parse(line)
    assert row["token_counts"] == [TokenCounts(completion=5), None]
    assert row["messages"] == [Message("user", "p")]
    row["token_counts"] = row["token_counts"]
    assert json.loads(row.encode().replace(b"1e400", b"1"))["token_counts"][0]["completion"] == 5
    assert row.get("nothing", 3) == 3 and row.get("answer") is None
    with pytest.raises(KeyError):
        row["nothing"]
