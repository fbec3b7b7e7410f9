"""Fixtures shared by all tests: servers that take long to start are started once."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from harness import engines

from r1tool.serving.launch import make_servers
from r1tool.serving.options import ServingOptions
from r1tool.serving.server import Server

# what runs in the background may ignore these, and then so would the commands the tests interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

TOGETHER = {"test_engines_llamacpp.py", "test_cli_end_to_end.py"}
"""What these files start, their tests share."""

# no example is wrong for being slow: the machines are shared
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one of the files in TOGETHER run in one process, the others wherever there is room."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if Path(file).name in TOGETHER else nodeid

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[Server]:
    """A running embedded engine."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    (server,) = make_servers(ServingOptions(engine="embedded"))
    asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    yield server
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)


@pytest.fixture(scope="session")
def vllm_engine() -> None:
    """A real vLLM can be started; skips where it is not installed, or fails if R1TOOL_REQUIRE_ENGINES=1."""
    if reason := engines.missing():
        engines.is_missing(reason)


@pytest.fixture(scope="session")
def vllm_server(vllm_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running vLLM with SmolLM2-135M-Instruct, as model `smollm2`."""
    log: Path = tmp_path_factory.mktemp("vllm") / "vllm.log"
    with engines.vllm_server(log) as url:
        yield url
