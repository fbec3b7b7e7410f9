"""stats: what is counted, and how it is shown."""

import json
from collections import Counter
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import zstandard
from harness.cli import ok, run
from harness.rows import trace, write_rows
from hypothesis import given
from hypothesis import strategies as st

from r1tool.errors import BadRow
from r1tool.records.columns import OPINIONS, OUTCOMES
from r1tool.records.report import mean_pass_at, pass_at_k, percentile, report
from r1tool.records.tally import Summary
from r1tool.stats import count
from r1tool.stats.majority import majority_is_right
from r1tool.stats.text import WIDTH, to_text
from r1tool.stream.sources import Source

KEYS = [
    "rows",
    "rows_correct_any",
    "generations",
    "verdicts",
    "judge_verdicts",
    "correct_any",
    "correct_math_verify",
    "correct_llama",
    "truncated",
    "complete",
    "tokens",
    "gpu_hours",
    "sources",
]


def judged(verdict: str) -> dict[str, Any]:
    return {"verdict": verdict, "votes": None, "explanation": None}


ROWS = [
    trace(1, ["correct", "wrong"], sampling={"gpu_seconds": 1800}),
    trace(2, ["wrong", "wrong"], correctness_llama=[True, None], judge_verdicts=[judged("EQUIVALENT"), None]),
    trace(3, ["no_answer"], source="cn_k12", finish_reasons=["length"], is_reasoning_complete=[False]),
    trace(4, ["gold_unparsable", "timeout"], source=None, sampling={"gpu_seconds": 1800}),
]


