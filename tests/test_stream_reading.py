"""What is read: every format, every whole row of a damaged input, and word of each damaged place."""

import random
import subprocess
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from harness.rows import FORMATS, read_lines, zstd_frames
from harness.strategies import dumps, line
from hypothesis import given, settings
from hypothesis import strategies as st

from r1tool.errors import R1Error
from r1tool.records.skim import ColumnReader
from r1tool.stream.names import natural
from r1tool.stream.readers import lines
from r1tool.stream.sources import Source, expand

formats = st.sampled_from(sorted(FORMATS))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reading") / "rows"


@given(st.lists(st.tuples(st.lists(line, max_size=5), formats), max_size=4))
def test_rows_come_back_however_they_are_cut_and_concatenated(
    path: Path, parts: list[tuple[list[bytes], str]]
) -> None:
    kind = parts[0][1].split(",")[0] if parts else "plain"
    parts = [(rows, name) for rows, name in parts if name.split(",")[0] == kind]
    path.write_bytes(b"".join(FORMATS[name]([row + b"\n" for row in rows]) for rows, name in parts))
    assert read_lines(path) == ([row for rows, _ in parts for row in rows], [])


@given(st.lists(line, max_size=8), st.lists(st.integers(0, 2000)), st.integers(1, 9))
def test_frames_and_blocks_may_end_anywhere_in_a_row(
    path: Path, rows: list[bytes], cuts: list[int], level: int
) -> None:
    text = b"".join(row + b"\n" for row in rows)
    ends = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    pieces = [text[a:b] for a, b in pairwise(ends)]
    for flush in (True, False):
        path.write_bytes(zstd_frames(pieces, level, flush))
        assert read_lines(path) == (rows, [])


@given(st.lists(line, min_size=1, max_size=6), formats, st.data())
@settings(max_examples=200)
def test_a_cut_loses_at_most_the_row_it_cuts_and_says_so(
    path: Path, rows: list[bytes], name: str, data: st.DataObject
) -> None:
    pieces = [row + b"\n" for row in rows]
    whole = FORMATS[name](pieces)
    cut = data.draw(st.integers(0, len(whole)))
    # what closes a frame is no part of its last row
    closing = 7 if name == "zstd, one frame" else 0
    ends = [len(FORMATS[name](pieces[: count + 1])) - closing for count in range(len(rows))]
    before = sum(end <= cut for end in ends)
    path.write_bytes(whole[:cut])
    found, damage = read_lines(path)
    assert found[:before] == rows[:before]
    if not damage:
        # between rows nothing shows, nor where only the newline of a line of text is missing
        places = {0, len(whole), *ends, *((end - 1 for end in ends) if name == "plain" else ())}
        assert found == rows[: len(found)] and (cut in places or found == rows)
    else:
        assert cut < len(whole) and len(found) <= before + 1 and "truncated" in damage[0]


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_cost_the_rows_they_are_in_and_never_pass_silently(tmp_path: Path, seed: int) -> None:
    """Frames of 4 rows with checksums: damage is seen, and rows in other frames are read."""
    chance = random.Random(seed)
    rows = [orjson.dumps({"problem": f"{n}", "text": chance.randbytes(300).hex()}) for n in range(40)]
    frames = [zstd_frames([row + b"\n" for row in rows[at : at + 4]]) for at in range(0, 40, 4)]
    for _ in range(40):
        damaged = chance.randrange(10)
        frame = bytearray(frames[damaged])
        at = chance.randrange(len(frame))
        frame[at] ^= 1 << chance.randrange(8)
        file = tmp_path / "rows.zst"
        file.write_bytes(b"".join((*frames[:damaged], frame, *frames[damaged + 1 :])))
        found, damage = read_lines(file)
        there = set(found)
        assert there >= set(rows[: 4 * damaged]), "a row before the damage"
        if at > 5:  # the magic number and the header's flags tell where the frame ends
            lost = [row for row in rows[4 * damaged + 4 :] if row not in there]
            assert len(lost) <= 4 * (damaged < 9), "rows behind the damage"
        if there < set(rows):
            assert damage


@given(st.binary(max_size=400).filter(lambda data: not data.startswith(b"PAR1")))
def test_any_bytes_are_read_to_their_end(path: Path, data: bytes) -> None:
    for start in (b"", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08", b"\x50\x2a\x4d\x18"):
        path.write_bytes(start + data)
        read_lines(path)


def test_two_files_concatenated_in_different_formats_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "mixed").write_bytes(zstd_frames([b'{"a":1}\n']) + b'{"b":2}\n')
    found, damage = read_lines(tmp_path / "mixed")
    assert found == [b'{"a":1}']
    assert "corrupt" in damage[0] and "byte" in damage[0]


def test_skippable_frames_are_skipped(tmp_path: Path) -> None:
    note = b"\x53\x2a\x4d\x18" + (300_000).to_bytes(4, "little") + bytes(300_000)
    (tmp_path / "rows").write_bytes(note + zstd_frames([b'{"a":1}\n']) + note + zstd_frames([b'{"b":2}\n']))
    assert read_lines(tmp_path / "rows") == ([b'{"a":1}', b'{"b":2}'], [])


