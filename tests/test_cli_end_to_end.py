"""The main job on the real embedded model, and rows of the data sets it is about, through the real commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness.cli import R1TOOL, clean_environment
from harness.rows import read_rows

from r1tool.records.columns import COLUMNS, Sampling, Verification


def shell(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a pipeline as a user would type it; the status is that of the first stage that failed."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script.replace("r1tool ", f"{R1TOOL} ")],
        cwd=folder,
        capture_output=True,
        text=True,
        env=clean_environment() | environment,
        check=False,
    )


def through(command: str, row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One row through a filter."""
    (folder / "row.jsonl").write_text(json.dumps(row) + "\n")
    done = shell(f"r1tool {command} -z none row.jsonl", folder)
    assert done.returncode == 0, done.stderr
    out: dict[str, Any] = json.loads(done.stdout)
    return out


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the main job: 12 problems, 2 generations each, on the embedded model."""
    folder = tmp_path_factory.mktemp("demo")
    done = shell(
        "r1tool sample --demo 12 -n 2 --engine embedded | r1tool verify | r1tool judge --engine embedded"
        " | r1tool rank --by majority | r1tool split -d out/ && r1tool push out/ ./dataset",
        folder,
    )
    assert done.returncode == 0, done.stderr
    assert "demonstration model" in done.stderr
    return folder


def test_the_main_job_gives_right_and_wrong_answers(demo: Path) -> None:
    done = shell("r1tool stats --json out/*.jsonl.zst", demo)
    assert done.returncode == 0, done.stderr
    stats = json.loads(done.stdout)
    assert (stats["rows"], stats["generations"]) == (12, 24)
    assert 0 < stats["correct_math_verify"] < 24
    assert stats["verdicts"]["correct"] + stats["verdicts"]["wrong"] + stats["verdicts"]["no_answer"] == 24
    assert stats["tokens"]["mean"] > 5


def test_every_row_tells_where_it_came_from_and_what_was_chosen(demo: Path) -> None:
    for row in read_rows(demo / "out/default.jsonl.zst"):
        assert row["sampling"]["engine"] == "embedded"
        assert len(set(row["sampling"]["seeds"])) == 2
        assert row["correctness_math_verify"] == [verdict == "correct" for verdict in row["verdicts"]]
        right = [
            text
            for text, by_rule, by_judge in zip(
                row["generations"],
                row["correctness_math_verify"],
                row["correctness_llama"] or [None, None],
                strict=True,
            )
            if by_rule or by_judge
        ]
        assert row["correctness_count"] == len(right)
        if right:
            assert row["messages"][0] == {"role": "user", "content": row["problem"]}
            assert row["messages"][1]["content"] in right
        else:
            assert row["messages"] is None


def test_every_column_of_the_main_job_is_in_the_registry(demo: Path) -> None:
    registered = {column.name for column in COLUMNS}
    for row in read_rows(demo / "out/default.jsonl.zst"):
        assert set(row) <= registered
        assert set(row["sampling"]) >= set(Sampling.__annotations__)
        assert set(row["verification"]) == set(Verification.__annotations__)


def test_the_published_folder_loads_offline(demo: Path) -> None:
    code = "import datasets; print(len(datasets.load_dataset('./dataset', split='train')))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=demo,
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(demo / "hf")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 12


OPENR1 = {
    "problem": "What is $\\frac{1}{2} + \\frac{1}{2}$?",
    "solution": "It is $1$.",
    "answer": "1",
    "problem_type": "Algebra",
    "question_type": "math-word-problem",
    "source": "cn_contest",
    "uuid": "8f0b1e22-6c2e-5f70-a44f-0f9d5e1c9b31",
    "is_reasoning_complete": [True, True, False],
    "generations": [
        "<think>\nHalf and half.\n</think>\n\nThe answer is \\boxed{1}.",
        "<think>\nHm.\n</think>\n\n\\boxed{\\text{one whole}}",
        "<think>\nI keep thinking",
    ],
    "correctness_math_verify": [True, False, False],
    "correctness_llama": None,
    "finish_reasons": None,
    "correctness_count": 1,
    "messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "<think>\n…"}],
}


@pytest.mark.parametrize("command", ["split --by source", "rank --by shortest", "verify"])
def test_a_row_of_openr1_math_goes_through_and_keeps_its_columns(command: str, tmp_path: Path) -> None:
    out = through(command, OPENR1, tmp_path)
    assert list(out)[: len(OPENR1)] == list(OPENR1)
    written = {
        "split --by source": set(),
        "rank --by shortest": {"messages"},
        "verify": {"correctness_math_verify", "correctness_count"},
    }
    for name in set(OPENR1) - written[command]:
        assert out[name] == OPENR1[name]


def test_a_row_of_openr1_math_survives_split_and_push_unchanged(tmp_path: Path) -> None:
    (tmp_path / "default.jsonl").write_text(json.dumps(OPENR1) + "\n")
    assert shell("r1tool push default.jsonl ./ds", tmp_path).returncode == 0
    done = shell("r1tool split --by source -z none ds", tmp_path)
    assert done.returncode == 0, done.stderr
    back = json.loads(done.stdout.splitlines()[0])
    assert {name: back[name] for name in OPENR1} == OPENR1


def test_verify_agrees_with_what_openr1_published(tmp_path: Path) -> None:
    out = through("verify", OPENR1, tmp_path)
    assert out["verdicts"] == ["correct", "wrong", "no_answer"]
    assert out["correctness_math_verify"] == OPENR1["correctness_math_verify"]


NUMINA = {
    "problem": "Prove that $2$ is even.",
    "solution": "$2 = 2 \\cdot 1$.",
    "answer": "proof",
    "problem_type": "Number Theory",
    "question_type": "proof",
    "problem_is_valid": "Yes",
    "solution_is_valid": "Yes",
    "source": "olympiads",
    "synthetic": False,
}


@pytest.mark.parametrize("answer", ["proof", "notfound", "", None])
def test_a_numina_row_without_a_checkable_answer_is_not_called_wrong(answer: str | None, tmp_path: Path) -> None:
    generations = ["<think>\neven\n</think>\n\n\\boxed{proof}"]
    out = through("verify", {**NUMINA, "answer": answer, "generations": generations}, tmp_path)
    assert out["verdicts"] == ["gold_unparsable"]
    assert out["problem_is_valid"] == "Yes"
    assert out["synthetic"] is False


def test_a_numina_row_has_an_id_that_does_not_depend_on_its_place(tmp_path: Path) -> None:
    """rank's random scores derive from the id alone."""
    scores = []
    for order in ("ab", "ba"):
        lines = [json.dumps({**NUMINA, "problem": text, "generations": ["\\boxed{1}"]}) for text in order]
        (tmp_path / "rows.jsonl").write_text("\n".join(lines))
        done = shell("r1tool rank --by random --among all -z none rows.jsonl", tmp_path)
        assert done.returncode == 0, done.stderr
        scores.append({row["problem"]: row["scores"]["random"] for row in map(json.loads, done.stdout.splitlines())})
    assert scores[0] == scores[1]
    assert scores[0]["a"] != scores[0]["b"]


def test_a_numina_row_is_asked_with_r1s_instruction_and_no_system_message(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(NUMINA) + "\n")
    done = shell("r1tool sample --dry-run --url http://127.0.0.1:9 rows.jsonl", tmp_path)
    assert done.returncode == 0, done.stderr
    asked = done.stdout + done.stderr
    assert "Please reason step by step, and put your final answer within" in asked
    assert NUMINA["problem"] in asked
    assert "system" not in asked