def stats(*arguments: object, rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    text = "".join(json.dumps(row) + "\n" for row in ROWS if rows is None or row in rows).encode()
    done = ok("stats", "--json", *arguments, stdin=text)
    assert done.stdout.endswith(b"}\n")
    assert done.stdout.count(b"\n") == 1
    return dict(json.loads(done.stdout))


def summary(rows: list[dict[str, Any]], by: str | None = None) -> Summary:
    counted = Summary(by)
    for row in rows:
        counted.add(row)
    return counted


def test_json_has_the_agreed_keys_and_counts() -> None:
    told = stats()
    assert sorted(told) == sorted(KEYS)
    assert (told["rows"], told["rows_correct_any"], told["generations"]) == (4, 2, 7)
    assert told["verdicts"] == {
        "correct": 1,
        "wrong": 3,
        "no_answer": 1,
        "gold_unparsable": 1,
        "timeout": 1,
        "error": 0,
    }
    assert told["judge_verdicts"] == {"EQUIVALENT": 1, "DIFFERENT": 0, "AMBIGUOUS": 0, "UNPARSABLE": 0}
    assert (told["correct_any"], told["correct_math_verify"], told["correct_llama"]) == (2, 1, 1)
    assert (told["truncated"], told["complete"]) == (1, 6)
    assert told["tokens"] == {"mean": 1000 / 7, "p50": 100, "p90": 200, "p99": 200, "max": 200, "share_over_8k": 0}
    assert told["gpu_hours"] == 1
    assert {name: each["rows"] for name, each in told["sources"].items()} == {"olympiads": 2, "cn_k12": 1, "none": 1}
    assert told["sources"]["olympiads"]["correct_any"] == 2


def test_nothing_gives_zeros() -> None:
    done = ok("stats", "--json", "--pass-at", "1", "--majority", "--gpus", "8")
    told = json.loads(done.stdout)
    assert (told["rows"], told["generations"], told["gpu_hours"], told["sources"]) == (0, 0, 0, {})
    assert told["verdicts"] == dict.fromkeys(OUTCOMES, 0)
    assert told["judge_verdicts"] == dict.fromkeys(OPINIONS, 0)
    assert told["tokens"] == {"mean": 0, "p50": 0, "p90": 0, "p99": 0, "max": 0, "share_over_8k": 0}
    assert told["pass_at"] == {"1": None}
    assert ok("stats").stdout.startswith(b"rows                            0\n")


def test_generations_that_nobody_looked_at_are_counted_by_their_texts() -> None:
    text = b'{"problem":"p","generations":["a","b"]}\n{"question":"q","llm_response":"c"}\n{"problem":"r"}\n'
    told = json.loads(ok("stats", "--json", stdin=text).stdout)
    assert (told["rows"], told["generations"], told["complete"]) == (3, 3, 0)


def test_by_counts_every_value_of_a_column_apart() -> None:
    told = stats("--by", "answer")
    assert {name: each["generations"] for name, each in told["by"]["answer"].items()} == {
        "2": 2,
        "4": 2,
        "6": 1,
        "8": 2,
    }


def test_gpus_give_hours_and_the_rate_of_one_gpu() -> None:
    told = stats("--gpus", "4")
    assert (told["hours"], told["generations_per_hour_per_gpu"]) == (0.25, 7)


def brute_force(n: int, c: int, k: int) -> Fraction:
    draws = list(combinations([True] * c + [False] * (n - c), k))
    return Fraction(sum(map(any, draws)), len(draws))


@given(st.integers(1, 8), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    assert pass_at_k(n, c, k) == pytest.approx(float(brute_force(n, c, k)))


def test_a_row_with_fewer_than_k_generations_is_left_out_and_not_wrong() -> None:
    told = stats("--pass-at", "1,2,4")
    assert told["pass_at"] == {"1": pytest.approx((0.5 + 0.5 + 0) / 3), "2": 1.0, "4": None}
    assert told["pass_at_left_out"] == {"1": 1, "2": 2, "4": 4}
    assert mean_pass_at(Counter({(4, 4): 1, (1, 0): 99}), 4) == 1.0


@pytest.mark.parametrize("text", ["0", "x", "1,,2", "-1", ""])
def test_pass_at_wants_whole_numbers(text: str) -> None:
    assert run("stats", "--pass-at", text).returncode == 2


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.sampled_from([0, 25, 50, 90, 99, 100]))
def test_percentiles_are_those_of_statistics(numbers: list[int], share: int) -> None:
    numbers.sort()
    position = Fraction(len(numbers) - 1) * share / 100
    low = numbers[int(position)]
    high = numbers[min(int(position) + 1, len(numbers) - 1)]
    expected = low + (high - low) * (position - int(position))
    assert percentile(Counter(numbers), share) == pytest.approx(float(expected))


def test_majority_is_by_mathematical_equality() -> None:
    right = [False, True, True, False]
    assert majority_is_right({"extracted_answers": ["3", r"\frac{1}{2}", "0.5", "4"]}, right) is True
    assert majority_is_right({"extracted_answers": ["3", "3", "0.5", None]}, [False, False, True, False]) is False
    assert majority_is_right({"extracted_answers": [None]}, [False]) is False
    assert majority_is_right({"extracted_answers": ["3"]}, [None]) is None
    assert stats("--majority", rows=[ROWS[0]])["majority"] == 0.0


def test_majority_leaves_undecided_rows_out() -> None:
    rows = [trace(1, ["correct"], extracted_answers=["2"]), trace(2, ["timeout"], extracted_answers=["4"])]
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert json.loads(ok("stats", "--json", "--majority", stdin=text).stdout)["majority"] == 1.0


@given(st.lists(st.sampled_from(range(len(ROWS))), max_size=12), st.integers(0, 12))
def test_parts_add_up_to_the_whole(numbers: list[int], cut: int) -> None:
    rows = [ROWS[number] for number in numbers]
    parts = summary(rows[:cut], "answer")
    parts.merge(summary(rows[cut:], "answer"))
    assert report(parts, (1, 2), True) == report(summary(rows, "answer"), (1, 2), True)


def test_files_counted_in_processes_give_the_same_as_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "FORK_BYTES", 0)
    paths = [write_rows(tmp_path / f"{number}.jsonl.zst", ROWS * number) for number in range(1, 5)]
    together = Summary()
    seen = []
    for counted in count.count_all([Source(str(path), str(path)) for path in paths], workers=2):
        together.merge(counted.summary)
        seen.append((Path(counted.source.name).name, counted.rows))
    assert sorted(seen) == [(f"{number}.jsonl.zst", 4 * number) for number in range(1, 5)]
    assert report(together) == report(summary(ROWS * 10))


def test_generations_full_of_brackets_and_quotes_do_not_mislead_it(tmp_path: Path) -> None:
    odd = ['"],', '"}]', '\\"],"verdicts":["wrong"', "\\", ']}"generations":[', "\u2028", '{"a":[']
    rows = [trace(i, ["correct", "wrong"], generations=[text, text], messages=[]) for i, text in enumerate(odd)]
    told = json.loads(ok("stats", "--json", write_rows(tmp_path / "in.jsonl", rows)).stdout)
    assert (told["rows"], told["verdicts"]["correct"], told["verdicts"]["wrong"]) == (7, 7, 7)


BAD = [
    {"verdicts": 5},
    {"verdicts": [5]},
    {"token_counts": [{"completion": "many"}]},
    {"token_counts": [{}]},
    {"judge_verdicts": ["EQUIVALENT"]},
    {"sampling": 5},
    {"finish_reasons": "stop"},
]


