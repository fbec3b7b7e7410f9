"""`sample` loses nothing, doubles nothing and asks nothing twice, whatever ends it."""

import fcntl
import os
import pty
import resource
import signal
import subprocess
import termios
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from harness.cli import command, run
from harness.fake_openai import Running
from harness.rows import problems, read_rows, seeds


def start(*arguments: object, out: Path | None = None) -> "subprocess.Popen[bytes]":
    stdout = out.open("wb") if out else subprocess.DEVNULL
    return subprocess.Popen(
        command("sample", *arguments), stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE
    )


def check(made: list[dict[str, object]], server: Running, count: int, n: int) -> None:
    """Every row once, with the generations that an undisturbed run would have made."""
    assert Counter(row["problem"] for row in made) == Counter(f"What is {number}?" for number in range(count))
    for row in made:
        assert row["generations"] == [server.text(seed) for seed in seeds(row, n)]


def test_killed_three_times_and_resumed(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 40), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm", pause=0.005) as server:
        arguments = [given, "--url", server.url, "-o", out, "--concurrency", 8]
        for tokens in (500, 1000, 1500):
            process = start(*arguments)
            server.wait_for_tokens(tokens)
            process.kill()
            process.communicate()
            assert not out.exists()
        done = run("sample", *arguments)
        assert done.returncode == 0, done.stderr
        check(read_rows(out), server, 40, 2)
        finished = server.counters["finished"]
        assert set(map(int, finished)) == {seed for row in read_rows(out) for seed in seeds(row, 2)}
        # an answer may be complete at the server and killed on its way here: never more than were in flight
        assert sum(finished.values()) <= 80 + 3 * 8
    assert len(read_rows(out)) == 40


def test_a_finished_generation_is_never_asked_for_again(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 30), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm", pause=0.005) as server:
        arguments = [given, "--url", server.url, "-o", out, "--concurrency", 4]
        process = start(*arguments)
        server.wait_for_tokens(600)
        process.kill()
        process.communicate()
        lines = Path(f"{out}.journal").read_bytes().splitlines()[1:]
        kept = [record["done"]["seed"] for record in map(orjson.loads, lines) if "done" in record]
        assert kept
        asked = Counter(body["seed"] for body in server.counters["bodies"])
        assert run("sample", *arguments).returncode == 0
        again = Counter(body["seed"] for body in server.counters["bodies"]) - asked
        assert not set(kept) & set(again)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llamacpp"])
def test_terminated_answers_are_continued_where_they_stopped(tmp_path: Path, engine: str) -> None:
    """Three times SIGTERM: the same texts, and nearly no token made twice."""
    given, out = problems(tmp_path / "in", 8), tmp_path / "out.jsonl.zst"
    with Running(engine=engine, pause=0.005, thinking=300, opens=True) as server:
        arguments = [given, "--url", server.url, "-o", out, "--concurrency", 16]
        for tokens in (800, 1800, 3000):
            process = start(*arguments)
            server.wait_for_tokens(tokens)
            process.terminate()
            stderr = process.communicate()[1]
            assert process.returncode == 143, stderr
            assert b" partial, left for the next run" in stderr
        done = run("sample", *arguments)
        assert done.returncode == 0, done.stderr
        made = read_rows(out)
        assert len(made) == 8
        for row in made:
            for text, seed, counts in zip(row["generations"], seeds(row, 2), row["token_counts"], strict=True):
                assert text == "<think>\n" + server.text(seed).removeprefix("\n")
                assert abs(counts["completion"] - len(server.text(seed).split())) <= 3
                assert counts["prompt"] == made[0]["token_counts"][0]["prompt"]
        whole = sum(counts["completion"] for row in made for counts in row["token_counts"])
        assert server.counters["tokens"] <= 1.1 * whole


