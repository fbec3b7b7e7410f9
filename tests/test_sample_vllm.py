"""`sample` against a real vLLM on the CPU."""

import subprocess
import time
from pathlib import Path

import orjson
import psutil
import pytest
from harness import engines
from harness.cli import command, run
from harness.rows import problems, read_rows

pytestmark = pytest.mark.vllm


def test_answers_are_continued_after_a_termination(tmp_path: Path, vllm_server: str) -> None:
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    template = "Write a very long story about the number in this question: {problem}"
    arguments = [given, "--url", vllm_server, "-o", out, "--prompt-template", template, "--max-tokens", 120]
    process = subprocess.Popen(command("sample", *arguments), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
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
    assert run("sample", *arguments).returncode == 0
    made = {(row["uuid"], index): row for row in read_rows(out) for index in range(2)}
    assert len(made) == 8
    for (id_, index), text in begun.items():
        assert made[id_, index]["generations"][index].startswith(text.strip()[:40])
    for row in read_rows(out):
        assert len({counts["prompt"] for counts in row["token_counts"]}) == 1
        assert all(counts["completion"] <= 122 for counts in row["token_counts"])


def test_a_thought_over_budget_is_closed(tmp_path: Path, vllm_server: str) -> None:
    """SmolLM2 does not think by itself: the prompt opens the thought, as R1's chat template does."""
    template = "{problem} I will think about it at length.\n<think>\n"
    arguments = ["--completion", "--prompt-template", template, "--thinking-budget", 15, "--max-tokens", 60, "-n", 1]
    done = run("sample", problems(tmp_path / "in", 3), "--url", vllm_server, *arguments)
    assert done.returncode == 0, done.stderr
    for row in read_rows(done.stdout):
        (text,), (counts,) = row["generations"], row["token_counts"]
        assert text.startswith("<think>\n") and "</think>" in text
        assert counts["thinking"] <= 16 and counts["completion"] <= 62


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("vllm_engine")
def test_an_own_vllm_that_dies_is_restarted_and_every_answer_comes_once(tmp_path: Path) -> None:
    """With a model whose template opens a thought that it never closes: vLLM itself does, at the budget."""
    given, out, log = problems(tmp_path / "in", 6), tmp_path / "out.jsonl.zst", tmp_path / "vllm.log"
    template = "Write a very long story about the number in this question: {problem}"
    line = command(
        "sample",
        *(given, "-n", 2, "--prompt-template", template, "--thinking-budget", 40, "--max-tokens", 70, "-o", out),
        *("--engine", "vllm", "-m", engines.THINKING_MODEL, "--server-log", log, "--", *engines.ARGUMENTS),
        *("--max-num-seqs", 4, "--stream-interval", 3),
        *("--override-generation-config", '{"max_new_tokens": 60}'),
    )
    with (tmp_path / "talk").open("w+b") as talk:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=talk, env=engines.environment())
        journal = Path(f"{out}.journal")
        while not (journal.exists() and b'"text"' in journal.read_bytes()):
            assert process.poll() is None, (tmp_path / "talk").read_text()
            time.sleep(0.2)
        family = psutil.Process(process.pid).children(recursive=True)
        (core,) = [each for each in family if each.name().startswith("VLLM::EngineCor")]
        core.kill()
        assert process.wait(timeout=500) == 0, (tmp_path / "talk").read_text()
        talk.seek(0)
        said = talk.read().decode()
    assert "one of its processes was killed" in said
    assert "ended an answer at 60 tokens, but 70 were requested" in said
    made = read_rows(out)
    assert sorted(row["problem"] for row in made) == [f"What is {number}?" for number in range(6)]
    generations = [text for row in made for text in row["generations"]]
    assert len(generations) == 12
    counts = [counts for row in made for counts in row["token_counts"]]
    # where a thought ends is known to an event, which is of three tokens
    assert not [each for each in counts if each["thinking"] > 40 + 2 * 3 or each["completion"] > 70]
    assert all(text.startswith("<think>\n") for text in generations)
    closed = [text for text in generations if "</think>" in text]
    assert len(closed) > 6
    # by its mark, not by the one that a continuation puts in
    assert not any("\n</think>\n\n" in text for text in closed)
    assert not psutil.wait_procs(family, timeout=30)[1]


def _generated(metrics: str) -> float:
    import re
    import urllib.request

    with urllib.request.urlopen(metrics) as answer:
        found = re.findall(r"^vllm:generation_tokens_total\S* (\S+)$", answer.read().decode(), re.MULTILINE)
    return sum(map(float, found))