@pytest.mark.parametrize("bad", BAD)
def test_a_row_of_a_wrong_type_is_not_counted_at_all(bad: dict[str, Any]) -> None:
    counted = Summary()
    with pytest.raises(BadRow):
        counted.add({**ROWS[0], **bad})
    assert report(counted) == report(Summary())


def test_bad_rows_are_told_and_the_others_counted(tmp_path: Path) -> None:
    lines = [json.dumps(ROWS[0]), "nonsense", "", json.dumps({**ROWS[0], "verdicts": 5}), json.dumps(ROWS[1])]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(lines))
    done = run("stats", "--json", path)
    assert (done.returncode, json.loads(done.stdout)["rows"]) == (1, 2)
    assert b"2 rows could not be counted, the first in line 2" in done.stderr
    done = run("stats", "--json", path, "--rejects", tmp_path / "bad.jsonl")
    assert (done.returncode, json.loads(done.stdout)["rows"]) == (1, 2)
    assert [json.loads(line)["line"] for line in (tmp_path / "bad.jsonl").read_text().splitlines()] == [2, 4]
    assert run("stats", "--strict", path).stdout == b""
    assert json.loads(ok("stats", "--json", "--limit", 1, path).stdout)["rows"] == 1
    path.write_text(json.dumps(ROWS[0]) + "\n{")
    done = run("stats", path)
    assert b"in.jsonl: 1 row could not be counted, the first in line 2: not JSON: " in done.stderr


def test_a_number_beyond_a_double_does_not_keep_a_row_from_being_counted(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(ROWS[0])[:-1] + ', "big": 1e400}\n')
    assert json.loads(ok("stats", "--json", tmp_path / "in.jsonl").stdout)["rows"] == 1


def test_a_truncated_file_is_counted_up_to_the_cut_and_told(tmp_path: Path) -> None:
    text = "".join(json.dumps(row) + "\n" for row in ROWS * 500).encode()
    (tmp_path / "cut.jsonl.zst").write_bytes(zstandard.compress(text)[:-20])
    done = run("stats", "--json", tmp_path / "cut.jsonl.zst")
    assert done.returncode == 1
    assert b"cut.jsonl.zst: truncated" in done.stderr
    assert json.loads(done.stdout)["rows"] > 0


def test_the_table_reads_well_at_80_columns() -> None:
    big = [
        {
            **row,
            "source": "a source with a very long name indeed, far too long",
            "token_counts": [{"completion": 10**6}],
        }
        for row in ROWS
    ]
    counted = summary([*big, *({**ROWS[0], "source": f"source {n}"} for n in range(40))], "source")
    text = to_text(report(counted, (1, 64), True, 512))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "… and 21 more" in text


def test_the_table_says_what_was_found() -> None:
    done = ok("stats", "--pass-at", "2", stdin="".join(json.dumps(row) + "\n" for row in ROWS).encode())
    lines = [" ".join(line.split()) for line in done.stdout.decode().splitlines()]
    for line in (
        "rows 4",
        "with a right answer 2 50.0%",
        "generations 7 1.8 per row",
        "right 2 28.6% by the rules 1, by the judge 1",
        "truncated 1 14.3%",
        "gold_unparsable 1 14.3%",
        "equivalent 1 100.0%",
        "pass@2 100.0% 2 rows with fewer than 2 left out",
        "olympiads 2 100.0% 4 50.0% 150",
    ):
        assert line in lines


def test_charts_are_drawn_and_the_same_rows_give_the_same_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = write_rows(tmp_path / "in.jsonl", ROWS)
    ok("stats", path, "--plot", tmp_path / "a.svg")
    ok("stats", path, "--plot", tmp_path / "b.svg")
    ok("stats", "--plot", tmp_path / "empty.png")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()
    assert (tmp_path / "empty.png").read_bytes().startswith(b"\x89PNG")
    assert b"the name of a plot" in run("stats", "--plot", tmp_path / "a.jpeg").stderr


def test_the_page_needs_nothing_else_and_escapes_names(tmp_path: Path) -> None:
    rows = [{**row, "source": "<script>alert(1)</script>"} for row in ROWS]
    path = write_rows(tmp_path / "in.jsonl", rows)
    ok("stats", path, "--html", tmp_path / "page.html", "--pass-at", "1", "--by", "answer")
    page = (tmp_path / "page.html").read_text()
    assert '<td>rows</td><td class="n">4</td>' in page
    assert "<script" not in page
    assert "http" not in page
    assert '<td>pass@1</td><td class="n">33.3%</td>' in page
    ok("stats", "--html", tmp_path / "empty.html")
    assert "</html>" in (tmp_path / "empty.html").read_text()
