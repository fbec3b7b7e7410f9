"""split: which rows are kept, where they go, in which shape."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.cli import ok, run
from harness.rows import read_rows, trace, write_rows
from hypothesis import given
from hypothesis import strategies as st

from r1tool.errors import BadRow, R1Error
from r1tool.records.generations import chosen_index, completeness
from r1tool.records.row import Row
from r1tool.split import folder
from r1tool.split.decontaminate import uncontaminated
from r1tool.split.deduplicate import first_seen
from r1tool.split.options import SplitOptions
from r1tool.split.parts import draw, parse_shares
from r1tool.split.rules import keep, pass_rate, pass_rate_between
from r1tool.split.run import Splitter
from r1tool.split.run import split as split_rows
from r1tool.split.training import shaped

PROBLEM = "Find the least positive integer n such that n squared ends in the digits 2024 please"


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["uuid"] for row in rows]


def split(rows: list[dict[str, Any]], *options: object, at: Path) -> list[dict[str, Any]]:
    return read_rows(ok("split", write_rows(at / "in.jsonl.zst", rows), *options).stdout)


def test_sources_go_to_default_and_extended_as_in_openr1_math(tmp_path: Path) -> None:
    sources = ["olympiads", "cn_k12", "demo/add", None, "orca_math", "aops_forum"]
    rows = [trace(i, ["correct"], source=source) for i, source in enumerate(sources)]
    ok("split", write_rows(tmp_path / "in.jsonl", rows), "-d", tmp_path / "out")
    assert ids(read_rows(tmp_path / "out/default.jsonl.zst")) == ["id-0", "id-2", "id-3", "id-5"]
    assert ids(read_rows(tmp_path / "out/extended.jsonl.zst")) == ["id-1", "id-4"]
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["default.jsonl.zst", "extended.jsonl.zst"]


def test_only_writes_one_name_to_stdout_and_no_name_makes_a_filter(tmp_path: Path) -> None:
    rows = [trace(i, ["correct"], source=source) for i, source in enumerate(["olympiads", "cn_k12"])]
    assert ids(split(rows, "--only", "extended", at=tmp_path)) == ["id-1"]
    assert ids(split(rows, at=tmp_path)) == ["id-0", "id-1"]


def test_rows_that_are_kept_keep_their_bytes(tmp_path: Path) -> None:
    line = b'{"uuid":"a",  "problem":"x", "big":18446744073709551616, "far":1e400, "generations":["\\u00e9"]}\n'
    done = ok("split", stdin=line, R1TOOL_COMPRESS="none")
    assert done.stdout == line


def test_a_column_names_the_files_and_its_values_cannot_leave_the_folder(tmp_path: Path) -> None:
    values = ["Algebra", "../up", "demo/add", None, "a/b", "a_b"]
    rows = [trace(i, ["correct"], problem_type=value) for i, value in enumerate(values)]
    ok("split", write_rows(tmp_path / "in.jsonl", rows), "--by", "problem_type", "-d", tmp_path / "out/deep")
    found = {path.name: ids(read_rows(path)) for path in (tmp_path / "out/deep").iterdir()}
    assert sorted(each for names in found.values() for each in names) == [f"id-{i}" for i in range(6)]
    assert found["Algebra.jsonl.zst"] == ["id-0"]
    assert found["none.jsonl.zst"] == ["id-3"]
    assert len(found) == 6
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["deep"]


def test_a_column_with_endless_values_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    with pytest.raises(R1Error, match="split by another column"), folder.Folder(tmp_path / "out") as out:
        for number in range(4):
            out.write(str(number), b"{}")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_that_stops_leaves_the_files_as_they_were_and_its_rows_beside_them(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ok("split", "-d", out, stdin=json.dumps(trace(1, ["correct"])).encode())
    done = run("split", "--strict", "-d", out, stdin=json.dumps(trace(2, ["correct"])).encode() + b"\nnonsense\n")
    assert done.returncode == 1
    assert ids(read_rows(out / "default.jsonl.zst")) == ["id-1"]
    assert ids(read_rows(out / "default.jsonl.zst.partial")) == ["id-2"]


def test_a_long_name_is_cut_to_what_a_file_can_have(tmp_path: Path) -> None:
    with folder.Folder(tmp_path) as out:
        for name in ("数" * 200, "数" * 201, "." * 9, ""):
            out.write(name, b"{}")
        assert len(out.commit()) == 4


def test_a_file_of_an_earlier_run_is_pointed_out(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", [trace(1, ["correct"])])
    ok("split", path, "--by", "problem_type", "-d", tmp_path / "out")
    assert b"this run did not write: Algebra.jsonl.zst" in ok("split", path, "-d", tmp_path / "out").stderr


@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.integers(0, 5))
def test_a_row_stays_in_its_part_however_rows_are_ordered(names: list[str], seed: int) -> None:
    shares = parse_shares("train=0.5,test=0.3")
    first = {name: draw(shares, name, seed) for name in names}
    assert first == {name: draw(shares, name, seed) for name in reversed(names)}


def test_fractions_have_their_sizes_and_depend_on_the_seed() -> None:
    shares = parse_shares("train=0.9,test=0.05")
    drawn = [draw(shares, str(i)) for i in range(20_000)]
    assert drawn.count("train") == pytest.approx(18_000, abs=200)
    assert drawn.count("test") == pytest.approx(1000, abs=150)
    assert drawn.count(None) == pytest.approx(1000, abs=150)
    assert drawn != [draw(shares, str(i), seed=1) for i in range(20_000)]


@pytest.mark.parametrize("text", ["", "train", "train=x", "train=0", "train=-1", "a=0.6,b=0.6", "a=0.1,a=0.2", "=0.5"])
def test_fractions_that_make_no_sense_are_a_usage_error(text: str) -> None:
    with pytest.raises(R1Error) as error:
        parse_shares(text)
    assert error.value.status == 2


def test_fractions_sort_the_rows_of_two_shards_alike(tmp_path: Path) -> None:
    rows = [trace(i, ["correct"]) for i in range(60)]
    options = ("--fraction", "train=0.7,test=0.3", "--seed", "7", "--only", "test")
    whole = ids(split(rows, *options, at=tmp_path))
    halves = ids(split(rows[30:], *options, at=tmp_path)) + ids(split(rows[:30], *options, at=tmp_path))
    assert sorted(whole) == sorted(halves)
    assert 5 < len(whole) < 35


@pytest.mark.parametrize(
    ("which", "kept"),
    [
        ("any-correct", ["right", "mixed", "rescued"]),
        ("all-correct", ["right"]),
        ("none-correct", ["wrong"]),
        ("verified", ["right", "mixed"]),
        ("judged", ["rescued"]),
        ("complete", ["right", "mixed", "wrong", "rescued", "unknown"]),
    ],
)
def test_keep_goes_by_what_is_known(tmp_path: Path, which: str, kept: list[str]) -> None:
    rows = [
        trace(1, ["correct", "correct"], uuid="right"),
        trace(2, ["correct", "wrong"], uuid="mixed"),
        trace(3, ["wrong", "no_answer"], uuid="wrong"),
        trace(4, ["wrong", "wrong"], uuid="rescued", correctness_llama=[True, None]),
        trace(5, ["timeout", "gold_unparsable"], uuid="unknown"),
        trace(6, ["wrong"], uuid="cut", is_reasoning_complete=[False])
        | {"verdicts": None}
        | {"correctness_math_verify": None},
        {"problem": "p", "uuid": "fresh"},
    ]
    assert ids(split(rows, "--keep", which, at=tmp_path)) == kept


def test_a_timeout_or_an_unreadable_gold_is_not_held_against_a_generation() -> None:
    assert keep("none-correct")(Row(trace(1, ["timeout", "wrong"]))) is None
    assert keep("none-correct")(Row(trace(1, ["timeout", "gold_unparsable", "error"]))) == "not none-correct"
    assert pass_rate(Row(trace(1, ["correct", "timeout", "wrong", "gold_unparsable"]))) == 0.5
    assert pass_rate(Row(trace(1, ["error"]))) is None


def test_rows_of_openr1_math_without_verdicts_and_reasons_are_understood() -> None:
    row = trace(1, ["correct", "wrong"], correctness_llama=None, finish_reasons=None, is_reasoning_complete=None)
    del row["verdicts"]
    assert pass_rate(Row(row)) == 0.5
    assert completeness(Row(row)) == [True, True]


def test_the_pass_rate_lies_strictly_between_its_bounds(tmp_path: Path) -> None:
    rows = [trace(n, ["correct"] * n + ["wrong"] * (10 - n)) for n in range(11)]
    assert ids(split(rows, "--pass-rate", "0.1:0.9", at=tmp_path)) == [f"id-{n}" for n in range(2, 9)]
    assert ids(split(rows, "--pass-rate", ":0.2", at=tmp_path)) == ["id-0", "id-1"]
    assert pass_rate_between(0, 1)(Row({"problem": "p"})) == "no pass rate"


@pytest.mark.parametrize("text", ["0.5", "0.9:0.1", "a:b", "0.1:0.1"])
def test_a_pass_rate_that_makes_no_sense_is_a_usage_error(text: str) -> None:
    assert run("split", "--pass-rate", text, stdin=b"{}").returncode == 2


def test_max_tokens_looks_at_the_chosen_generation_else_at_all(tmp_path: Path) -> None:
    row = trace(1, ["correct", "correct"], uuid="all")
    chosen = [{"role": "user", "content": "p"}, {"role": "assistant", "content": row["generations"][0]}]
    rows = [row, {**row, "uuid": "chosen", "messages": chosen}, {"problem": "p", "uuid": "uncounted"}]
    assert ids(split(rows, "--max-tokens", 150, at=tmp_path)) == ["chosen"]
    assert ids(split(rows, "--max-tokens", 200, at=tmp_path)) == ["all", "chosen"]


def test_the_chosen_generation_is_found_by_its_text() -> None:
    row = trace(1, ["correct", "correct"])
    row["messages"] = [{"role": "user", "content": "p"}, {"role": "assistant", "content": row["generations"][1]}]
    assert chosen_index(Row.parse(json.dumps(row).encode())) == 1


def test_a_shared_8_gram_is_contamination_whatever_case_and_white_space() -> None:
    rule = uncontaminated([("bench", [PROBLEM])])
    words = PROBLEM.split()
    assert rule(Row({"problem": "Well,  " + "\n ".join(words[3:11]).upper() + " so"})) == "in bench"
    assert rule(Row({"problem": " ".join(words[3:10])})) is None
    assert rule(Row({"problem": " ".join([*words[:7], "odd", *words[8:15]])})) is None
    assert uncontaminated([("bench", [PROBLEM])], 7)(Row({"problem": " ".join(words[3:10])})) == "in bench"


def test_punctuation_is_not_normalised_away() -> None:
    rule = uncontaminated([("bench", ["a b c d e f g h"])])
    assert rule(Row({"problem": "a b c, d e f g h"})) is None


def test_benchmarks_are_read_from_files_of_several_layouts(tmp_path: Path) -> None:
    gpqa = write_rows(tmp_path / "gpqa.jsonl", [{"Question": PROBLEM, "answer": "1"}])
    rows = [{"problem": PROBLEM, "uuid": "seen"}, {"problem": "Another problem", "uuid": "new"}]
    done = ok("split", write_rows(tmp_path / "in.jsonl", rows), "--decontaminate", gpqa)
    assert ids(read_rows(done.stdout)) == ["new"]
    assert b"dropped 1 (in " in done.stderr
    odd = write_rows(tmp_path / "odd.jsonl", [{"text": PROBLEM}])
    assert b"no column of problems found" in run("split", "--decontaminate", odd, stdin=b"{}").stderr


def test_the_first_row_of_a_problem_stays() -> None:
    rule = first_seen("exact")
    problems = ["What is  2+2?", "what is 2+2?", "What is 2+3?"]
    assert [rule(Row({"problem": problem})) for problem in problems] == [None, "duplicate", None]


def test_near_duplicates_differ_in_words_but_not_in_numbers() -> None:
    rule = first_seen("near")
    long = "Anna has 12 apples and gives 5 of them to her brother who already had 7 pears in his basket at home today"
    assert rule(Row({"problem": long})) is None
    assert rule(Row({"problem": long.replace("today", "now")})) == "near-duplicate"
    assert rule(Row({"problem": long.replace("12", "13")})) is None
    assert rule(Row({"problem": "Find all primes p such that p + 2 is prime too."})) is None


def test_a_duplicate_does_not_hide_a_row_that_passes_the_other_rules(tmp_path: Path) -> None:
    rows = [
        trace(1, ["wrong"], uuid="first"),
        trace(1, ["correct"], uuid="second"),
        trace(1, ["correct"], uuid="third"),
    ]
    done = ok("split", write_rows(tmp_path / "in.jsonl", rows), "--keep", "any-correct", "--dedup", "exact")
    assert ids(read_rows(done.stdout)) == ["second"]
    assert b"1 (not any-correct)" in done.stderr
    assert b"1 (duplicate)" in done.stderr


def test_sft_takes_the_chosen_generation_else_the_first_right_one(tmp_path: Path) -> None:
    row = trace(1, ["wrong", "correct", "correct"], uuid="a")
    messages = [{"role": "user", "content": row["problem"]}, {"role": "assistant", "content": row["generations"][2]}]
    rows = [row, {**row, "uuid": "b", "messages": messages}, trace(2, ["wrong"], uuid="c")]
    made = split(rows, "--as", "sft", at=tmp_path)
    assert [(each["uuid"], each["messages"][1]["content"]) for each in made] == [
        ("a", row["generations"][1]),
        ("b", row["generations"][2]),
    ]
    assert made[0]["messages"][0] == {"role": "user", "content": row["problem"]}


def test_dpo_pairs_a_right_generation_with_a_wrong_and_complete_one() -> None:
    row = trace(1, ["wrong", "timeout", "wrong", "correct"], is_reasoning_complete=[False, True, True, True])
    [made] = shaped("dpo")(Row(row))
    assert made["chosen"] == [{"role": "assistant", "content": row["generations"][3]}]
    assert made["rejected"] == [{"role": "assistant", "content": row["generations"][2]}]
    assert list(shaped("dpo")(Row(trace(1, ["correct", "timeout"])))) == []


def test_kto_labels_every_decided_generation() -> None:
    row = trace(1, ["correct", "timeout", "wrong", "wrong"], correctness_llama=[None, None, None, True])
    made = [(each["completion"][0]["content"], each["label"]) for each in shaped("kto")(Row(row))]
    assert made == [(row["generations"][0], True), (row["generations"][2], False), (row["generations"][3], True)]


def test_grpo_boxes_the_answer_and_leaves_out_rows_without_one() -> None:
    [made] = shaped("grpo")(Row(trace(1, [])))
    assert (made["answer"], made["solution"]) == ("2", r"\boxed{2}")
    assert made["prompt"] == [{"role": "user", "content": "What is 1 plus 1?"}]
    for nothing in ("proof", "notfound", " ", None):
        assert list(shaped("grpo")(Row(trace(1, [], answer=nothing)))) == []


def select(rows: list[dict[str, Any]], *options: object) -> list[str]:
    return ids(read_rows(ok("split", *options, stdin="".join(json.dumps(row) + "\n" for row in rows).encode()).stdout))


def test_s1k_draws_evenly_over_fields_and_likes_long_traces() -> None:
    rows = [
        trace(i, ["correct"], problem_type=field, token_counts=[{"completion": i}])
        for field, numbers in (("Algebra", range(300)), ("Geometry", range(300, 310)))
        for i in numbers
    ]
    chosen = select(rows, "--select", "s1k", "--size", 20)
    assert len(chosen) == 20
    assert len([each for each in chosen if int(each[3:]) >= 300]) >= 5
    assert all(int(each[3:]) >= 280 for each in chosen)
    assert chosen == sorted(chosen, key=lambda each: int(each[3:]))
    assert sorted(select(rows[::-1], "--select", "s1k", "--size", 20)) == sorted(chosen)
    assert select(rows, "--select", "s1k", "--size", 20, "--seed", 1) != chosen


def test_s1k_leaves_out_problems_that_refer_to_what_is_not_there() -> None:
    problems = [
        "[asy]draw();[/asy] What is x?",
        "See ![Image](a.png)",
        "p1. One. p2. Two.",
        "**12.** What is 2**3?",
        "Fine",
    ]
    rows = [trace(i, ["correct"], problem=problem) for i, problem in enumerate(problems)]
    assert select([*rows, trace(9, ["wrong"])], "--select", "s1k") == ["id-4"]


def test_limo_takes_traces_that_verify_explore_and_connect() -> None:
    texts = [
        "one two three four",
        "let me check and verify this",
        "perhaps it might be so",
        "therefore x since y is z",
    ]
    rows = [trace(i, ["correct"], generations=[text]) for i, text in enumerate(texts)]
    assert sorted(select(rows, "--select", "limo", "--size", 3)) == ["id-1", "id-2", "id-3"]
    rows[0]["token_counts"] = [{"completion": 10**5}]
    assert "id-0" in select(rows, "--select", "limo", "--size", 1)


def test_a_selection_larger_than_what_there_is_takes_all() -> None:
    rows = [trace(i, ["correct"]) for i in range(5)]
    assert len(select(rows, "--select", "s1k")) == len(select(rows, "--select", "limo")) == 5
    assert select([], "--select", "limo") == []


def test_a_bad_row_is_rejected_and_the_others_go_on(tmp_path: Path) -> None:
    lines = [json.dumps(trace(1, ["correct"])), "not json", json.dumps({**trace(2, ["correct"]), "verdicts": 5})]
    done = run("split", "--keep", "any-correct", "--rejects", tmp_path / "bad.jsonl", stdin="\n".join(lines).encode())
    assert done.returncode == 1
    assert ids(read_rows(done.stdout)) == ["id-1"]
    assert [json.loads(line)["line"] for line in (tmp_path / "bad.jsonl").read_text().splitlines()] == [2, 3]


@pytest.mark.parametrize(
    "options",
    [
        ("-d", "out", "--only", "default"),
        ("-d", "out", "-o", "file"),
        ("--by", "source_", "--fraction", "a=1"),
        ("--keep", "nothing"),
        ("--max-tokens", "0"),
        ("--size", "5"),
    ],
)
def test_options_that_contradict_each_other_are_a_usage_error(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run("split", write_rows(tmp_path / "in.jsonl", [trace(1, [])]), *options)
    assert (done.returncode, done.stdout) == (2, b"")


def test_rows_without_a_problem_are_rejected_where_a_trainer_needs_one(tmp_path: Path) -> None:
    rows = [{"answer": "3"}, {"problem": "p", "answer": "4"}]
    done = run("split", "--as", "grpo", "--rejects", tmp_path / "bad", write_rows(tmp_path / "in.jsonl", rows))
    assert done.returncode == 1
    assert [row["answer"] for row in read_rows(done.stdout)] == ["4"]
    assert json.loads((tmp_path / "bad").read_text())["reason"] == "the row has no problem"


def test_a_part_that_no_row_is_of_is_told_with_those_there_are(tmp_path: Path) -> None:
    done = ok("split", "--only", "nosuch", write_rows(tmp_path / "in.jsonl", [trace(0, ["correct"])]))
    assert b"no rows belong to 'nosuch'; the parts are default" in done.stderr


def test_from_python_split_gives_each_row_with_its_part_and_tells_what_it_dropped() -> None:
    rows = [Row(trace(i, ["correct" if i else "wrong"], source="cn_k12" if i == 1 else "aops")) for i in range(3)]
    splitter = Splitter(SplitOptions(keep="any-correct", only="default"))
    assert [(part, row["uuid"]) for part, row in splitter.split(rows)] == [("default", "id-2")]
    assert splitter.dropped == {"not any-correct": 1, "in other parts": 1}
    assert splitter.others == {"extended"}


def test_from_python_split_raises_on_a_row_of_wrong_type_and_on_options_that_clash() -> None:
    with pytest.raises(BadRow):
        list(split_rows([Row.parse(b'{"problem": 3}')], SplitOptions(dedup="exact")))
    with pytest.raises(R1Error):
        split_rows([], SplitOptions(size=3))
