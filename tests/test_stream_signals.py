"""Pipelines of real commands that are interrupted, ended, killed or no longer read."""

import fcntl
import itertools
import os
import re
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import orjson
import psutil
import pytest
from harness.cli import Pipeline, command, endless, run, wait_for
from harness.rows import decompress, long_row, write_rows

from r1tool.stream.readers import lines
from r1tool.stream.sources import Source

FULL_BYTES = 900_000
"""What a pipe of 1 MiB holds when its writer is about to wait."""

SPLIT = command("split")
RANK = command("rank", "--by", "random", "--among", "all")
VERIFY = command("verify", "-j", 1)


@pytest.fixture(scope="module")
def trickle() -> list[str]:
    """A source that writes 46 KB rows without end and stops, as `cat` does, at SIGINT."""
    return endless(seconds=0.002)


def numbers(data: bytes) -> list[int]:
    return [int(orjson.loads(line)["uuid"].removeprefix("id-")) for line in decompress(data).splitlines()]


def damaged_numbers(path: Path) -> tuple[list[int], list[str]]:
    damage: list[str] = []
    rows = [orjson.loads(line) for line in lines(Source("x", str(path)), damage.append) if line.startswith(b"{")]
    return [int(row["uuid"].removeprefix("id-")) for row in rows], damage


@pytest.mark.parametrize("count", range(2))
def test_ctrl_c_loses_no_row_of_a_pipeline(trickle: list[str], tmp_path: Path, count: int) -> None:
    """Every row the source has written comes out at the end, in order, in a file that is whole."""
    out = tmp_path / "out.zst"
    pipeline = Pipeline(trickle, SPLIT, VERIFY, [*RANK, "-o", str(out)])
    wait_for(
        lambda: (tmp_path / "out.zst.partial").exists() and (tmp_path / "out.zst.partial").stat().st_size > 50_000
    )
    pipeline.interrupt()
    _, statuses, errors = pipeline.finish()
    assert statuses == [0, 0, 0, 0], errors
    found = numbers(out.read_bytes())
    assert found == list(range(len(found)))
    # the closing lines agree: what each stage took in and gave out
    assert all(f"{len(found):,} rows in, {len(found):,} out" in error for error in errors[1:])
    assert not (tmp_path / "out.zst.partial").exists()


def test_ctrl_c_stops_the_source_which_ends_its_stream_with_130(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.zst", [long_row(number) for number in range(300)])
    pipeline = Pipeline([*SPLIT, str(source)], VERIFY)
    first = pipeline.output.read(200_000)
    pipeline.interrupt()
    rest, statuses, errors = pipeline.finish()
    assert statuses == [130, 0], errors
    found = numbers(first + rest)
    assert found == list(range(len(found))) and 0 < len(found) <= 300
    assert "truncated" not in "".join(errors)


def test_ctrl_c_at_a_source_with_a_file_keeps_what_is_done(tmp_path: Path) -> None:
    source = tmp_path / "in"
    os.mkfifo(source)
    (tmp_path / "out.zst").write_bytes(b"old")
    plenty = write_rows(tmp_path / "rows.zst", [long_row(number) for number in range(2000)])
    process = subprocess.Popen([*SPLIT, str(plenty), "-o", str(tmp_path / "out.zst")], stderr=subprocess.PIPE)
    wait_for(
        lambda: (tmp_path / "out.zst.partial").exists() and (tmp_path / "out.zst.partial").stat().st_size > 10_000
    )
    process.send_signal(signal.SIGINT)
    assert process.stderr
    said = process.stderr.read().decode()
    assert process.wait(30) == 130 and "out.zst.partial" in said
    assert (tmp_path / "out.zst").read_bytes() == b"old"
    found = numbers((tmp_path / "out.zst.partial").read_bytes())
    assert found == list(range(len(found))) and 0 < len(found) < 2000


@pytest.mark.parametrize("ours", [SPLIT, VERIFY], ids=["split", "verify"])
def test_a_second_ctrl_c_ends_at_once(ours: list[str]) -> None:
    read_end, write_end = os.pipe()
    process = subprocess.Popen(ours, stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    os.close(read_end)
    assert process.stdout
    os.write(write_end, orjson.dumps(long_row(1, 100)) + b"\n")
    assert process.stdout.read(1)  # it is up
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)  # it waits for the end of its input
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    os.close(write_end)
    assert process.returncode == 130 and b"Traceback" not in errors


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once_though_nobody_empties_the_pipe(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    source = write_rows(tmp_path / "in.zst", [long_row(number) for number in range(200)])
    command_ = [*SPLIT, str(source)]
    process = subprocess.Popen(command_, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    assert process.stdout
    pipe = process.stdout.fileno()
    wait_for(lambda: int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) > FULL_BYTES)
    wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_SLEEPING)
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(number)
    assert process.wait(30) == status
    _, errors = process.communicate()
    assert b"Traceback" not in errors


@pytest.mark.parametrize("ours", [SPLIT, VERIFY], ids=["split", "verify"])
def test_sigterm_ends_the_stream_properly_with_143(ours: list[str]) -> None:
    read_end, write_end = os.pipe()
    process = subprocess.Popen(ours, stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    os.close(read_end)
    assert process.stdout
    for number in range(3):
        os.write(write_end, orjson.dumps(long_row(number, 100)) + b"\n")
    first = process.stdout.read(1)
    wait_for(lambda: not _has_input(write_end))
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)  # while it waits for input
    output, errors = process.communicate(timeout=30)
    os.close(write_end)
    assert process.returncode == 143 and b"Traceback" not in errors
    assert numbers(first + output) == [0, 1, 2]


def _has_input(pipe: int) -> bool:
    import fcntl
    import struct
    import termios

    return bool(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])


