"""`sample` behind the routers of vLLM and SGLang, the real ones, with made-up workers."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import engines
from harness.cli import command, run
from harness.fake_openai import Running
from harness.rows import problems, read_rows, seeds

from r1tool.serving.server import free_port

PROGRAMS = engines.FOLDER / "routers" / "bin"
READY_SECONDS = 60
ROUTERS = {"vllm": [str(PROGRAMS / "vllm-router")], "sglang": [str(PROGRAMS / "sglang-router"), "launch"]}

pytestmark = [pytest.mark.routers, pytest.mark.parametrize("engine", ["vllm", "sglang"])]


@pytest.fixture(autouse=True)
def _installed() -> None:
    if not (PROGRAMS.parent / ".complete").exists():
        engines.is_missing(f"no routers in {PROGRAMS.parent}; run tests/engines/install_routers.sh")


@contextmanager
def router(engine: str, log: Path, *workers: Running) -> Iterator[str]:
    """The URL of `engine`'s router in front of `workers`."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    line = [*ROUTERS[engine], "--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port())]
    line += ["--policy", "round_robin", "--worker-urls", *(worker.url for worker in workers)]
    with log.open("wb") as output:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        engines.wait_until_ready(url, process, log, READY_SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait()


def test_a_worker_that_dies_behind_a_router_costs_no_generation(tmp_path: Path, engine: str) -> None:
    given, out = problems(tmp_path / "in", 30), tmp_path / "out.jsonl.zst"
    settings = {"engine": engine, "pause": 0.01, "thinking": 40}
    with Running(**settings) as one, Running(**settings) as other, router(engine, tmp_path / "log", one, other) as url:
        line = command("sample", given, "--url", url, "-m", "fake", "-n", 4, "-o", out, "--concurrency", 16)
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while other.counters["tokens"] < 300:
            assert process.poll() is None
            time.sleep(0.05)
        other.kill()
        said = process.communicate(timeout=100)[1].decode()
        assert process.returncode == 0, said
        made = read_rows(out)
        assert sorted(row["problem"] for row in made) == sorted(f"What is {number}?" for number in range(30))
        for row in made:
            assert row["generations"] == [one.text(seed) for seed in seeds(row, 4)]
        assert one.counters["requests"]["/v1/chat/completions"] > 60


def test_a_router_that_does_not_know_its_model_needs_to_be_told(tmp_path: Path, engine: str) -> None:
    given = problems(tmp_path / "in", 2)
    with Running(engine=engine) as worker, router(engine, tmp_path / "log", worker) as url:
        done = run("sample", given, "--url", url)
    if engine == "vllm":
        assert done.returncode == 0, done.stderr
        assert {row["sampling"]["model"] for row in read_rows(done.stdout)} == {"fake"}
    else:
        assert done.returncode == 1
        assert b"--model" in done.stderr
