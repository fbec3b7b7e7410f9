"""A real vLLM on the CPU, started, watched and ended by r1tool; on two nodes of a real Slurm as well."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from harness import engines

from r1tool.engines import vllm
from r1tool.serving.identify import Identity, identify
from r1tool.serving.metrics import Metrics, read_metrics

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600), pytest.mark.usefixtures("vllm_engine")]

SLURM = Path(__file__).parent / "slurm"

# starts a server, says so, says why it died, and starts it again
KEEPS_A_SERVER = """
import asyncio, json, sys
from r1tool.errors import R1Error
from r1tool.serving.launch import ServingOptions, make_servers

async def main():
    settings = json.loads(sys.argv[1])
    runner = settings.pop("runner", "generate")
    server, = make_servers(ServingOptions(engine="vllm", **settings), runner=runner)
    try:
        await server.start()
    except R1Error as error:
        print(error, flush=True)
        return
    print("ready", server.url, flush=True)
    print(await server.died(), flush=True)
    await server.restart()

asyncio.run(main())
"""


@contextmanager
def owner(
    wrapper: Sequence[str] = (), environment: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process that keeps a server, and prints a line for each thing that happens to it."""
    command = [*wrapper, sys.executable, "-c", KEEPS_A_SERVER, json.dumps(settings)]
    environment = engines.environment() | dict(environment or {})
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process
    finally:
        end(each for each in session_of(process) if each.name() == "sleep")
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:  # salloc may wait for ever for a group that is gone, or leave its command
            end(session_of(process))
            process.communicate()


def session_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All that `process` has started, also what has lost its parent since."""
    found = []
    for each in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.Error):
            if os.getsid(each.pid) == process.pid:
                found.append(each)
    return found


def end(processes: Iterable[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def engine_cores(family: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in family:
        with suppress(psutil.NoSuchProcess):
            if process.name().startswith("VLLM::EngineCor"):
                found.append(process)
    return found


def test_the_death_of_the_engine_is_told_and_nothing_survives_the_death_of_its_owner(tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    settings = {"model": str(engines.REWARD_MODEL), "runner": "reward", "server_log": str(log)}
    with owner(engine_arguments=engines.REWARD_ARGUMENTS, **settings) as process:
        assert line_of(process).startswith("ready http://127.0.0.1:")
        parent = psutil.Process(process.pid)
        first = parent.children(recursive=True)
        (core,) = engine_cores(first)
        core.kill()
        reason = line_of(process)
        assert reason.startswith("vllm died: one of its processes was killed")
        assert reason.endswith(f"see {log}")
        while not (second := engine_cores(parent.children(recursive=True))):
            assert process.poll() is None
            time.sleep(0.1)
        assert second != [core]
        second = parent.children(recursive=True)
        process.kill()
    _, alive = psutil.wait_procs(first + second, timeout=30)
    assert not alive


@pytest.mark.parametrize(
    ("settings", "environment", "says"),
    [
        ({"model": "no-one/no-such-model"}, {}, "the model is not in the cache and cannot be downloaded"),
        (
            {"model": str(engines.REWARD_MODEL), "runner": "reward"},
            {"VLLM_CPU_KVCACHE_SPACE": "9000"},
            "out of memory: vLLM wants 9000.0 GiB for its KV cache, but only",
        ),
    ],
    ids=["no such model", "out of memory"],
)
def test_a_server_that_cannot_start_says_why(
    settings: dict[str, str], environment: dict[str, str], says: str, tmp_path: Path
) -> None:
    log = str(tmp_path / "vllm.log")
    with owner((), environment, engine_arguments=engines.REWARD_ARGUMENTS, server_log=log, **settings) as process:
        sentence = line_of(process)
    assert sentence.startswith(f"vllm did not start: {says}")
    assert sentence.endswith(f"; see {log}")


def test_a_running_vllm_is_known_by_its_url_and_counts_its_tokens(vllm_server: str) -> None:
    async def ask() -> tuple[Identity, Metrics | None, int, Metrics | None]:
        async with aiohttp.ClientSession() as session:
            who = await identify(session, vllm_server)
            before = await read_metrics(session, vllm_server, vllm.ENGINE)
            body = {"model": who.model, "prompt": "2 + 3 =", "max_tokens": 8, "seed": 1}
            async with session.post(f"{vllm_server}/v1/completions", json=body) as response:
                tokens = (await response.json())["usage"]["completion_tokens"]
            return who, before, tokens, await read_metrics(session, vllm_server, vllm.ENGINE)

    who, before, tokens, after = asyncio.run(ask())
    assert who == (vllm.ENGINE, "0.32.0", "smollm2", 2048)
    assert before
    assert after
    assert after.generation_tokens - before.generation_tokens >= tokens > 0
    assert after.kv_use is not None


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a cluster of two nodes."""
    if not (shutil.which("slurmctld") and shutil.which("munged")):
        engines.is_missing("slurm-wlm and munge are not installed")
    with (tmp_path / "up.log").open("w") as log:
        subprocess.run([SLURM / "up.sh", tmp_path / "slurm"], stdout=log, stderr=log, check=True)
    yield {"SLURM_CONF": str(tmp_path / "slurm" / "slurm.conf")}
    subprocess.run([SLURM / "down.sh", tmp_path / "slurm"], check=True)


@pytest.mark.slurm
def test_one_server_spans_two_nodes_and_ends_on_both(tmp_path: Path, slurm: dict[str, str]) -> None:
    """Tensor parallel over two ranks that srun starts: the score is the one of transformers on one device."""
    others = set(engine_cores(psutil.process_iter()))
    log, serves = tmp_path / "vllm.log", str(engines.REWARD_MODEL)
    arguments = [*engines.REWARD_ARGUMENTS, "--served-model-name", "rm", "--distributed-executor-backend", "mp"]
    settings = {"model": serves, "runner": "reward", "server_log": str(log), "tp": 2, "nodes": 2}
    environment = slurm | {"VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    # the allocation outlives the command, so that Slurm does not end the ranks for us
    allocation = ["salloc", "--quiet", "--nodes=2", "--exclusive", "sh", "-c", '"$@"; sleep 1000', "sh"]
    with owner(allocation, environment, engine_arguments=arguments, **settings) as process:
        url = line_of(process).removeprefix("ready ")
        assert url.startswith("http://"), url
        reference = json.loads((engines.REWARD_MODEL / "reference.json").read_text())
        body = json.dumps({"model": "rm", "messages": reference["chat"]}).encode()
        request = urllib.request.Request(f"{url}/pooling", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as response:
            scores = json.load(response)["data"][0]["data"]
        assert scores[-1][0] == pytest.approx(reference["score"], abs=1e-5)
        lines = log.read_text().splitlines()
        assert any(line.startswith("0: ") for line in lines)
        assert any(line.startswith("1: ") for line in lines)
        tree = psutil.Process(process.pid).children(recursive=True)
        (command,) = [found for found in tree if KEEPS_A_SERVER in found.cmdline()[:3]]
        ranks = [found for found in psutil.process_iter(["cmdline"]) if serves in (found.info["cmdline"] or [])]
        ranks += set(engine_cores(psutil.process_iter())) - others
        assert len(ranks) >= 5
        command.kill()
        _, alive = psutil.wait_procs(ranks, timeout=40)
        assert not alive
