"""`sample` against servers that fail in every way: each generation once, and nothing given up too early."""

import resource
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest
from harness.cli import command, run
from harness.fake_openai import Running
from harness.rows import problems, read_rows, seeds


def crash(server: Running) -> None:
    """Kill it in the middle of its work."""
    server.wait_for_tokens(700)
    server.kill()


def test_every_generation_once_among_all_kinds_of_failure(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 300), tmp_path / "out.jsonl.zst"
    failures = {"429": 0.05, "503": 0.05, "drop": 0.03, "html": 0.02, "500": 0.01, "garbage": 0.01, "early": 0.01}
    with Running(engine="vllm", failures=failures) as server:
        done = run("sample", given, "--url", server.url, "-o", out, "--concurrency", 64)
        assert done.returncode == 0, done.stderr
        assert set(server.counters["failed"]) == set(failures)
        made = read_rows(out)
        assert Counter(row["problem"] for row in made) == Counter(f"What is {number}?" for number in range(300))
        for row in made:
            assert row["generations"] == [server.text(seed) for seed in seeds(row, 2)]
        assert set(server.counters["finished"].values()) == {1}


@pytest.mark.parametrize("failure", ["500", "html", "garbage", "bytes", "error", "early"])
def test_a_generation_that_always_fails_costs_its_retries(tmp_path: Path, failure: str) -> None:
    with Running(engine="openai", failures={failure: 1.0}) as server:
        given = problems(tmp_path / "in", 1)
        done = run("sample", given, "--url", server.url, "-n", 1, "--retries", 2, "--rejects", tmp_path / "no")
        assert done.returncode == 1
        assert sum(server.counters["failed"].values()) == 3
    (reject,) = map(orjson.loads, (tmp_path / "no").read_bytes().splitlines())
    assert "gave up after 3 failures" in reject["reason"]


@pytest.mark.parametrize("failure", ["429", "503", "drop"])
def test_a_busy_server_costs_no_retries(tmp_path: Path, failure: str) -> None:
    with Running(engine="vllm", failures={failure: 0.7}) as server:
        done = run("sample", problems(tmp_path / "in", 10), "--url", server.url, "-n", 1, "--retries", 0)
        assert done.returncode == 0, done.stderr
        assert server.counters["failed"][failure] >= 5


def test_a_lost_answer_is_continued_and_not_begun_again(tmp_path: Path) -> None:
    with Running(engine="vllm", failures={"drop": 0.5}, thinking=200) as server:
        done = run("sample", problems(tmp_path / "in", 10), "--url", server.url, "-n", 2)
        made = read_rows(done.stdout)
        assert [text for row in made for text in row["generations"]] == [
            server.text(seed) for row in made for seed in seeds(row, 2)
        ]
        whole = sum(counts["completion"] for row in made for counts in row["token_counts"])
        assert server.counters["failed"]["drop"] >= 5
        assert server.counters["tokens"] <= 1.02 * whole


def test_a_client_without_open_files_to_spare_does_not_blame_the_server(tmp_path: Path) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))

    with Running(engine="vllm", pause=0.01) as server:
        arguments = ["--url", server.url, "-n", 1, "--retries", 0, "--concurrency", 30]
        done = run("sample", problems(tmp_path / "in", 30), *arguments, preexec_fn=few_files)
        assert done.returncode == 0, done.stderr
        assert b"is not responding" not in done.stderr
        assert server.counters["peak"] < 30


def test_a_stall_is_noticed_and_a_slow_answer_is_not_one(tmp_path: Path) -> None:
    with Running(engine="vllm", failures={"stall": 0.3}, pause=0.02, thinking=150) as server:
        done = run("sample", problems(tmp_path / "in", 5), "--url", server.url, "-n", 2, "--stall-timeout", 2)
        assert done.returncode == 0, done.stderr
        assert server.counters["failed"]["stall"] >= 1
        assert all(count == 1 for count in server.counters["finished"].values())


def test_waiting_in_the_servers_queue_is_no_stall(tmp_path: Path) -> None:
    """Eight requests on one slot, each of which takes half as long as the stall timeout."""
    with Running(engine="vllm", slots=1, pause=0.01, thinking=60) as server:
        arguments = ["--url", server.url, "-n", 1, "--stall-timeout", 2, "--retries", 0, "--concurrency", 8]
        done = run("sample", problems(tmp_path / "in", 8), *arguments)
        assert done.returncode == 0, done.stderr
        assert set(server.counters["started"].values()) == {1}


