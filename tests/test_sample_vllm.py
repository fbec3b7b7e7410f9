"""`sample` against a real vLLM on the CPU."""

import subprocess
import time
from pathlib import Path

import orjson
import pytest
from sampling import command, problems, rows, sample

pytestmark = pytest.mark.vllm


def test_answers_are_continued_after_a_termination(tmp_path: Path, vllm_server: str) -> None:
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    template = "Write a very long story about the number in this question: {problem}"
    arguments = [given, "--url", vllm_server, "-o", out, "--prompt-template", template, "--max-tokens", 120]
    process = subprocess.Popen(command(*arguments), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    metrics = f"{vllm_server}/metrics"
    before = _generated(metrics)
    while _generated(metrics) < before + 150:
        assert process.poll() is None
        time.sleep(0.2)
    process.terminate()
    process.communicate()
    assert process.returncode == 143
    records = [orjson.loads(line) for line in Path(f"{out}.journal").read_bytes().splitlines()[1:]]
    begun = {(each["id"], each.get("sample", 0)): each["text"] for each in records if each.get("text")}
    assert begun
    assert sample(*arguments).returncode == 0
    made = {(row["uuid"], index): row for row in rows(out) for index in range(2)}
    assert len(made) == 8
    for (id_, index), text in begun.items():
        assert made[id_, index]["generations"][index].startswith(text.strip()[:40])
    for row in rows(out):
        assert len({counts["prompt"] for counts in row["token_counts"]}) == 1
        assert all(counts["completion"] <= 122 for counts in row["token_counts"])


def test_a_thought_over_budget_is_closed(tmp_path: Path, vllm_server: str) -> None:
    """SmolLM2 does not think by itself: the prompt opens the thought, as R1's chat template does."""
    template = "{problem} I will think about it at length.\n<think>\n"
    arguments = ["--completion", "--prompt-template", template, "--thinking-budget", 15, "--max-tokens", 60, "-n", 1]
    done = sample(problems(tmp_path / "in", 3), "--url", vllm_server, *arguments)
    assert done.returncode == 0, done.stderr
    for row in rows(done.stdout):
        (text,), (counts,) = row["generations"], row["token_counts"]
        assert text.startswith("<think>\n") and "</think>" in text
        assert counts["thinking"] <= 16 and counts["completion"] <= 62


def _generated(metrics: str) -> float:
    import re
    import urllib.request

    with urllib.request.urlopen(metrics) as answer:
        found = re.findall(r"^vllm:generation_tokens_total\S* (\S+)$", answer.read().decode(), re.MULTILINE)
    return sum(map(float, found))
