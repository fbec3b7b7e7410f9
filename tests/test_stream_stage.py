"""What every command does with its rows: driven through `r1tool split`, which changes nothing."""

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest
from harness.cli import Pipeline, command, ok, run
from harness.rows import decompress, gzip_members, long_row, zstd_frames
from hypothesis import given, settings
from hypothesis import strategies as st

EXACT = rb'{"problem":"\u0061 \/ \ud83d\ude00","n":18446744073709551617,"f":1e400,"z":-0.0,"e":1.0E+2 ,"a":[ ]}'


def split(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[bytes]":
    return run("split", *arguments, **more)


def row(number: int, **columns: Any) -> bytes:
    return orjson.dumps({"source": "olympiads", "problem": f"p{number}", **columns}) + b"\n"


def test_columns_nobody_touches_keep_their_bytes() -> None:
    done = split(stdin=EXACT + b"\n")
    assert (done.returncode, decompress(done.stdout)) == (0, EXACT + b"\n")


def test_a_byte_order_mark_blank_lines_carriage_returns_and_a_missing_newline(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + row(1) + b"\n  \r\n" + row(2).replace(b"\n", b"\r\n") + row(3).rstrip()
    done = split("--rejects", tmp_path / "rejects", stdin=text)
    assert (done.returncode, decompress(done.stdout)) == (0, row(1) + row(2) + row(3))
    assert (tmp_path / "rejects").read_bytes() == b""


def test_inputs_of_all_kinds_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(row(1))
    (tmp_path / "b").write_bytes(zstd_frames([row(2)]))
    (tmp_path / "c").write_bytes(gzip_members([row(3), row(4)]))
    done = split(tmp_path / "c", "-", tmp_path / "b", tmp_path / "a.jsonl", stdin=zstd_frames([row(5)]))
    assert decompress(done.stdout) == row(3) + row(4) + row(5) + row(2) + row(1)


BAD = {
    b"nonsense": "not JSON",
    b"[1, 2]": "not a JSON object",
    b'{"problem": "\xff"}': "UTF-8",
    b'{"problem": "\\ud800"}': "JSON",
    b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}": "nested",
}


def test_bad_rows_go_to_the_rejects_with_their_place_and_reason(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"".join(bad + b"\n\n" + row(n) for n, bad in enumerate(BAD)))
    done = split(tmp_path / "in.jsonl", "--rejects", tmp_path / "rejects")
    assert done.returncode == 1
    assert decompress(done.stdout) == b"".join(map(row, range(len(BAD))))
    rejects = [json.loads(each) for each in (tmp_path / "rejects").read_text().splitlines()]
    for number, (reject, (text, reason)) in enumerate(zip(rejects, BAD.items(), strict=True)):
        assert list(reject) == ["stage", "input", "line", "id", "reason", "row"]
        assert (reject["stage"], reject["input"], reject["line"]) == ("split", f"{tmp_path}/in.jsonl", 3 * number + 1)
        assert reason in reject["reason"]
        assert reject["row"] == text.decode(errors="replace")
    assert f"{2 * len(BAD)} rows in, {len(BAD)} out, {len(BAD)} rejected" in done.stderr.decode()
    done = split(tmp_path / "in.jsonl", "--rejects", tmp_path / "rejects.zst", "-q")
    assert len(decompress((tmp_path / "rejects.zst").read_bytes()).splitlines()) == len(BAD)
    assert (done.returncode, done.stderr) == (1, b"")


def test_blank_lines_count_wherever_a_block_begins(tmp_path: Path) -> None:
    done = split("--rejects", tmp_path / "rejects", stdin=zstd_frames([b"\n", row(1), b"\n", b"\nbad\n"]))
    assert (done.returncode, decompress(done.stdout)) == (1, row(1))
    assert json.loads((tmp_path / "rejects").read_text())["line"] == 5


def test_strict_delivers_what_precedes_the_first_bad_row(tmp_path: Path) -> None:
    text = row(1) + row(2) + b"bad\n" + row(3)
    done = split("--strict", stdin=text)
    assert (done.returncode, decompress(done.stdout)) == (1, row(1) + row(2))
    assert "stdin:3" in done.stderr.decode()
    (tmp_path / "out.zst").write_bytes(b"old")
    assert split("--strict", "-o", tmp_path / "out.zst", stdin=text).returncode == 1
    assert (tmp_path / "out.zst").read_bytes() == b"old"
    assert decompress((tmp_path / "out.zst.partial").read_bytes()) == row(1) + row(2)


@pytest.mark.parametrize("limit", [0, 2, 9])
def test_limit_takes_the_first_rows(limit: int) -> None:
    done = split("--limit", limit, stdin=row(1) + row(2) + row(3))
    assert (done.returncode, decompress(done.stdout)) == (0, b"".join([row(1), row(2), row(3)][:limit]))


def test_limit_does_not_wait_for_the_row_after() -> None:
    process = subprocess.Popen(command("split", "--limit", 1), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    process.stdin.write(row(1))
    process.stdin.flush()
    assert decompress(process.stdout.read()) == row(1)
    process.stdin.close()
    assert process.wait() == 0


@pytest.mark.parametrize("whole", [zstd_frames([row(1), row(2), row(3)]), gzip_members([row(1), row(2), row(3)])])
def test_truncated_input_is_delivered_told_of_and_status_1(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(whole[:-12])
    for arguments, data in (((tmp_path / "in",), b""), ((), whole[:-12])):
        done = split(*arguments, "-o", tmp_path / "out.zst", stdin=data)
        assert done.returncode == 1
        assert decompress((tmp_path / "out.zst").read_bytes()).startswith(row(1) + row(2))
        said = done.stderr.decode()
        assert "truncated" in said and ("/in: " if arguments else "stdin: ") in said
        assert "after 2 rows" in said or "after 3 rows" in said


def test_a_truncated_line_of_text_is_a_cut_and_a_whole_one_a_row(tmp_path: Path) -> None:
    done = split("--rejects", tmp_path / "rejects", stdin=row(1) + row(2)[:20])
    assert (done.returncode, decompress(done.stdout)) == (1, row(1))
    assert "truncated" in done.stderr.decode() and "after 1 row" in done.stderr.decode()
    assert "cut off" in json.loads((tmp_path / "rejects").read_text())["reason"]


def test_a_row_without_its_newline_before_a_cut_is_a_row() -> None:
    done = split(stdin=zstd_frames([row(1), row(2).rstrip()])[:-7])
    assert (done.returncode, decompress(done.stdout)) == (1, row(1) + row(2))
    assert "truncated" in done.stderr.decode() and "after 2 rows" in done.stderr.decode()


def test_corrupt_input_costs_its_rows_and_no_others(tmp_path: Path) -> None:
    frames = [zstd_frames([row(number, x=os.urandom(200).hex())]) for number in range(5)]
    frames[2] = frames[2][:60] + bytes(8) + frames[2][68:]
    done = split("--rejects", tmp_path / "rejects", stdin=b"".join(frames))
    assert done.returncode == 1 and "corrupt" in done.stderr.decode()
    problems = [json.loads(each)["problem"] for each in decompress(done.stdout).splitlines()]
    assert [problem for problem in problems if problem != "p2"] == ["p0", "p1", "p3", "p4"]


def test_missing_input_is_status_1_and_no_input_on_a_terminal_is_usage(tmp_path: Path) -> None:
    done = split(tmp_path / "absent.jsonl", "-o", tmp_path / "out.zst")
    assert (done.returncode, os.listdir(tmp_path)) == (1, [])
    assert "absent.jsonl: no such file" in done.stderr.decode()
    main, terminal = pty.openpty()
    done = subprocess.run(command("split"), stdin=terminal, capture_output=True, check=False)
    os.close(terminal)
    os.close(main)
    assert done.returncode == 2 and b"no input" in done.stderr


def test_rows_are_plain_on_a_terminal_and_with_compress_none(tmp_path: Path) -> None:
    main, terminal = pty.openpty()
    done = subprocess.run(command("split"), input=row(1), stdout=terminal, stderr=subprocess.DEVNULL, check=False)
    os.close(terminal)
    assert (done.returncode, os.read(main, 1000).replace(b"\r\n", b"\n")) == (0, row(1))
    os.close(main)
    assert split("-z", "none", stdin=row(1)).stdout == row(1)
    split("-z", "none", "-o", tmp_path / "out", stdin=row(1))
    assert (tmp_path / "out").read_bytes() == row(1)


def test_stdout_into_a_file_is_compressed_and_into_a_pipe_stored(tmp_path: Path) -> None:
    text = b"".join(orjson.dumps(long_row(number)) + b"\n" for number in range(3))
    with (tmp_path / "out.zst").open("wb") as file:
        subprocess.run(command("split"), input=text, stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert decompress((tmp_path / "out.zst").read_bytes()) == text
    assert (tmp_path / "out.zst").stat().st_size < len(text) / 4
    assert len(text) < len(split(stdin=text).stdout) < len(text) + 100
    assert len(split("--level", 1, stdin=text).stdout) < len(text) / 4


def test_no_rows_are_a_valid_stream(tmp_path: Path) -> None:
    for data in (b"", zstd_frames([])):
        done = split(stdin=data)
        assert (done.returncode, decompress(done.stdout)) == (0, b"") and done.stdout
        assert split("-o", tmp_path / "out.zst", stdin=data).returncode == 0
        assert decompress((tmp_path / "out.zst").read_bytes()) == b""
        assert split(stdin=done.stdout).returncode == 0


def test_a_file_may_be_its_own_output(tmp_path: Path) -> None:
    path = tmp_path / "rows.zst"
    path.write_bytes(zstd_frames([row(number) for number in range(100)]))
    assert split(path, "-o", path).returncode == 0
    assert decompress(path.read_bytes()) == b"".join(row(number) for number in range(100))


def test_quiet_says_nothing_and_the_closing_line_counts() -> None:
    assert split("-q", stdin=row(1)).stderr == b""
    said = split(stdin=row(1) + row(2)).stderr.decode()
    assert "2 rows in, 2 out" in said and "rows/s" in said


json_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.lists(st.dictionaries(st.text(max_size=8).filter("source".__ne__), json_value, max_size=4), max_size=8))
@settings(max_examples=3)
def test_any_rows_pass_three_stages_untouched(rows: list[dict[str, Any]]) -> None:
    text = b"".join(json.dumps({**row, "source": "olympiads"}).encode() + b"\n" for row in rows)
    read_end, write_end = os.pipe()
    os.write(write_end, text)
    os.close(write_end)
    pipeline = Pipeline(command("split"), command("split"), command("split"), stdin=read_end)
    os.close(read_end)
    output, statuses, _ = pipeline.finish()
    assert (decompress(output), statuses) == (text, [0, 0, 0])


@pytest.mark.parametrize("name", ["in.jsonl", "out.jsonl.zst", "out.jsonl.zst.journal", "link.jsonl"])
def test_rejects_that_would_overwrite_an_input_or_the_output_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.jsonl").write_text('{"problem":"p"}\n')
    (tmp_path / "link.jsonl").symlink_to("in.jsonl")
    (tmp_path / "out.jsonl.zst.journal").write_text("kept")
    done = run("rank", "in.jsonl", "-o", "out.jsonl.zst", "--rejects", name, cwd=tmp_path, text=True)
    assert done.returncode == 2
    assert f"--rejects {name}" in done.stderr
    assert (tmp_path / "in.jsonl").read_text() == '{"problem":"p"}\n'
    assert (tmp_path / "out.jsonl.zst.journal").read_text() == "kept"
    assert not (tmp_path / "out.jsonl.zst").exists()


def test_the_output_of_an_earlier_run_is_not_read_with_the_folder_it_lies_in(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"problem":"p"}\n')
    for _ in range(2):
        done = ok("rank", ".", "-o", "out.jsonl", cwd=tmp_path, text=True)
        assert "1 row in, 1 out" in done.stderr