def test_sigusr1_checkpoints_and_goes_on(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm", pause=0.01, thinking=200) as server:
        process = start(given, "--url", server.url, "-o", out, "--concurrency", 8)
        server.wait_for_tokens(200)
        os.kill(process.pid, signal.SIGUSR1)
        time.sleep(0.5)
        records = [orjson.loads(line) for line in Path(f"{out}.journal").read_bytes().splitlines()[1:]]
        assert sum("text" in record for record in records) == 8
        process.communicate()
        assert process.returncode == 0
        check(read_rows(out), server, 4, 2)


def test_the_model_may_be_named_or_left_to_the_server_from_one_run_to_the_next(tmp_path: Path) -> None:
    given, kept = problems(tmp_path / "in", 20), tmp_path / "j"
    with Running(engine="vllm", pause=0.01, thinking=100) as server:
        for named in ([], ["-m", "fake"], []):
            process = start(given, "--url", server.url, "--journal", kept, "--concurrency", 8, *named)
            before = len(server.counters["finished"])
            while len(server.counters["finished"]) < before + 8:
                time.sleep(0.05)
            process.terminate()
            assert process.wait(timeout=60) == 143
        done = run("sample", given, "--url", server.url, "--journal", kept, "-m", "fake")
        assert done.returncode == 0, done.stderr
        check(read_rows(done.stdout), server, 20, 2)
        assert set(server.counters["finished"].values()) == {1}
    with Running(engine="vllm", model="other") as other:
        done = run("sample", given, "--url", other.url, "--journal", kept)
        assert b"holds generations of fake, which are not used for other" in done.stderr
        assert len(other.counters["finished"]) == 40


def test_no_resume_keeps_the_journal_until_there_is_something_new(tmp_path: Path) -> None:
    given, kept = problems(tmp_path / "in", 3), tmp_path / "j"
    with Running(engine="vllm") as server:
        arguments = [given, "--url", server.url, "--journal", kept, "--no-resume"]
        assert run("sample", *arguments).returncode == 0
        before = kept.read_bytes()
        assert run("sample", *arguments, tmp_path / "nowhere").returncode == 1
        assert kept.read_bytes().startswith(before)
    assert run("sample", *arguments[:1], "--url", "ftp://nowhere", *arguments[3:]).returncode == 2
    assert kept.read_bytes().startswith(before)


def test_the_journal_is_not_the_output(tmp_path: Path) -> None:
    done = run("sample", problems(tmp_path / "in", 3), "--journal", tmp_path / "same", "-o", tmp_path / "same")
    assert done.returncode == 2 and b"--journal" in done.stderr and not (tmp_path / "same").exists()


def test_nothing_is_written_over_that_sample_has_not_made(tmp_path: Path) -> None:
    given, journal = problems(tmp_path / "in", 3), tmp_path / "j"
    notes, other = tmp_path / "notes", problems(tmp_path / "other", 5)
    notes.write_text("keep me\n")
    with Running(engine="vllm") as server:
        arguments = [given, "--url", server.url]
        assert run("sample", *arguments, "--journal", journal).returncode == 0
        for path, says in (
            (journal, b"is a journal"),
            (notes, b"not written by r1tool sample"),
            (other, b"not written by r1tool sample"),
        ):
            before = path.read_bytes()
            done = run("sample", *arguments, "-o", path)
            assert done.returncode == 2 and says in done.stderr, done.stderr
            assert path.read_bytes() == before
        done = run("sample", *arguments, "-o", tmp_path / "nowhere" / "out")
        assert done.returncode == 2 and b"no such folder" in done.stderr
        done = run("sample", *arguments, "--problem-field", "problm", "--rejects", tmp_path / "rejects")
        assert done.returncode == 1 and not read_rows(done.stdout)
        assert (tmp_path / "rejects").read_text().count("no column 'problm'") == 3


def test_answers_under_way_are_kept_when_the_terminal_is_closed(tmp_path: Path) -> None:
    """As a connection that breaks does: SIGHUP, twice, and a stderr that takes nothing any more."""
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm", pause=0.01, thinking=300) as server:
        arguments = (given, "--url", server.url, "-o", out, "--concurrency", 8)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command("sample", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        server.wait_for_tokens(400)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=60) == 129
        made = server.counters["tokens"]
        done = run("sample", *arguments)
        assert done.returncode == 0, done.stderr
        check(read_rows(out), server, 4, 2)
        whole = sum(counts["completion"] for row in read_rows(out) for counts in row["token_counts"])
        assert made > 300 and server.counters["tokens"] <= 1.1 * whole


def test_a_journal_replays_finished_rows_to_stdout(tmp_path: Path) -> None:
    given = problems(tmp_path / "in", 5)
    with Running(engine="vllm") as server:
        first = run("sample", given, "--url", server.url, "--journal", tmp_path / "j")
        asked = server.counters["requests"]
        second = run("sample", given, "--url", server.url, "--journal", tmp_path / "j")
        assert server.counters["requests"] == asked
    key = lambda row: row["problem"]  # noqa: E731
    assert sorted(read_rows(first.stdout), key=key) == sorted(read_rows(second.stdout), key=key)


def test_a_finished_file_needs_no_server(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 5), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        assert run("sample", given, "--url", server.url, "-o", out).returncode == 0
    before = out.stat()
    done = run("sample", given, "--url", server.url, "-o", out)
    assert done.returncode == 0, done.stderr
    assert b"nothing to do" in done.stderr
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not out.with_name(out.name + ".partial").exists()


def test_rows_are_known_by_id_and_not_by_their_place(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 6), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out, "--limit", 3)
        lines = given.read_bytes().splitlines(keepends=True)
        given.write_bytes(b"".join(reversed(lines)))
        assert run("sample", given, "--url", server.url, "-o", out).returncode == 0
        assert server.counters["requests"]["/v1/chat/completions"] == 12
        check(read_rows(out), server, 6, 2)


