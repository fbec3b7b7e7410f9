"""r1tool judge against a server whose replies are known."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.cli import R1TOOL, run
from harness.fake_openai import Running
from harness.rows import write_rows

AGREES, DIFFERS, SILENT = "Both are 4.\n\nVerdict: EQUIVALENT", "4 is not 5.\n\nVerdict: DIFFERENT", "I cannot say."


@pytest.fixture
def judge() -> Iterator[Running]:
    with Running(replies=[AGREES]) as server:
        yield server


def row(name: str, *verdicts: str) -> dict[str, Any]:
    return {
        "problem": f"What is {name}?",
        "answer": "4",
        "generations": [f"<think>{name}</think>It is \\boxed{{four}}."] * len(verdicts),
        "verdicts": list(verdicts),
        "correctness_math_verify": [verdict == "correct" for verdict in verdicts],
        "extracted_answers": ["four"] * len(verdicts),
        "finish_reasons": ["stop"] * len(verdicts),
    }


def judge_rows(folder: Path, rows: list[dict[str, Any]], *arguments: str) -> subprocess.CompletedProcess[str]:
    write_rows(folder / "in.jsonl", rows)
    return run("judge", "in.jsonl", *arguments, cwd=folder, text=True)


def judged(folder: Path, rows: list[dict[str, Any]], *arguments: str) -> list[dict[str, Any]]:
    done = judge_rows(folder, rows, "-z", "none", *arguments)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_only_what_the_rules_rejected_is_asked_and_what_is_equivalent_becomes_right(
    tmp_path: Path, judge: Running
) -> None:
    [out] = judged(tmp_path, [row("a", "correct", "wrong", "no_answer")], "--url", judge.url)
    assert out["correctness_llama"] == [None, True, None]
    assert out["judge_verdicts"][1] == {
        "verdict": "EQUIVALENT",
        "votes": {"EQUIVALENT": 1},
        "explanation": "Both are 4.",
    }
    assert out["correctness_count"] == 2
    [body] = judge.counters["bodies"]
    assert body["temperature"] == 0
    assert "response_format" not in body
    assert "It is \\boxed{four}." in body["messages"][0]["content"]
    assert "<think>" not in body["messages"][0]["content"]


@pytest.mark.parametrize(("reply", "correctness"), [(DIFFERS, False), ("Verdict: AMBIGUOUS", False), (SILENT, None)])
def test_an_unreadable_verdict_is_not_a_wrong_answer(
    reply: str, correctness: bool | None, tmp_path: Path, judge: Running
) -> None:
    judge.set(replies=[reply])
    [out] = judged(tmp_path, [row("a", "wrong")], "--url", judge.url)
    assert out["correctness_llama"] == [correctness]


def test_rows_keep_their_order_and_those_of_which_nothing_was_asked_have_null(tmp_path: Path, judge: Running) -> None:
    rows = [row(str(number), "correct" if number % 3 else "wrong") for number in range(60)]
    out = judged(tmp_path, rows, "--url", judge.url)
    assert [each["problem"] for each in out] == [each["problem"] for each in rows]
    assert [each["correctness_llama"] for each in out] == [None if number % 3 else [True] for number in range(60)]
    assert sum(judge.counters["requests"].values()) == 20


def test_the_majority_of_the_votes_counts(tmp_path: Path, judge: Running) -> None:
    judge.set(replies=[AGREES, DIFFERS])
    [out] = judged(tmp_path, [row("a", "wrong")], "--url", judge.url, "--votes", "5")
    votes = out["judge_verdicts"][0]["votes"]
    assert sum(votes.values()) == 5
    assert votes[out["judge_verdicts"][0]["verdict"]] >= 3
    assert {body["temperature"] for body in judge.counters["bodies"]} == {0.6}
    assert len({body["seed"] for body in judge.counters["bodies"]}) == 5


def test_a_constrained_reply_is_asked_for_and_read(tmp_path: Path, judge: Running) -> None:
    judge.set(replies=['{"explanation": "same", "verdict": "EQUIVALENT"}'])
    [out] = judged(tmp_path, [row("a", "wrong")], "--url", judge.url, "--constrained")
    assert out["correctness_llama"] == [True]
    assert judge.counters["bodies"][0]["response_format"]["type"] == "json_schema"


def test_a_refused_question_leaves_null_and_loses_no_row(tmp_path: Path, judge: Running) -> None:
    judge.set(refuse="What is bad?")
    done = judge_rows(tmp_path, [row("bad", "wrong"), row("good", "wrong")], "--url", judge.url, "-z", "none")
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [each["correctness_llama"] for each in out] == [[None], [True]]
    assert "context length" in done.stderr


def test_what_was_judged_before_an_interruption_is_not_asked_again(tmp_path: Path, judge: Running) -> None:
    rows = [row(str(number), "wrong") for number in range(10)]
    assert judge_rows(tmp_path, rows[:6], "--url", judge.url, "-o", "out.jsonl.zst").returncode == 0
    again = judge_rows(tmp_path, rows, "--url", judge.url, "-o", "out.jsonl.zst")
    assert again.returncode == 0, again.stderr
    assert "asked about 4 generations, 6 taken from the journal" in again.stderr
    assert sum(judge.counters["requests"].values()) == 10
    anew = judge_rows(tmp_path, rows, "--url", judge.url, "-o", "out.jsonl.zst", "--no-resume")
    assert "asked about 10 generations" in anew.stderr


def test_another_prompt_does_not_reuse_old_verdicts(tmp_path: Path, judge: Running) -> None:
    (tmp_path / "prompt.txt").write_text("Is {generation} the same as {answer}? {{yes}}")
    for arguments in ([], ["--prompt", "@prompt.txt"]):
        done = judge_rows(tmp_path, [row("a", "wrong")], "--url", judge.url, "-o", "out.jsonl.zst", *arguments)
        assert "asked about 1 generation," in done.stderr
    assert judge.counters["bodies"][-1]["messages"][0]["content"] == "Is It is \\boxed{four}. the same as 4? {yes}"


def test_spooled_input_is_judged_after_upstream_has_ended(tmp_path: Path, judge: Running) -> None:
    script = f"""
(cat first.jsonl; sleep 1; curl -s {judge.url}/counters > before.json; cat second.jsonl) \\
  | {R1TOOL} judge --spool --url {judge.url} -z none
"""
    for name in ("first", "second"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row(name, "wrong")) + "\n")
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [json.loads(line)["correctness_llama"] for line in done.stdout.splitlines()] == [[True], [True]]
    assert json.loads((tmp_path / "before.json").read_text())["bodies"] == []


def test_a_prompt_file_that_is_missing_or_blind_is_a_usage_error(tmp_path: Path, judge: Running) -> None:
    (tmp_path / "blind.txt").write_text("only {answer}")
    for name in ("blind.txt", "nowhere.txt"):
        done = judge_rows(tmp_path, [], "--url", judge.url, "--prompt", f"@{name}")
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
