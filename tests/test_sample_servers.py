"""Several servers, or an odd one: all of them are kept busy, and none takes generations down with it."""

import subprocess
import time
from pathlib import Path

from harness.cli import command, impatient, run, wait_for
from harness.fake_openai import Running
from harness.rows import problems, read_rows


def test_a_row_that_waits_for_one_long_sample_does_not_leave_the_server_idle(tmp_path: Path) -> None:
    replies = ["short \\boxed{1}"] * 7 + ["long " * 300 + "\\boxed{1}"]
    given = problems(tmp_path / "in", 400)
    with Running(engine="vllm", replies=replies, pause=0.01) as server:
        line = command("sample", given, "--url", server.url, "-n", 8, "--concurrency", 8, "-o", tmp_path / "out")
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while server.counters["tokens"] < 500:
            time.sleep(0.05)
        running = []
        while len(running) < 40:
            running.append(server.counters["running"])
            time.sleep(0.05)
        assert process.poll() is None
        process.kill()
        process.wait()
    assert sum(running) / len(running) > 6


def test_a_server_that_answers_and_makes_no_token_is_left_alone(tmp_path: Path) -> None:
    with Running(engine="vllm", slots=0) as hung, Running(engine="vllm", pause=0.01) as well:
        done = run(
            "sample",
            *(problems(tmp_path / "in", 12), "--url", hung.url, "--url", well.url, "-n", 2),
            *("--concurrency", 8, "--stall-timeout", 2, "--retries", 1),
        )
        assert done.returncode == 0, done.stderr
        assert sum(well.counters["finished"].values()) == 24
    assert len(read_rows(done.stdout)) == 12


def test_a_gateway_without_completions_that_made_no_token_is_asked_again(tmp_path: Path) -> None:
    with Running(engine="openai", slots=0, chat_only=True) as gateway:
        done = run(
            "sample",
            *(problems(tmp_path / "in", 2), "--url", gateway.url, "-n", 1),
            *("--concurrency", 1, "--stall-timeout", 2, "--retries", 0),
        )
    assert done.returncode == 1
    assert b"2 rejected" in done.stderr and b"404" not in done.stderr, done.stderr


def test_servers_of_two_models_need_a_word(tmp_path: Path) -> None:
    given = problems(tmp_path / "in", 2)
    with Running(model="a", pause=0.3) as one, Running(model="b", pause=0.3) as other:
        done = run("sample", given, "--url", one.url, "--url", other.url)
    assert done.returncode == 2
    assert b"choose one with --model" in done.stderr


def test_a_server_that_is_always_busy_is_told_of_once(tmp_path: Path) -> None:
    with Running(engine="vllm", failures={"503": 1.0}) as server:
        line = impatient("sample", problems(tmp_path / "in", 2), "--url", server.url)
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr
        assert any(b"still busy, retrying" in line for line in process.stderr)
        server.set(failures={})
        assert b"still busy" not in process.communicate(timeout=100)[1]
        assert process.returncode == 0


def test_a_server_that_refuses_us_is_left_out_and_the_other_answers(tmp_path: Path) -> None:
    given = problems(tmp_path / "in", 8)
    with Running(engine="vllm") as well, Running(engine="vllm", key="secret") as locked:
        done = run("sample", given, "--url", locked.url, "--url", well.url, "-n", 2)
        assert done.returncode == 0, done.stderr
        assert sum(well.counters["finished"].values()) == 16
    assert done.stderr.count(b"continuing without it") == 1 and b"R1TOOL_API_KEY" in done.stderr
    with Running(engine="vllm", model="a") as one, Running(engine="vllm", model="b") as other:
        done = run("sample", given, "--url", one.url, "--url", other.url, "-m", "b", "-n", 2)
        assert done.returncode == 0, done.stderr
        assert sum(other.counters["finished"].values()) == 16
    assert b"does not exist" in done.stderr and b"continuing without it" in done.stderr