def test_more_generations_are_added_to_those_there_are(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 6), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out, "-n", 2)
        run("sample", given, "--url", server.url, "-o", out, "-n", 5)
        assert server.counters["requests"]["/v1/chat/completions"] == 30
        check(read_rows(out), server, 6, 5)


@pytest.mark.parametrize(
    "change", [["--temperature", "1"], ["--max-tokens", "99"], ["--prompt-template", "{problem}!"], ["--seed", "1"]]
)
def test_other_settings_do_not_reuse_old_answers(tmp_path: Path, change: list[str]) -> None:
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out)
        done = run("sample", given, "--url", server.url, "-o", out, *change)
        assert done.returncode == 0, done.stderr
        assert server.counters["requests"]["/v1/chat/completions"] == 16
        assert len(read_rows(out)) == 4
        # and going back costs nothing
        run("sample", given, "--url", server.url, "-o", out)
        assert server.counters["requests"]["/v1/chat/completions"] == 16


def test_another_problem_under_the_same_id_is_asked_for(tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        for problem in ("2 + 2?", "3 + 3?"):
            given.write_bytes(orjson.dumps({"problem": problem, "uuid": "same"}))
            assert run("sample", given, "--url", server.url, "-o", out).returncode == 0
        assert server.counters["requests"]["/v1/chat/completions"] == 4
        assert "3 + 3?" in [row["problem"] for row in read_rows(out)]


def test_another_model_does_not_reuse_old_answers(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 3), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out)
        server.set(model="better")
        assert run("sample", given, "--url", server.url, "-o", out).returncode == 0
        assert {row["sampling"]["model"] for row in read_rows(out)} == {"better"}


def test_starting_over_asks_for_everything(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 3), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out)
        assert run("sample", given, "--url", server.url, "-o", out, "--no-resume").returncode == 0
        assert server.counters["requests"]["/v1/chat/completions"] == 12


def test_without_its_journal_a_file_is_still_continued(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 4), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out, "-n", 2)
        Path(f"{out}.journal").unlink()
        assert run("sample", given, "--url", server.url, "-o", out, "-n", 3).returncode == 0
        assert server.counters["requests"]["/v1/chat/completions"] == 12
        check(read_rows(out), server, 4, 3)


def test_two_runs_on_one_file_are_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 5), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm", pause=0.02) as server:
        first = start(given, "--url", server.url, "-o", out)
        server.wait_for_tokens(20)
        first.send_signal(signal.SIGSTOP)
        second = run("sample", given, "--url", server.url, "-o", out)
        first.send_signal(signal.SIGCONT)
        assert second.returncode == 1 and b"another process is writing this journal" in second.stderr
        first.communicate()
        assert first.returncode == 0
        check(read_rows(out), server, 5, 2)


def test_an_interrupt_writes_what_is_done(tmp_path: Path) -> None:
    """Without a journal, a row short of generations leaves with those it has."""
    given = problems(tmp_path / "in", 50)
    out = tmp_path / "stdout"
    with Running(engine="vllm", pause=0.02) as server:
        process = start(given, "--url", server.url, "--concurrency", 6, "-n", 3, out=out)
        server.wait_for_tokens(300)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate()[1]
        assert process.returncode == 130, stderr
        assert b"Traceback" not in stderr
        finished = {int(seed) for seed in server.counters["finished"]}
    made = read_rows(out)
    assert 0 < len(made) < 50
    written = {seed for row in made for seed in row["sampling"]["seeds"]}
    assert written <= finished and len(finished - written) <= 6
    assert all(len(row["generations"]) + row["sampling"].get("missing", 0) == 3 for row in made)


