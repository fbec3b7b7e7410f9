"""Fixtures shared by all tests: servers that take long to start are started once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import vllm_cpu


@pytest.fixture(scope="session")
def vllm_engine() -> None:
    """A real vLLM can be started; skips where it is not installed, or fails if R1TOOL_REQUIRE_ENGINES=1."""
    if reason := vllm_cpu.missing():
        if os.environ.get("R1TOOL_REQUIRE_ENGINES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def vllm_server(vllm_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running vLLM with SmolLM2-135M-Instruct, as model `smollm2`."""
    log: Path = tmp_path_factory.mktemp("vllm") / "vllm.log"
    with vllm_cpu.vllm_server(log) as url:
        yield url
