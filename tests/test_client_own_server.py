"""Own servers: started when the first request comes, restarted when they die, ended with the command."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
from harness import fake_openai
from harness.cli import command, run

from r1tool.client import supervisor
from r1tool.client.balancer import Balancer
from r1tool.client.client import Client
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import GivenUp
from r1tool.client.generation import Generation
from r1tool.client.options import ClientOptions
from r1tool.engines import vllm
from r1tool.errors import R1Error
from r1tool.serving.server import Server
from r1tool.stream.concurrent import run_async

pytest.importorskip("xllamacpp")


def engines_below(parent: int) -> list[psutil.Process]:
    """The processes that serve for the command `parent`."""
    try:
        below = psutil.Process(parent).children(recursive=True)
        return [each for each in below if any("llamacpp_server.py" in part for part in each.cmdline()[:4])]
    except psutil.Error:
        return []


class Own:
    """A client with one own server, which is a fake."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        line = [sys.executable, fake_openai.__file__, orjson.dumps(settings).decode(), "--port"]
        self.log = folder / "log"
        server = Server("fake", vllm.ENGINE, "fake", lambda port: [*line, str(port)], log=self.log, ready_timeout=60)
        self.notes: list[str] = []
        options = ClientOptions(concurrency=8, stall_timeout=3, retries=0)
        balancer = Balancer([Endpoint("", server=server, gpus=1)], options.concurrency)
        keeping = supervisor.OwnSupervisor(balancer, options.stall_timeout, self.notes.append)
        self.client = Client(balancer, keeping, options, None, print)

    async def ask(self, count: int) -> list[Generation]:
        message = [{"role": "user", "content": "?"}]
        return await asyncio.gather(*(self.client.chat(message, seed=seed) for seed in range(count)))

    async def process(self) -> psutil.Process:
        """The serving process, once it has sent something."""
        while not self.client.tokens:
            await asyncio.sleep(0.05)
        below = psutil.Process().children(recursive=True)
        return next(each for each in below if any("fake_openai" in part for part in each.cmdline()[:2]))