def test_a_longest_answer_that_no_prompt_would_fit_beside_is_told_before_all_rows_are_refused(tmp_path: Path) -> None:
    given = problems(tmp_path / "in", 3)
    with Running(engine="vllm", context=2000) as small, Running(engine="vllm", context=20_000) as large:
        done = run("sample", given, "--url", small.url)
        assert done.returncode == 2
        assert b"takes 2000 tokens per request" in done.stderr and b"--max-tokens below that" in done.stderr
        assert not small.counters["requests"].get("/v1/chat/completions")
        done = run("sample", given, "--url", small.url, "--url", large.url, "-n", 2)
        assert done.returncode == 0, done.stderr
        assert sum(large.counters["finished"].values()) == 6


def test_a_limit_of_the_servers_own_is_told_once(tmp_path: Path) -> None:
    """vLLM has one where the model's generation_config.json holds max_new_tokens."""
    given = problems(tmp_path / "in", 3)
    with Running(engine="vllm", longest=8) as server:
        done = run("sample", given, "--url", server.url)
        assert {reason for row in read_rows(done.stdout) for reason in row["finish_reasons"]} == {"length"}
        assert done.stderr.count(b"ended an answer at 8 tokens, but 16384 were requested") == 1
        for limits in (("--max-tokens", 8), ("--max-tokens", 9, "--thinking-budget", 8)):
            assert b"ended an answer" not in run("sample", given, "--url", server.url, *limits).stderr


def test_a_router_before_a_server_that_is_gone_is_told_of_twice_at_most(tmp_path: Path) -> None:
    with Running(engine="vllm", status=307, location="http://127.0.0.1:1") as router:
        line = impatient("sample", problems(tmp_path / "in", 12), "--url", router.url, "-o", tmp_path / "out")
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr
        said = process.stderr.readline()
        wait_for(lambda: router.counters["requests"]["/v1/chat/completions"] > 200)
        router.set(status=0, location="")
        said += process.communicate(timeout=100)[1]
    assert process.returncode == 0, said
    assert 1 <= said.count(b"is not responding (http") <= 2 and b"127.0.0.1:1" in said, said
    assert len(read_rows(tmp_path / "out")) == 12


def test_a_server_named_twice_is_one(tmp_path: Path) -> None:
    with Running(engine="vllm") as server:
        done = run("sample", problems(tmp_path / "in", 2), "--url", server.url, "--url", f"{server.url}/v1", "--tp", 1)
    assert done.returncode == 0 and b"a GPU" not in done.stderr, done.stderr


def test_a_gateway_that_knows_nothing_for_a_while_is_asked_again(tmp_path: Path) -> None:
    """As one of a cluster does while the server behind it is being changed."""
    with Running(engine="vllm", pause=0.01) as server:
        given = problems(tmp_path / "in", 30)
        line = impatient("sample", given, "--url", server.url, "--concurrency", 4, "-o", tmp_path / "out")
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while not server.counters["finished"]:
            time.sleep(0.05)
        server.set(status=404)
        assert process.stderr
        assert any(b"still busy, retrying" in line for line in process.stderr)
        server.set(status=0)
        said = process.communicate(timeout=100)[1]
        assert process.returncode == 0, said
    assert len(read_rows(tmp_path / "out")) == 30


def test_a_gateway_that_knows_nothing_any_more_ends_the_run(tmp_path: Path) -> None:
    with Running(engine="vllm", pause=0.01) as server:
        arguments = ("--url", server.url, "--concurrency", 4, "--stall-timeout", 2, "-o", tmp_path / "out")
        line = command("sample", problems(tmp_path / "in", 30), *arguments)
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while not server.counters["finished"]:
            time.sleep(0.05)
        server.set(status=404)
        said = process.communicate(timeout=100)[1]
    assert process.returncode == 1 and b"check --url and --model" in said, said