def test_an_ignored_sigint_stays_ignored(tmp_path: Path) -> None:
    """What `nohup` and a shell's `&` ask for."""
    source = write_rows(tmp_path / "in.zst", [long_row(number) for number in range(20)])
    process = subprocess.Popen(
        [*SPLIT, str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    assert process.stdout
    first = process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(30) == 0 and numbers(first + rest) == list(range(20))


def test_a_reader_that_has_enough_ends_the_pipeline_quietly(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.zst", [long_row(number) for number in range(400)])
    pipeline = Pipeline([*SPLIT, str(source)], VERIFY, RANK)
    assert len(pipeline.output.read(1000)) == 1000
    pipeline.output.close()
    pipeline.processes[-1].stdout = None
    _, statuses, errors = pipeline.finish()
    assert statuses == [141] * 3 and errors == [""] * 3


def test_a_reader_that_went_away_is_noticed_before_the_next_row_comes() -> None:
    read_end, write_end = os.pipe()
    process = subprocess.Popen(SPLIT, stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    os.close(read_end)
    os.write(write_end, orjson.dumps(long_row(1, 100)) + b"\n")
    assert process.stdout and process.stdout.read(1)
    process.stdout.close()
    assert process.wait(30) == 141  # the input is still open
    os.close(write_end)
    assert process.stderr and process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("killed", range(3))
def test_kill_9_of_any_stage_loses_nothing_that_had_left_it(trickle: list[str], tmp_path: Path, killed: int) -> None:
    out = tmp_path / "out.zst"
    pipeline = Pipeline(trickle, SPLIT, VERIFY, [*RANK, "-o", str(out)])
    partial = tmp_path / "out.zst.partial"
    wait_for(lambda: partial.exists() and partial.stat().st_size > 50_000)
    victim = pipeline.processes[1 + killed]
    family = psutil.Process(victim.pid).children(recursive=True)
    victim.kill()
    victim.wait()
    seen = damaged_numbers(partial)[0] if killed == 2 else []
    _, statuses, errors = pipeline.finish()
    assert statuses[1 + killed] == -signal.SIGKILL
    if killed == 2:
        # the writer itself: every row it had written can be read, and the cut is seen
        found, damage = damaged_numbers(partial)
        assert seen == found and damage and not out.exists()
    else:
        # a stage before: what had left it arrives, the cut is told of, the file is whole
        found = numbers(out.read_bytes())
        assert statuses[2 + killed] == 1 and "truncated" in errors[2 + killed]
    assert found == list(range(len(found))) and found
    assert not psutil.wait_procs(family, timeout=20)[1], "workers outlive their parent"


def test_a_pipeline_of_filters_keeps_its_memory(tmp_path: Path, trickle: list[str]) -> None:
    """Nobody reads the end: pipes fill, and every stage waits, its memory bounded, also with workers."""
    pipeline = Pipeline(trickle, SPLIT, VERIFY, RANK)
    pipeline.output.read(1 << 20)

    def total(number: int) -> float:
        process = psutil.Process(pipeline.processes[number].pid)
        return sum(each.memory_full_info().pss for each in [process, *process.children(recursive=True)]) / 2**20

    previous = [0.0] * 4
    for _ in itertools.repeat(None, 100):
        time.sleep(0.3)
        now = [total(number) for number in range(4)]
        if all(abs(a - b) < 1 for a, b in zip(now, previous, strict=True)):
            break
        previous = now
    assert max(now[1:]) < 300
    pipeline.interrupt()
    pipeline.interrupt()
    for process in pipeline.processes:
        process.kill()
    pipeline.finish()


@pytest.mark.parametrize("arguments", [("stats",), ("--help",), ("split", "--help")])
def test_a_report_nobody_reads_is_no_failure_to_complain_of(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    source = write_rows(tmp_path / "in.zst", [long_row(1, 100)])
    files = [str(source), "-q"] if arguments == ("stats",) else []
    process = subprocess.Popen([*command(*arguments), *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (141, b"")
    process.stderr.close()


@pytest.mark.parametrize("arguments", [("verify",), ("split",), ("stats",), ("rank",)])
def test_the_notice_of_slurm_does_not_end_a_filter(arguments: tuple[str, ...]) -> None:
    process = subprocess.Popen(command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    wait_for(lambda: process.poll() is not None or _ignores(process.pid, signal.SIGUSR1))
    process.send_signal(signal.SIGUSR1)
    process.stdin.write(orjson.dumps(long_row(1, 100)) + b"\n")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and output


def _ignores(pid: int, number: signal.Signals) -> bool:
    ignored = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(ignored and int(ignored[1], 16) >> (number - 1) & 1)


def test_a_full_disk_is_told_of_in_a_sentence(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.zst", [long_row(number) for number in range(3)])
    for ours in (SPLIT, command("stats")):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run([*ours, str(source)], stdout=full, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 1 and b"Traceback" not in done.stderr
        assert re.search(rb"(/dev/full|stdout): No space left on device", done.stderr)


def test_a_stage_killed_before_its_first_row_is_a_cut_and_not_an_empty_stream(tmp_path: Path) -> None:
    process = subprocess.Popen(RANK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout
    begun = process.stdout.read(1000)
    process.kill()
    begun += process.communicate()[0]
    done = run("split", "-o", tmp_path / "out.zst", stdin=begun)
    assert done.returncode == 1, done.stderr
    assert b"truncated" in done.stderr
