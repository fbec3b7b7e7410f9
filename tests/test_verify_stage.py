"""`r1tool verify`: verdicts, columns, order, hostile answers, and rows that were verified before."""

import json
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from harness.cli import command, ok, run
from harness.rows import jsonl

from r1tool.commands import verify as command_
from r1tool.stream.options import StreamOptions
from r1tool.verify.options import VerifyOptions
from r1tool.workers.forkserver import ForkServer

HANGS = r"\boxed{9^{9^{9}}}"
EATS_MEMORY = r"\boxed{\prod_{k=1}^{10000000} k^{k}}"


def verify(rows: list[dict[str, Any]], *options: str, status: int = 0) -> tuple[list[dict[str, Any]], str]:
    """The rows that come out, and what was said on stderr."""
    done = run("verify", "-z", "none", "-j", 2, *options, stdin=jsonl(rows))
    assert done.returncode == status, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def row(answer: str | None, *generations: str, **columns: Any) -> dict[str, Any]:
    return {"problem": "What is it?", "answer": answer, "generations": list(generations), **columns}


def boxed(answer: str) -> str:
    return f"<think>\nhm\n</think>\n\nIt is \\boxed{{{answer}}}."


def test_the_columns_of_a_verified_row() -> None:
    (out,), _ = verify([row("\\frac{1}{2}", boxed("0.5"), boxed("0.6"), "<think>\nlong", boxed("1/2"), source="amc")])
    assert out["correctness_math_verify"] == [True, False, False, True]
    assert out["verdicts"] == ["correct", "wrong", "no_answer", "correct"]
    assert out["extracted_answers"] == ["0.5", "0.6", None, "1/2"]
    assert out["correctness_count"] == 2
    assert list(out)[:4] == ["problem", "answer", "generations", "source"]
    assert out["verification"]["version"] >= 1


def test_a_gold_nobody_can_check_is_not_wrong() -> None:
    golds = [None, "", "proof", "notfound"]
    out, _ = verify([row(gold, boxed("5")) for gold in golds])
    assert [each["verdicts"] for each in out] == [["gold_unparsable"]] * len(golds)
    assert [each["correctness_math_verify"] for each in out] == [[False]] * len(golds)
    assert out[0]["extracted_answers"] == ["5"]


def test_the_gold_of_the_solution_stands_in_for_an_empty_one() -> None:
    rows = [
        row("", boxed("5"), solution="Adding gives $\\boxed{5}$."),
        row("5", boxed("5"), solution="\\boxed{6}"),
        row("proof", boxed("5"), solution="Clear."),
    ]
    out, _ = verify(rows, "--gold-from-solution")
    assert [each["verdicts"][0] for each in out] == ["correct", "correct", "gold_unparsable"]
    out, _ = verify(rows[:1])
    assert out[0]["verdicts"] == ["gold_unparsable"]


def test_another_column_can_hold_the_gold() -> None:
    (out,), _ = verify([row("1", boxed("7"), reference=7)], "--gold", "reference")
    assert out["verdicts"] == ["correct"]


def test_a_gold_column_that_no_row_has_is_reported() -> None:
    rows = [row("1", boxed("1")), row("2", boxed("2"))]
    assert "no row has the column 'golden' to check against" in verify(rows, "--gold", "golden")[1]
    assert "no row has the column" not in verify([{**rows[0], "golden": "1"}, rows[1]], "--gold", "golden")[1]


def test_only_boxed_answers_count_if_so_asked() -> None:
    rows = [row("5", "The answer is 5.", boxed("5"))]
    assert verify(rows)[0][0]["verdicts"] == ["correct", "correct"]
    assert verify(rows, "--answers", "box")[0][0]["verdicts"] == ["no_answer", "correct"]


def test_the_judge_counts_as_well() -> None:
    judged = [None, True, False]
    (out,), _ = verify([row("5", boxed("5"), boxed("6"), boxed("7"), correctness_llama=judged)])
    assert out["correctness_count"] == 2
    assert out["correctness_llama"] == judged


def test_a_row_without_generations_gets_empty_lists() -> None:
    out, _ = verify([{"problem": "p", "answer": "5"}, row("5"), {"problem": "p", "answer": "5", "generations": None}])
    for each in out:
        assert each["verdicts"] == each["correctness_math_verify"] == each["extracted_answers"] == []
        assert each["correctness_count"] == 0


def test_columns_nobody_knows_keep_their_bytes() -> None:
    line = b'{"z":18446744073709551616, "answer":"5","generations":["\\\\boxed{5}"],"x":1e400,"e":"\\u00e9"}\n'
    done = ok("verify", "-z", "none", stdin=line)
    assert b'"z":18446744073709551616,' in done.stdout
    assert b'"x":1e400,"e":"\\u00e9"' in done.stdout


def test_verified_rows_pass_through() -> None:
    first, _ = verify([row("5", boxed("5"), boxed("6"))])
    first[0]["verdicts"] = ["error", "error"]
    again, _ = verify(first)
    assert again == first
    for options in (["--overwrite"], ["--timeout", "1.5"], ["--answers", "box"]):
        assert verify(first, *options)[0][0]["verdicts"] == ["correct", "wrong"]