def test_a_row_short_of_generations_is_written_and_completed_by_the_next_run(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    with Running(engine="openai", failures={"500": 0.5}) as server:
        done = run("sample", given, "--url", server.url, "-o", out, "--retries", 0, "-n", 4)
        assert done.returncode == 1
        short = read_rows(out)
        assert sum(row["sampling"].get("missing", 0) for row in short) >= 1
        for row in short:
            assert len(row["generations"]) + row["sampling"].get("missing", 0) == 4
        server.set(failures={})
        before = server.counters["requests"]["/v1/chat/completions"]
        done = run("sample", given, "--url", server.url, "-o", out, "-n", 4)
        assert done.returncode == 0, done.stderr
        asked = server.counters["requests"]["/v1/chat/completions"] - before
        assert asked == 16 - sum(len(row["generations"]) for row in short)
        for row in read_rows(out):
            assert row["generations"] == [server.text(seed) for seed in seeds(row, 4)]
            assert "missing" not in row["sampling"]


def test_a_server_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    with Running(engine="vllm", pause=0.01) as server:
        threading.Thread(target=lambda: (crash(server), time.sleep(2), server.start())).start()
        done = run("sample", problems(tmp_path / "in", 40), "--url", server.url, "-n", 2, "--concurrency", 8)
        assert done.returncode == 0, done.stderr
        assert b"is not responding (" in done.stderr and b"; waiting for it" in done.stderr
        assert b"is back" in done.stderr
        made = read_rows(done.stdout)
        assert len(made) == 40
        assert all(row["generations"] == [server.text(seed) for seed in seeds(row, 2)] for row in made)


def test_a_server_that_stays_away_ends_the_run_with_everything_written(tmp_path: Path) -> None:
    given = problems(tmp_path / "in", 60)
    with Running(engine="vllm", pause=0.01) as server:
        threading.Thread(target=lambda: crash(server)).start()
        arguments = [given, "--url", server.url, "-n", 2, "--concurrency", 8, "--stall-timeout", 2]
        done = run("sample", *arguments, "--journal", tmp_path / "j")
        assert done.returncode == 1
        assert b"no server at " in done.stderr and b"Traceback" not in done.stderr
        made = read_rows(done.stdout)
        assert 0 < len(made) < 60
        server.start()
        again = run("sample", *arguments, "--journal", tmp_path / "j")
        assert again.returncode == 0, again.stderr
        assert len(read_rows(again.stdout)) == 60
        kept = {seed for row in made for seed in row["sampling"]["seeds"]}
        assert not kept & set(map(int, server.counters["started"]))


def test_work_is_shared_and_goes_on_where_a_server_dies(tmp_path: Path) -> None:
    with Running(engine="vllm", pause=0.005) as one, Running(engine="sglang", pause=0.005) as two:
        given = problems(tmp_path / "in", 80)
        process = subprocess.Popen(
            command("sample", given, "--url", one.url, "--url", two.url, "--concurrency", "16"),
            stdin=subprocess.DEVNULL,
            stdout=(tmp_path / "out").open("wb"),
            stderr=subprocess.PIPE,
        )
        crash(one)
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr
        made = read_rows(tmp_path / "out")
        assert len(made) == 80
        assert all(row["generations"] == [two.text(seed) for seed in seeds(row, 2)] for row in made)


def test_a_server_that_fails_fast_does_not_draw_all_requests(tmp_path: Path) -> None:
    with Running(engine="vllm", failures={"500": 1.0}) as broken, Running(engine="vllm", pause=0.005) as sound:
        arguments = ["--url", broken.url, "--url", sound.url, "--concurrency", 8]
        done = run("sample", problems(tmp_path / "in", 60), *arguments)
        assert done.returncode == 0, done.stderr
        assert len(read_rows(done.stdout)) == 60


def test_a_reader_that_leaves_ends_the_run_quietly(tmp_path: Path) -> None:
    with Running(engine="vllm", pause=0.005) as server:
        line = " ".join(command("sample", problems(tmp_path / "in", 300), "--url", server.url, "-n", 1))
        shell = ["bash", "-c", f"{line} | head -c 3000 >/dev/null; echo ${{PIPESTATUS[0]}}"]
        done = subprocess.run(shell, capture_output=True, timeout=60)
        assert (done.stdout, done.stderr) == (b"141\n", b"")
        assert len(server.counters["finished"]) < 300


def test_a_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    with Running(engine="vllm", pause=1) as server:
        process = subprocess.Popen(
            command("sample", problems(tmp_path / "in", 5), "--url", server.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        while not server.counters["tokens"]:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130


def test_rows_of_one_id_share_what_is_asked_once(tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text('{"problem": "p", "answer": "1"}\n{"problem": "p", "answer": "2"}\n')
    with Running(engine="vllm", pause=0.01) as server:
        done = run("sample", given, "--url", server.url)
        assert done.returncode == 0, done.stderr
        first, second = read_rows(done.stdout)
        assert {first["answer"], second["answer"]} == {"1", "2"}
        assert first["generations"] == second["generations"]
        assert set(server.counters["finished"].values()) == {1}
