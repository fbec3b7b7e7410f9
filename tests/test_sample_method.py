"""`--until-correct`, `--thinking-budget` and `--wait`."""

from pathlib import Path

import pytest
from harness.cli import run
from harness.fake_openai import Running
from harness.rows import problems, read_rows


def test_only_unsolved_problems_get_more_samples(tmp_path: Path) -> None:
    """Answers are 4 or 5 as the seed says, the reference is 4: sampling goes on until two are right."""
    given = problems(tmp_path / "in", 20, answer="4")
    with Running(engine="vllm", boxed=["4", "5"]) as server:
        done = run("sample", given, "--url", server.url, "-n", 2, "--until-correct", 2, "--max-n", 6)
        assert done.returncode == 0, done.stderr
        asked = server.counters["requests"]["/v1/chat/completions"]
    made = read_rows(done.stdout)
    assert len(made) == 20 and sum(len(row["generations"]) for row in made) == asked
    for row in made:
        right = ["\\boxed{4}" in text for text in row["generations"]]
        assert sum(right) == 2 or len(right) == 6
        # no sample was asked for that could not have been needed
        assert len(right) == 2 or sum(right[:-1]) < 2
        assert row["sampling"]["until_correct"] == 2 and row["sampling"]["max_n"] == 6
    assert {len(row["generations"]) for row in made} > {2}
    solved = sum(sum("\\boxed{4}" in text for text in row["generations"]) >= 2 for row in made)
    assert f" {solved} of 20 rows solved".encode() in done.stderr and solved


def test_a_problem_without_a_reference_is_sampled_n_times(tmp_path: Path) -> None:
    given = problems(tmp_path / "in", 3, answer="proof")
    with Running(engine="vllm") as server:
        done = run("sample", given, "--url", server.url, "--until-correct", 1, "--max-n", 9)
    assert [len(row["generations"]) for row in read_rows(done.stdout)] == [2, 2, 2]
    assert b" 3 rows without a reference answer" in done.stderr


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llamacpp"])
@pytest.mark.parametrize("opens", [True, False])
def test_a_thought_over_budget_is_closed_and_answered(tmp_path: Path, engine: str, opens: bool) -> None:
    with Running(engine=engine, thinking=100, opens=opens) as server:
        given = problems(tmp_path / "in", 3)
        done = run("sample", given, "--url", server.url, "-n", 2, "--thinking-budget", 12)
    assert done.returncode == 0, done.stderr
    for row in read_rows(done.stdout):
        assert row["is_reasoning_complete"] == [True, True]
        assert row["sampling"]["thinking_budget"] == 12
        for text, counts in zip(row["generations"], row["token_counts"], strict=True):
            assert text.startswith("<think>\n") and text.count("<think>") == text.count("</think>") == 1
            assert counts["thinking"] == 12 and "\\boxed{" in text.partition("</think>")[2]


@pytest.mark.parametrize("budget", ["kept", "ignored"])
def test_a_server_that_ends_thoughts_itself_is_trusted_and_looked_after(tmp_path: Path, budget: str) -> None:
    with Running(engine="vllm", thinking=200, opens=True, budget=budget) as server:
        done = run("sample", problems(tmp_path / "in", 3), "--url", server.url, "-n", 2, "--thinking-budget", 12)
        requests = server.counters["requests"]
    assert done.returncode == 0, done.stderr
    counts = [each for row in read_rows(done.stdout) for each in row["token_counts"]]
    assert all(row["is_reasoning_complete"] == [True, True] for row in read_rows(done.stdout))
    if budget == "kept":
        assert {each["thinking"] for each in counts} == {13}
        assert requests == {"/v1/chat/completions": 6, "/v1/completions": 2}
    else:
        assert {each["thinking"] for each in counts} == {12 + 64}
        assert requests == {"/v1/chat/completions": 6, "/v1/completions": 2 + 6}


def test_a_thought_within_budget_is_left_alone(tmp_path: Path) -> None:
    with Running(engine="vllm", thinking=20) as server:
        given = problems(tmp_path / "in", 3)
        plain = read_rows(run("sample", given, "--url", server.url).stdout)
        done = run("sample", given, "--url", server.url, "--thinking-budget", 500)
        # the one is a question to the server: whether it knows of budgets
        assert server.counters["requests"] == {"/v1/chat/completions": 12, "/v1/completions": 1}
    key = lambda row: row["problem"]  # noqa: E731
    assert [row["generations"] for row in sorted(read_rows(done.stdout), key=key)] == [
        row["generations"] for row in sorted(plain, key=key)
    ]


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llamacpp"])
def test_a_model_that_has_finished_thinking_is_told_to_wait(tmp_path: Path, engine: str) -> None:
    with Running(engine=engine, thinking=10, opens=True) as server:
        done = run("sample", problems(tmp_path / "in", 2), "--url", server.url, "-n", 1, "--wait", 2)
    assert done.returncode == 0, done.stderr
    for row in read_rows(done.stdout):
        (text,) = row["generations"]
        thought, close, answer = text.partition("</think>")
        assert thought.count("\nWait again again again") == 2
        assert close and "</think>" not in answer and "\\boxed{" in answer
        assert row["is_reasoning_complete"] == [True]


def test_a_model_that_does_not_think_is_left_alone(tmp_path: Path) -> None:
    with Running(engine="vllm", thinks=False, thinking=0, answer=30) as server:
        arguments = ["--url", server.url, "-n", 1, "--wait", 2, "--thinking-budget", 10]
        done = run("sample", problems(tmp_path / "in", 2), *arguments)
        assert done.returncode == 0, done.stderr
        for row in read_rows(done.stdout):
            assert "think>" not in row["generations"][0] and "Wait" not in row["generations"][0]
            assert row["generations"][0] == server.text(row["sampling"]["seeds"][0]).strip()


def test_a_server_that_cannot_continue_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with Running(engine="openai", tokenless=True) as server:
        done = run("sample", problems(tmp_path / "in", 2), "--url", server.url, "--thinking-budget", 10)
    assert done.returncode == 1
    assert b"cannot continue an answer" in done.stderr and b"Traceback" not in done.stderr
