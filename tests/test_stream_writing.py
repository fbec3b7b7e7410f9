"""What is written: readable by everybody, row by row, and whole or not at all."""

import os
import subprocess
import threading
import time
from pathlib import Path

import orjson
import pytest
from harness.rows import decompress, long_row, read_lines
from harness.strategies import line
from hypothesis import given
from hypothesis import strategies as st

from r1tool.errors import R1Error
from r1tool.stream.outputs import OpenFile, RowFile, open_output
from r1tool.stream.writers import Compressed, LineWriter, Stored, encoder

ROWS = [{"problem": f"p{n}", "generations": [f"<think>{n}</think> é \\frac"] * 2, "n": n} for n in range(100)]


@pytest.fixture(scope="module", params=[0, 3], ids=["stored", "level 3"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ROWS as they go into a pipe and into a file: many frames, of many blocks each, each readable by itself."""
    path = tmp_path_factory.mktemp("writing") / "rows.jsonl.zst"
    with path.open("wb") as file:
        writer = LineWriter(file.fileno(), encoder("zstd", request.param))
        for row in ROWS:
            writer.write(orjson.dumps(row))
            writer.flush()
        writer.finish()
    return path


def test_the_zstd_program_reads_it(file: Path) -> None:
    subprocess.run(["zstd", "-tq", file], check=True)
    assert [orjson.loads(each) for each in decompress(file.read_bytes()).splitlines()] == ROWS


def test_duckdb_reads_it(file: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(
        f"select problem, generations, n from read_json('{file}', format='newline_delimited') order by n"
    )
    assert [dict(zip(("problem", "generations", "n"), row, strict=True)) for row in found.fetchall()] == ROWS


def test_polars_reads_it(file: Path) -> None:
    polars = pytest.importorskip("polars")
    assert polars.scan_ndjson(file).collect().to_dicts() == ROWS


def test_pyarrow_reads_it(file: Path) -> None:
    import pyarrow.json

    with pyarrow.input_stream(str(file), compression="zstd") as stream:
        assert pyarrow.json.read_json(stream).to_pylist() == ROWS


def test_datasets_reads_it(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for streaming in (False, True):
        found = datasets.load_dataset(
            "json", data_files=str(file), split="train", cache_dir=str(tmp_path), streaming=streaming
        )
        assert list(found) == ROWS


@given(st.lists(line | st.just(orjson.dumps(long_row(1, 400_000))), max_size=40), st.sampled_from([0, 1, 3]))
def test_what_is_written_is_read(rows: list[bytes], level: int) -> None:
    read_end, write_end = os.pipe()
    data = bytearray()

    def collect() -> None:
        while piece := os.read(read_end, 1 << 20):
            data.extend(piece)

    thread = threading.Thread(target=collect)
    thread.start()
    writer = LineWriter(write_end, encoder("zstd", level))
    for row in rows:
        writer.write(row)
    writer.finish()
    os.close(write_end)
    thread.join()
    os.close(read_end)
    assert decompress(bytes(data)).splitlines() == rows


@pytest.mark.parametrize("level", [0, 3])
def test_a_stream_cut_anywhere_is_seen_to_be_cut_also_between_frames(tmp_path: Path, level: int) -> None:
    """A writer killed at any time: 70 rows are more than two frames."""
    path = tmp_path / "rows.zst"
    with path.open("wb") as file:
        writer = LineWriter(file.fileno(), encoder("zstd", level))
        sizes = []
        for number in range(70):
            writer.write(b'{"n":%d}' % number)
            writer.flush()
            sizes.append(file.seek(0, os.SEEK_END))
    whole = path.read_bytes()
    for count, size in enumerate(sizes, 1):
        path.write_bytes(whole[:size])
        found, damage = read_lines(path)
        assert len(found) == count
        assert damage


@pytest.mark.parametrize("size", [10, 2000, 46_000, 300_000])
def test_a_row_can_be_read_while_the_writer_is_open(size: int) -> None:
    """Bounded by the 20 ms after which short rows are written; the test waits for the row, not for a time."""
    from r1tool.stream.readers import lines
    from r1tool.stream.sources import Source

    for kind in (Stored(), Compressed(3)):
        read_end, write_end = os.pipe()
        writer = LineWriter(write_end, kind)
        rows = lines(Source("pipe", f"/dev/fd/{read_end}"))
        for number in range(5):
            row = orjson.dumps({"n": number, "x": "y" * size})
            thread = threading.Thread(target=writer.write, args=(row,))
            thread.start()
            assert next(rows) == row
            thread.join()
        writer.finish()
        os.close(write_end)
        assert list(rows) == []
        os.close(read_end)


def test_short_rows_are_written_together(tmp_path: Path) -> None:
    path = tmp_path / "rows.zst"
    with RowFile(path) as file:
        for _ in range(10_000):
            file.write(b'{"problem":"What is 1 + 1?","answer":"2"}')
    assert path.stat().st_size < 10_000


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.zst"
    path.write_bytes(b"the old file")
    with pytest.raises(ZeroDivisionError), RowFile(path) as file:
        file.write(b"{}")
        assert path.read_bytes() == b"the old file"
        raise ZeroDivisionError
    assert path.read_bytes() == b"the old file"
    assert read_lines(tmp_path / "rows.zst.partial") == ([b"{}"], [])
    with RowFile(path) as file:
        file.write(b'{"a":1}')
    assert read_lines(path) == ([b'{"a":1}'], [])
    assert os.listdir(tmp_path) == ["rows.zst"]


def test_an_aborted_file_without_rows_leaves_nothing(tmp_path: Path) -> None:
    RowFile(tmp_path / "rows.zst").abort()
    assert os.listdir(tmp_path) == []


def test_a_file_being_written_is_not_written_by_another(tmp_path: Path) -> None:
    with RowFile(tmp_path / "rows.zst") as file:
        file.write(b"{}")
        with pytest.raises(R1Error, match="another process is writing"):
            RowFile(tmp_path / "rows.zst")
    assert read_lines(tmp_path / "rows.zst") == ([b"{}"], [])


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "rows.zst")
    with RowFile(tmp_path / "link") as file:
        file.write(b"{}")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "rows.zst").is_file()
    assert isinstance(open_output("/dev/null"), OpenFile)
    with pytest.raises(R1Error, match="cannot write: "):
        open_output(str(tmp_path / "no" / "rows.zst"))


def test_a_remote_file_is_sent_when_it_is_whole() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    output = open_output("memory://writing/rows.jsonl.zst")
    output.write(b'{"a":1}')
    output.flush()
    assert not memory.exists("/writing/rows.jsonl.zst")
    output.commit()
    assert decompress(memory.cat("/writing/rows.jsonl.zst")) == b'{"a":1}\n'
    output = open_output("memory://writing/rows.jsonl.zst")
    kept = output.abort()
    assert kept is None and decompress(memory.cat("/writing/rows.jsonl.zst")) == b'{"a":1}\n'


def test_the_thread_of_a_quiet_writer_sleeps_and_wakes() -> None:
    import r1tool.stream.writers as writers

    read_end, write_end = os.pipe()
    writer = LineWriter(write_end, encoder("none", 0))
    quiet = writers.QUIET_ROUNDS
    try:
        writers.QUIET_ROUNDS = 1
        for number in range(3):
            writer.write(b"%d" % number)
            assert os.read(read_end, 100) == b"%d\n" % number
            time.sleep(0.1)
    finally:
        writers.QUIET_ROUNDS = quiet
        writer.finish()
        os.close(write_end)
        os.close(read_end)