def test_a_new_generation_or_gold_is_verified_again() -> None:
    (first,), _ = verify([row("5", boxed("5"))])
    more = {**first, "generations": [boxed("5"), boxed("4")]}
    other = {**first, "answer": "6"}
    out, _ = verify([more, other])
    assert [each["verdicts"] for each in out] == [["correct", "wrong"], ["wrong"]]


def test_explain_says_how_both_sides_were_read() -> None:
    _, talk = verify([row("\\frac{1}{2}", boxed("0.5"), uuid="row-1")], "--explain")
    (line,) = (line for line in talk.splitlines() if "row-1" in line)
    assert "correct" in line and "reader" in line and "1/2" in line


def test_an_answer_that_is_a_number_is_a_reference_and_stays_a_number(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    answers = ['"answer": 2', '"answer": 0.50', '"answer": 123456789012345678901', '"expected_answer": -7.0']
    boxes = ["2", "1/2", "123456789012345678901", "-7"]
    lines = [
        f'{{"problem": "p", {answer}, "generations": ["\\\\boxed{{{box}}}", "\\\\boxed{{123456789012345678900}}"]}}'
        for answer, box in zip(answers, boxes, strict=True)
    ]
    path.write_text("\n".join(lines))
    done = ok("verify", "-z", "none", path, text=True)
    for answer, line in zip(answers, done.stdout.splitlines(), strict=True):
        assert answer in line
        assert json.loads(line)["verdicts"] == ["correct", "wrong"]


@pytest.mark.parametrize("wrong", [{"generations": [5]}, {"generations": "text"}, {"answer": ["5"]}])
def test_a_row_that_cannot_be_used_is_rejected_and_the_rest_goes_on(wrong: dict[str, Any], tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    rows = [row("1", boxed("1")), {**row("2", boxed("2")), **wrong}, row("3", boxed("3"))]
    out, _ = verify(rows, "--rejects", str(rejects), status=1)
    assert [each["answer"] for each in out] == ["1", "3"]
    (reject,) = map(json.loads, rejects.read_text().splitlines())
    assert reject["stage"] == "verify" and reject["line"] == 2


def test_order_is_kept_and_hostile_answers_cost_their_own_verdict_only() -> None:
    rows = [row(str(number), boxed(str(number)), boxed("x"), id=number) for number in range(200)]
    rows[50]["generations"][1] = rows[51]["generations"][0] = HANGS
    rows[120]["generations"].append(EATS_MEMORY)
    out, _ = verify(rows, "--timeout", "1")
    assert [each["id"] for each in out] == list(range(200))
    assert out[50]["verdicts"] == ["correct", "timeout"]
    assert out[51]["verdicts"] == ["timeout", "wrong"]
    assert out[51]["extracted_answers"][0] == "9^{9^{9}}"
    assert out[120]["verdicts"] == ["correct", "wrong", "timeout"]
    rest = [each["verdicts"] for each in out if each["id"] not in (50, 51, 120)]
    assert rest == [["correct", "wrong"]] * 197


def test_a_killed_worker_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row("5", HANGS, boxed("5"), id=n)) + "\n" for n in range(4)))
    process = subprocess.Popen(
        command("verify", "-z", "none", "-j", 2, "--timeout", 2.5, path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    killed = 0
    while process.poll() is None and killed < 2:
        time.sleep(0.1)
        for child in psutil.Process(process.pid).children(recursive=True):
            if child.ppid() != process.pid and child.cpu_times().user > 0.2:
                child.send_signal(signal.SIGKILL)
                killed += 1
                break
    out = [json.loads(line) for line in process.communicate()[0].splitlines()]
    assert killed
    assert [each["id"] for each in out] == list(range(4))
    assert all(each["verdicts"][1] == "correct" for each in out)
    assert {each["verdicts"][0] for each in out} <= {"error", "timeout"}


def test_nothing_in_an_answer_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"__import__('os').system('touch {mark}')"
    answers = [code, f"$${code}$$", f"\\boxed{{{code}}}", f"\\boxed{{\\text{{{code}}}}}", f"The answer is {code}"]
    out, _ = verify([row("1", *answers), *(row(answer, "\\boxed{1}") for answer in answers)])
    assert "correct" not in {verdict for each in out for verdict in each["verdicts"]}
    assert not mark.exists()


def test_no_worker_outlives_the_command() -> None:
    process = subprocess.Popen(
        command("verify", "-z", "none", "-j", 2),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(row("5", boxed("5"))).encode() + b"\n")
    process.stdin.flush()
    assert process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    process.wait()
    assert not psutil.wait_procs(children, timeout=20)[1]


def test_the_workers_are_forked_before_the_stage_starts_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A child of a process with threads may hold a lock that nobody releases."""
    given, threads = tmp_path / "in.jsonl", []
    given.write_bytes(jsonl([row("1", "1")]))
    fork = ForkServer.fork

    def watched(*arguments: Any) -> ForkServer:
        threads.append([thread.name for thread in threading.enumerate()])
        return fork(*arguments)

    before = [thread.name for thread in threading.enumerate()]
    monkeypatch.setattr(ForkServer, "fork", watched)
    stream = StreamOptions([str(given)], str(tmp_path / "out.jsonl"), workers=1, progress=True)
    assert command_.run(VerifyOptions(), stream) == 0
    assert threads == [before]