def fill_the_pipe(given: Path, server: Running) -> "tuple[subprocess.Popen[bytes], int]":
    """A run that nobody reads from, stuck with more finished rows than a pipe holds, and how many there are."""
    given.write_text("".join(f'{{"problem": "{number} {"x" * 200_000}"}}\n' for number in range(40)))
    arguments = command("sample", given, "--url", server.url, "-n", 1, "--concurrency", 16)
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    finished = [0]
    while finished[-1] < 8 or len(set(finished[-5:])) > 1:
        time.sleep(0.1)
        finished.append(len(server.counters["finished"]))
    return process, finished[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_a_slow_reader_with_all_that_is_done(tmp_path: Path, number: int) -> None:
    with Running(engine="vllm") as server:
        process, finished = fill_the_pipe(tmp_path / "in", server)
        process.send_signal(number)
        time.sleep(0.5)
        out, _ = process.communicate()
    assert process.returncode == 128 + number
    assert len(read_rows(out)) >= finished


def test_a_second_interrupt_does_not_wait_for_the_reader(tmp_path: Path) -> None:
    with Running(engine="vllm") as server:
        process, _ = fill_the_pipe(tmp_path / "in", server)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stdout
        process.stdout.close()


def test_an_interrupt_does_not_wait_for_a_reader_that_is_gone(tmp_path: Path) -> None:
    with Running(engine="vllm") as server:
        process, _ = fill_the_pipe(tmp_path / "in", server)
        assert process.stdout
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) in (130, 141)


def test_a_disk_that_is_full_for_a_moment_costs_no_checkpoint_after_it(tmp_path: Path) -> None:
    given, kept = problems(tmp_path / "in", 3), tmp_path / "j"
    with Running(engine="vllm", pause=0.02, thinking=400) as server:
        arguments = [given, "--url", server.url, "--journal", kept, "-n", 1]
        process = start(*arguments)
        server.wait_for_tokens(100)
        process.send_signal(signal.SIGUSR1)
        while not (begun := kept.stat().st_size) > 1000:
            time.sleep(0.05)
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (begun + 150, hard))
        server.wait_for_tokens(400)
        process.send_signal(signal.SIGUSR1)
        assert process.stderr and b"partial generations are not saved" in process.stderr.readline()
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        server.wait_for_tokens(600)
        process.terminate()
        assert b"not kept" not in process.communicate()[1]
        assert process.returncode == 143
        server.set(pause=0)
        done = run("sample", *arguments)
        assert done.returncode == 0 and b"3 continued" in done.stderr, done.stderr
        check(made := read_rows(done.stdout), server, 3, 1)
        whole = sum(counts["completion"] for row in made for counts in row["token_counts"])
        assert server.counters["tokens"] <= 1.1 * whole


def test_rows_alike_are_asked_for_once_however_far_apart_they_are(tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out.jsonl"
    given.write_text('{"problem": "the same"}\n' * 6)
    with Running(engine="vllm") as server:
        assert run("sample", given, "--url", server.url, "-o", out, "-n", 1, "--concurrency", 1).returncode == 0
        assert server.counters["requests"]["/v1/chat/completions"] == 1
    made = read_rows(out)
    assert len(made) == 6 and len({row["generations"][0] for row in made}) == 1
    assert Path(f"{out}.journal").read_bytes().count(b'"done"') == 1


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no reasons": lambda row: row.pop("finish_reasons"),
    "reasons of null": lambda row: row.update(finish_reasons=[None, None]),
    "fewer generations": lambda row: row.update(generations=row["generations"][:1]),
    "generations null": lambda row: row.update(generations=None),
    "seeds null": lambda row: row["sampling"].update(seeds=None),
    "seeds of another kind": lambda row: row["sampling"].update(seeds=[[1], {}]),
    "no problem": lambda row: row.pop("problem"),
    "no model": lambda row: row["sampling"].pop("model"),
    "missing of another kind": lambda row: row["sampling"].update(missing="two"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_row_is_asked_for_again(tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    given, out = problems(tmp_path / "in", 2), tmp_path / "out.jsonl"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out)
        made = read_rows(out)
        edit(made[0])
        out.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in made))
        Path(f"{out}.journal").unlink()
        done = run("sample", given, "--url", server.url, "-o", out, "-n", 3)
        assert done.returncode == 0, done.stderr
        check([row for row in read_rows(out) if "problem" in row], server, 2, 3)


