"""A real SGLang on the CPU, where tests/engines/install_sglang_cpu.sh has been run; CI does without."""

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest
from engines import vllm_cpu

from r1tool.serving.engines import make_servers
from r1tool.serving.identify import identify
from r1tool.serving.metrics import read_metrics
from r1tool.serving.options import ServingOptions

VENV = vllm_cpu.FOLDER / "sglang"
ARGUMENTS = [
    *("--device", "cpu", "--attention-backend", "torch_native", "--disable-overlap-schedule"),
    *("--mem-fraction-static", "0.2", "--max-total-tokens", "16384", "--context-length", "2048"),
]


@pytest.mark.sglang
@pytest.mark.timeout(900)
def test_sglang_starts_answers_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not list(VENV.glob(".complete-*")):
        pytest.skip(f"no SGLang in {VENV}: it is optional; tests/engines/install_sglang_cpu.sh makes one")
    if not vllm_cpu.MODEL.exists():
        pytest.skip(f"{vllm_cpu.MODEL} is not there; run tests/engines/install_vllm_cpu.sh")
    monkeypatch.setenv("PATH", f"{VENV / 'bin'}:{os.environ['PATH']}")
    for name, value in {"SGLANG_USE_CPU_ENGINE": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)

    async def life() -> None:
        options = ServingOptions(
            engine="sglang",
            model=str(vllm_cpu.MODEL),
            server_log=str(tmp_path / "sglang.log"),
            engine_arguments=ARGUMENTS,
        )
        (server,) = make_servers(options)
        await server.start()
        try:
            async with aiohttp.ClientSession() as session:
                engine, version, model = await identify(session, server.url)
                assert (engine, version) == ("sglang", server.version)
                body = {"model": model, "prompt": "2 + 3 =", "max_tokens": 4, "temperature": 0}
                async with session.post(f"{server.url}/v1/completions", json=body) as response:
                    assert response.status == 200
                metrics = await read_metrics(session, server.url, "sglang")
                assert metrics
                assert metrics.generation_tokens > 0
        finally:
            await server.stop()

    asyncio.run(life())