def test_files_of_the_zstd_program_with_its_long_windows(tmp_path: Path) -> None:
    text = b"".join(orjson.dumps({"n": n, "x": "y" * 5000}) + b"\n" for n in range(3000))
    for options in (["-19", "--long=27"], ["-1", "-T2", "-B1"], ["--no-check", f"--stream-size={len(text)}"]):
        done = subprocess.run(["zstd", "-qc", *options], input=text, capture_output=True, check=True)
        (tmp_path / "rows").write_bytes(done.stdout)
        assert read_lines(tmp_path / "rows") == (text.splitlines(), [])


def test_gzip_padded_with_zeros_and_concatenated(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(FORMATS["gzip"]([b'{"a":1}\n', b'{"b":2}\n']) + bytes(1000))
    assert read_lines(tmp_path / "rows") == ([b'{"a":1}', b'{"b":2}'], [])


def test_parquet_by_name_and_through_a_pipe(tmp_path: Path) -> None:
    rows = [{"problem": f"p{n}", "generations": ["a", "b"], "x": {"y": [None, 1.5]}, "none": None} for n in range(200)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows")
    found, damage = read_lines(tmp_path / "rows")
    assert ([orjson.loads(each) for each in found], damage) == (rows, [])
    (tmp_path / "cut").write_bytes((tmp_path / "rows").read_bytes()[:-100])
    with pytest.raises(R1Error, match="cut: truncated or corrupt Parquet"):
        read_lines(tmp_path / "cut")


def test_without_a_listener_damage_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "rows.zst").write_bytes(zstandard.compress(b'{"a":1}\n')[:-3])
    with pytest.raises(R1Error, match=r"rows\.zst: truncated"):
        list(lines(Source("rows.zst", str(tmp_path / "rows.zst"))))


def test_inputs_are_files_globs_and_folders_in_natural_order(tmp_path: Path) -> None:
    for name in ("part-10.jsonl", "part-2.jsonl.zst", "part-1.parquet", "sub/a.jsonl.gz", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    names = [source.name.removeprefix(f"{tmp_path}/") for source in expand([str(tmp_path)])]
    assert names == ["part-1.parquet", "part-2.jsonl.zst", "part-10.jsonl", "sub/a.jsonl.gz"]
    names = [source.name.removeprefix(f"{tmp_path}/") for source in expand([f"{tmp_path}/part-*", "-"])]
    assert names == ["part-1.parquet", "part-2.jsonl.zst", "part-10.jsonl", "stdin"]
    (tmp_path / "[x].jsonl").write_bytes(b"")
    assert [source.path for source in expand([f"{tmp_path}/[x].jsonl"])] == [f"{tmp_path}/[x].jsonl"]
    for missing in ("nothing.jsonl", "no*.jsonl"):
        with pytest.raises(R1Error, match=r"no such file|no file matches") as caught:
            expand([str(tmp_path / missing)])
        assert caught.value.status == 1
    assert sorted(["b10", "b9", "a", "10", "9"], key=natural) == ["9", "10", "a", "b9", "b10"]


def test_remote_files_are_read_through_fsspec(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe({f"/reading/part-{n}.jsonl.zst": zstd_frames([b'{"n":%d}\n' % n]) for n in (10, 9)})
    memory.pipe("/reading/notes.txt", b"no rows")
    for url in ("memory://reading", "memory://reading/*.zst"):
        sources = expand([url])
        assert [each for source in sources for each in lines(source)] == [b'{"n":9}', b'{"n":10}']
    with pytest.raises(R1Error, match="no such file or folder"):
        expand(["memory://reading/absent.jsonl"])


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="s3fs is installed")
def test_s3_without_its_package_says_what_to_install() -> None:
    with pytest.raises(R1Error, match=r"needs the package s3fs; install it with: pip install 'r1tool\[s3\]'"):
        expand(["s3://bucket/rows.jsonl"])


names = ["source", "generations", "verdicts", "messages", "x", "generation"]
nasty = st.text(st.sampled_from('a"\\],[}{: 1') | st.characters(exclude_categories=["Cs"]), max_size=12)
nested = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | nasty | st.lists(nasty, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(nasty | st.sampled_from(names), inner, max_size=3),
    max_leaves=6,
)
layouts = st.lists(st.sampled_from(names), unique=True).flatmap(
    lambda order: st.fixed_dictionaries({name: nested | st.lists(nasty, max_size=3) for name in order})
)


@given(
    st.lists(st.tuples(layouts, st.integers(0, 2)), min_size=1, max_size=5),
    st.sets(st.sampled_from(names), min_size=1),
)
@settings(max_examples=200)
def test_the_columns_asked_for_are_those_of_a_full_parse(
    table: list[tuple[dict[str, object], int]], wanted: set[str]
) -> None:
    reader = ColumnReader(wanted)
    for row, dump in table:
        got = reader(dumps[dump](row))
        assert {name: got[name] for name in wanted if name in got} == {n: row[n] for n in wanted if n in row}


def test_what_is_not_an_object_is_no_row() -> None:
    for text in (b"[1]", b"nonsense", b'{"generations":["a"', b""):
        with pytest.raises(ValueError):
            ColumnReader(["source"])(text)
