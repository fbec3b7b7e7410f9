"""A real SGLang on the CPU, where tests/engines/install_sglang_cpu.sh has been run; CI does without."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

import aiohttp
import orjson
import pytest
from harness import engines
from harness.cli import command
from harness.rows import problems, read_rows

from r1tool.engines import sglang
from r1tool.serving.identify import identify
from r1tool.serving.launch import make_servers
from r1tool.serving.metrics import read_metrics
from r1tool.serving.options import ServingOptions

VENV = engines.FOLDER / "sglang"
ARGUMENTS = [
    *("--device", "cpu", "--attention-backend", "torch_native", "--disable-overlap-schedule"),
    *("--mem-fraction-static", "0.2", "--max-total-tokens", "16384", "--context-length", "2048"),
]


pytestmark = [pytest.mark.sglang, pytest.mark.timeout(900)]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    if not list(VENV.glob(".complete-*")):
        pytest.skip(f"no SGLang in {VENV}: it is optional; tests/engines/install_sglang_cpu.sh makes one")
    if reason := engines.missing():
        pytest.skip(reason)
    monkeypatch.setenv("PATH", f"{VENV / 'bin'}:{os.environ['PATH']}")
    for name, value in {"SGLANG_USE_CPU_ENGINE": "1", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)


def test_sglang_starts_answers_and_ends(tmp_path: Path) -> None:
    async def life() -> None:
        options = ServingOptions(
            engine="sglang",
            model=str(engines.MODEL),
            server_log=str(tmp_path / "sglang.log"),
            engine_arguments=ARGUMENTS,
        )
        (server,) = make_servers(options)
        await server.start()
        try:
            async with aiohttp.ClientSession() as session:
                engine, version, model, _ = await identify(session, server.url)
                assert (engine, version) == (sglang.ENGINE, server.version)
                body = {"model": model, "prompt": "2 + 3 =", "max_tokens": 4, "temperature": 0}
                async with session.post(f"{server.url}/v1/completions", json=body) as response:
                    assert response.status == 200
                metrics = await read_metrics(session, server.url, sglang.ENGINE)
                assert metrics
                assert metrics.generation_tokens > 0
        finally:
            await server.stop()

    asyncio.run(life())


def test_an_own_sglang_thinks_within_its_budget_and_its_answers_are_continued(tmp_path: Path) -> None:
    """With a model whose template opens a thought that it never closes."""
    given, out, journal = problems(tmp_path / "in", 2), tmp_path / "out.jsonl.zst", tmp_path / "out.jsonl.zst.journal"
    template = "Write a very long story about the number in this question: {problem}"
    line = command(
        "sample",
        *(given, "-n", 2, "--prompt-template", template, "--thinking-budget", 150, "--max-tokens", 170, "-o", out),
        *("--engine", "sglang", "-m", engines.THINKING_MODEL, "--server-log", tmp_path / "log", "--", *ARGUMENTS),
    )
    process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (journal.exists() and b'"text"' in journal.read_bytes()):
        assert process.poll() is None
        time.sleep(0.2)
    process.terminate()
    process.communicate()
    assert process.returncode == 143
    records = [orjson.loads(line) for line in journal.read_bytes().splitlines()[1:]]
    begun = {(each["id"], each["sample"]): each["text"] for each in records if each.get("text") and not each.get("at")}
    assert begun
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert f"{len(begun)} continued from earlier runs".encode() in done.stderr
    made = read_rows(out)
    texts = {(row["uuid"], sample): row["generations"][sample] for row in made for sample in range(2)}
    assert len(texts) == 4
    for key, text in begun.items():
        assert texts[key].startswith("<think>\n" + text.strip()[:40])
    assert all(text.startswith("<think>\n") for text in texts.values())
    counts = [each for row in made for each in row["token_counts"]]
    assert len({each["prompt"] for each in counts}) == 1
    assert all(each["thinking"] <= 152 and each["completion"] <= 175 for each in counts)
    assert any("\n</think>\n\n" in text for text in texts.values())
