"""Journals and outputs that r1tool wrote at f305dfa are resumed, and what they hold is asked for of nobody.

fixtures/old_journals holds the files, and make.py, which made them with that r1tool and the fake server of its tests.
"""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from harness.cli import run
from harness.fake_openai import Running, pieces
from harness.rows import seeds

from r1tool.client.generation import Generation

OLD = Path(__file__).parent / "fixtures" / "old_journals"
SERVER: dict[str, Any] = {"engine": "vllm", "opens": True, "thinking": 40}
BEHIND_URL = ["--url", "http://127.0.0.1:9", "-m", "fake"]
"""Nobody is there: a run that has nothing to ask does not mind."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def test_a_complete_output_is_left_as_it_is(old: Path) -> None:
    done = run("sample", old / "problems.jsonl", "-o", old / "complete.jsonl", "--compress", "none", *BEHIND_URL)
    assert done.returncode == 0 and b"is complete: nothing to do" in done.stderr, done.stderr
    assert (old / "complete.jsonl").read_bytes() == (OLD / "complete.jsonl").read_bytes()


def test_a_complete_journal_makes_the_same_output_again(old: Path) -> None:
    (old / "complete.jsonl").unlink()
    done = run("sample", old / "problems.jsonl", "-o", old / "complete.jsonl", "--compress", "none", *BEHIND_URL)
    assert done.returncode == 0, done.stderr
    assert by_problem(old / "complete.jsonl") == by_problem(OLD / "complete.jsonl")
    assert (old / "complete.jsonl.journal").read_bytes() == (OLD / "complete.jsonl.journal").read_bytes()


@pytest.mark.parametrize("name", ["complete", "begun", "budget"])
def test_a_generation_is_kept_in_the_same_bytes(name: str) -> None:
    for line in (OLD / f"{name}.jsonl.journal").read_bytes().splitlines()[1:]:
        if b'"done":' in line:
            done = line[line.index(b'"done":') + len(b'"done":') : -1]
            assert msgspec.json.encode(msgspec.json.decode(done, type=Generation)) == done


def test_of_a_partial_output_only_the_missing_row_is_asked_for(old: Path) -> None:
    out, before = old / "partial.jsonl", by_problem(OLD / "partial.jsonl")
    with Running(**SERVER) as server:
        done = run("sample", old / "problems.jsonl", "-o", out, "--compress", "none", "--url", server.url)
        assert done.returncode == 0, done.stderr
        rows = by_problem(out)
        assert len(rows) == 3 and {problem: rows[problem] for problem in before} == before
        (missing,) = (rows[problem] for problem in rows.keys() - before.keys())
        assert set(map(int, server.counters["started"])) == set(seeds(missing, 2))


@pytest.mark.parametrize("name", ["begun", "budget"])
def test_a_finished_generation_is_taken_and_a_begun_one_continued(old: Path, name: str) -> None:
    method = ["--thinking-budget", 60, "--wait", 1] if name == "budget" else []
    finished, begun = kept(OLD / f"{name}.jsonl.journal")
    with Running(**SERVER) as server:
        out = old / f"{name}.jsonl"
        given = [old / "problems.jsonl", "--limit", 1, "--url", server.url, "-o", out, "--compress", "none"]
        done = run("sample", *given, *method)
        assert done.returncode == 0, done.stderr
        assert f"{len(begun)} continued from earlier runs".encode() in done.stderr
        (row,) = read(out)
        bodies, made = server.counters["bodies"], server.counters["tokens"]
    for index, text in enumerate(row["generations"]):
        if index in finished:
            assert text == finished[index]
        else:
            assert text.startswith("<think>\n" + begun[index].removeprefix("\n"))
            if not method:
                assert text == "<think>\n" + server.text(seeds(row, 2)[index]).removeprefix("\n")
                assert made == len(pieces(server.text(seeds(row, 2)[index]))) - len(pieces(begun[index]))
    asked = {body["seed"] for body in bodies if "seed" in body}
    assert asked == {seeds(row, 2)[index] for index in begun}
    assert all("messages" not in body for body in bodies if "seed" in body), "asked from the start again"


def test_a_verdict_of_the_judge_is_not_asked_for_again(old: Path) -> None:
    out = old / "verdicts.jsonl"
    given = [old / "judged.jsonl", "-o", out, "--compress", "none", *BEHIND_URL]
    done = run("judge", *given)
    assert done.returncode == 0 and b"asked about 0 generations, 2 taken from the journal" in done.stderr, done.stderr
    assert [row["correctness_llama"] for row in read(out)] == [[True], [True]]


def read(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def by_problem(path: Path) -> dict[str, dict[str, Any]]:
    return {row["problem"]: row for row in read(path)}


def kept(journal: Path) -> tuple[dict[int, str], dict[int, str]]:
    """Finished texts and partial ones, by sample."""
    finished: dict[int, str] = {}
    begun: dict[int, str] = {}
    for line in journal.read_bytes().splitlines()[1:]:
        record = orjson.loads(line)
        if "done" in record:
            finished[record["sample"]] = record["done"]["text"]
        else:
            so_far = begun.get(record["sample"], "") if record.get("at") else ""
            begun[record["sample"]] = so_far + record["text"]
    return finished, {sample: text for sample, text in begun.items() if sample not in finished}