@pytest.mark.parametrize("trouble", ["killed", "hung"])
def test_a_server_in_trouble_is_restarted_and_its_requests_asked_again(
    tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LAST_WORDS_SECONDS", 1.0)

    async def main() -> tuple[list[Generation], list[str]]:
        own = Own(tmp_path, engine="vllm", pause=0.01, thinking=150)
        answers = asyncio.create_task(own.ask(16))
        process = await own.process()
        process.kill() if trouble == "killed" else process.suspend()
        try:
            return await answers, own.notes
        finally:
            await own.client.close()
            assert not process.is_running()

    replies, notes = run_async(main())
    fake = fake_openai.Fake(fake_openai.Settings(thinking=150))
    assert [reply.text for reply in replies] == ["".join(fake.generate(seed)) for seed in range(16)]
    started, ready, again, back = notes
    assert str(tmp_path / "log") in started and "ready after" in ready and "ready after" in back
    assert "restarting it" in again and ("died" if trouble == "killed" else "is hanging") in again


def test_a_server_that_cannot_be_started_ends_the_run_with_its_reason(tmp_path: Path) -> None:
    async def main() -> None:
        own = Own(tmp_path, nonsense=1)
        try:
            await own.ask(3)
        finally:
            await own.client.close()

    with pytest.raises(R1Error, match=r"fake did not start: .*nonsense"):
        run_async(main())


def test_a_server_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    """The first to have met two deaths is given up before the server is; for the others the run ends."""

    async def main() -> list[Generation | BaseException]:
        own = Own(tmp_path, engine="vllm", failures={"exit": 1.0})
        try:
            answers = [own.client.chat([{"role": "user", "content": f"{number}?"}]) for number in range(4)]
            return await asyncio.gather(*answers, return_exceptions=True)
        finally:
            await own.client.close()

    given_up = [error for error in run_async(main()) if "fake died" in str(error)]
    assert len(given_up) > 1 and all(type(error) is R1Error for error in given_up)


def test_a_request_that_kills_the_server_is_given_up_and_the_others_are_answered(tmp_path: Path) -> None:
    async def main() -> tuple[list[Generation | BaseException], list[str]]:
        own = Own(tmp_path, engine="vllm", kills="poison", pause=0.01)
        try:
            answers = [own.client.chat([{"role": "user", "content": "poison"}], seed=0)]
            answers += [own.client.chat([{"role": "user", "content": "?"}], seed=seed) for seed in range(1, 12)]
            return await asyncio.gather(*answers, return_exceptions=True), own.notes
        finally:
            await own.client.close()

    (poisoned, *others), notes = run_async(main())
    assert isinstance(poisoned, GivenUp) and "crashed 2 times" in str(poisoned)
    fake = fake_openai.Fake(fake_openai.Settings())
    assert [other.text for other in others if isinstance(other, Generation)] == [
        "".join(fake.generate(seed)) for seed in range(1, 12)
    ]
    assert sum("restarting it" in note for note in notes) == 2


def test_all_samples_of_a_prompt_that_kills_the_server_are_given_up_together(tmp_path: Path) -> None:
    async def main() -> tuple[list[Generation | BaseException], list[str]]:
        own = Own(tmp_path, engine="vllm", kills="poison", pause=0.01)
        try:
            message = [{"role": "user", "content": "poison"}]
            return await asyncio.gather(
                *(own.client.chat(message, seed=seed) for seed in range(4)), return_exceptions=True
            ), own.notes
        finally:
            await own.client.close()

    errors, notes = run_async(main())
    assert all(isinstance(error, GivenUp) for error in errors), errors
    assert sum("restarting it" in note for note in notes) == 2


def test_one_of_two_servers_that_fails_to_start_is_tried_again(tmp_path: Path) -> None:
    async def main() -> tuple[list[Generation], list[str], list[int]]:
        own = Own(tmp_path, engine="vllm", pause=0.05)
        mark = tmp_path / "tried"
        script = f'[ -e {mark} ] || {{ touch {mark}; exit 3; }}; exec "$@"'
        line = ["sh", "-c", script, "sh", sys.executable, fake_openai.__file__, "--port"]
        second = Server("second", vllm.ENGINE, "fake", lambda port: [*line, str(port)], log=own.log, ready_timeout=60)
        own.client.balancer.endpoints.append(Endpoint("", server=second, gpus=1))
        try:
            await own.client.ready()
            while not all(endpoint.alive for endpoint in own.client.balancer.endpoints):
                await asyncio.sleep(0.05)
            return await own.ask(8), own.notes, [each.tokens for each in own.client.balancer.endpoints]
        finally:
            await own.client.close()

    replies, notes, tokens = run_async(main())
    assert len(replies) == 8 and all(tokens)
    assert any("second did not start" in note and "retrying" in note for note in notes)


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_wants_a_key_gets_it_or_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    if known:
        monkeypatch.setenv("R1TOOL_API_KEY", "sk-secret")

    async def main() -> list[Generation]:
        own = Own(tmp_path, engine="vllm", key="sk-secret")
        try:
            return await own.ask(2)
        finally:
            await own.client.close()

    if known:
        assert len(run_async(main())) == 2
    else:
        with pytest.raises(R1Error, match="set R1TOOL_API_KEY"):
            run_async(main())


def test_no_server_is_started_when_nothing_is_missing(tmp_path: Path) -> None:
    arguments = ["--demo", 2, "-n", 1, "--engine", "embedded", "-o", tmp_path / "out.jsonl.zst"]
    assert run("sample", *arguments).returncode == 0
    log = tmp_path / "log"
    again = run("sample", *arguments, "--server-log", log)
    assert again.returncode == 0 and b"nothing to do" in again.stderr
    assert not log.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_server_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        command("sample", "--demo", 500, "-n", 2, "--engine", "embedded", "-o", tmp_path / "out"),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (serving := engines_below(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, number)
    process.wait()
    psutil.wait_procs(serving, timeout=20)
    assert not any(each.is_running() for each in serving)