def test_counts_that_were_cut_short_are_unknown(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 1), tmp_path / "out.jsonl"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out)
        (row,) = read_rows(out)
        out.write_bytes(orjson.dumps(row | {"token_counts": row["token_counts"][:1]}))
        Path(f"{out}.journal").unlink()
        assert run("sample", given, "--url", server.url, "-o", out, "-n", 3).returncode == 0
        assert server.counters["requests"]["/v1/chat/completions"] == 3
    (again,) = read_rows(out)
    assert again["token_counts"][0] == row["token_counts"][0]
    assert again["token_counts"][1] == {"prompt": None, "completion": None, "thinking": None}


def test_samples_of_another_offset_do_not_replace_those_in_the_file(tmp_path: Path) -> None:
    given, out = problems(tmp_path / "in", 2), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm") as server:
        run("sample", given, "--url", server.url, "-o", out)
        before = out.read_bytes()
        done = run("sample", given, "--url", server.url, "-o", out, "--sample-index-offset", 2)
        assert done.returncode == 2 and b"another -o" in done.stderr, done.stderr
        assert out.read_bytes() == before
        assert server.counters["requests"]["/v1/chat/completions"] == 4


def test_another_method_takes_over_what_the_file_holds(tmp_path: Path) -> None:
    """None is right, so that each problem gets --max-n samples."""
    given, out = problems(tmp_path / "in", 3, answer="7"), tmp_path / "out.jsonl.zst"
    with Running(engine="vllm", boxed=["1"]) as server:
        for most, bought in ((3, 9), (4, 12)):
            method = ["-n", 2, "--until-correct", 1, "--max-n", most]
            assert run("sample", given, "--url", server.url, "-o", out, *method).returncode == 0
            assert server.counters["requests"]["/v1/chat/completions"] == bought
            assert [row["sampling"]["max_n"] for row in read_rows(out)] == [most] * 3
            check(read_rows(out), server, 3, most)
            Path(f"{out}.journal").unlink()


def test_another_model_does_not_go_on_from_the_text_of_the_first(tmp_path: Path) -> None:
    """Neither when it begins, nor when it is interrupted and goes on from its own."""
    given, out = problems(tmp_path / "in", 3), tmp_path / "out.jsonl.zst"
    arguments = [given, "-o", out, "-n", 1]
    with Running(engine="vllm", pause=0.02, thinking=200) as server:
        process = start(*arguments, "--url", server.url)
        server.wait_for_tokens(300)
        process.terminate()
        process.communicate()
    with Running(engine="vllm", pause=0.02, thinking=200, model="better") as server:
        process = start(*arguments, "--url", server.url)
        server.wait_for_tokens(150)
        process.terminate()
        assert b"continued" not in process.communicate()[1]
        assert all("messages" in body for body in server.counters["bodies"])
        server.set(pause=0)
        done = run("sample", *arguments, "--url", server.url)
        assert b"3 continued" in done.stderr, done.stderr
        check(made := read_rows(out), server, 3, 1)
        assert {row["sampling"]["model"] for row in made} == {"better"}
        whole = sum(counts["completion"] for row in made for counts in row["token_counts"])
        assert server.counters["tokens"] <= 1.1 * whole


def test_the_input_is_not_written_over(tmp_path: Path) -> None:
    given = problems(tmp_path / "in.jsonl", 2)
    before = given.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(given)
    done = run("sample", given, "-o", tmp_path / "link.jsonl", "--url", "http://127.0.0.1:9")
    assert done.returncode == 2 and b"name another file" in done.stderr
    assert given.read_bytes() == before and not list(tmp_path.glob("*.journal"))


@pytest.mark.parametrize(("more", "says"), [([], True), (["-q"], False), (["--journal", "j"], False)])
def test_a_run_without_a_journal_says_so(tmp_path: Path, more: list[str], says: bool) -> None:
    """When a first checkpoint would be made: whatever is over before that has cost little."""
    more = [str(tmp_path / "j") if each == "j" else each for each in more]
    with Running(engine="vllm", pause=0.02, thinking=50) as server:
        process = start(problems(tmp_path / "in", 2), "--url", server.url, *more)
        server.wait_for_tokens(20)
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGUSR1)
        stderr = process.communicate()[1]
    assert process.returncode == 0
    assert stderr.count(b"no journal: ") == says
