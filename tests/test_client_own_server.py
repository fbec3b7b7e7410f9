"""Own servers: started when the first request comes, restarted when they die, ended with the command."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from sampling import command, rows, sample

pytest.importorskip("xllamacpp")


def engines(parent: int) -> list[psutil.Process]:
    """The processes that serve for the command `parent`."""
    try:
        below = psutil.Process(parent).children(recursive=True)
        return [each for each in below if any("embedded_server.py" in part for part in each.cmdline()[:4])]
    except psutil.Error:
        return []


def test_a_server_that_dies_is_restarted_and_its_requests_asked_again(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.zst"
    process = subprocess.Popen(
        command("--demo", 12, "-n", 2, "--engine", "embedded", "-o", out),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    journal = Path(f"{out}.journal")
    while not journal.exists() or journal.read_bytes().count(b'"done"') < 3:
        assert process.poll() is None
        time.sleep(0.05)
    before = engines(process.pid)
    assert before
    for each in before:
        each.kill()
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert b"starting it again" in stderr
    made = rows(out)
    assert len(made) == 12 and all(len(row["generations"]) == 2 for row in made)
    assert not any(each.is_running() for each in before)


def test_no_server_is_started_when_nothing_is_missing(tmp_path: Path) -> None:
    arguments = ["--demo", 2, "-n", 1, "--engine", "embedded", "-o", tmp_path / "out.jsonl.zst"]
    assert sample(*arguments).returncode == 0
    log = tmp_path / "log"
    again = sample(*arguments, "--server-log", log)
    assert again.returncode == 0 and b"nothing to do" in again.stderr
    assert not log.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_server_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        command("--demo", 500, "-n", 2, "--engine", "embedded", "-o", tmp_path / "out"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (serving := engines(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, number)
    process.wait()
    psutil.wait_procs(serving, timeout=20)
    assert not any(each.is_running() for each in serving)
