"""Every column is in the registry, and the card, the schema and the pages name all of it."""

import json
from typing import Any

import pytest
from harness.rows import trace

from r1tool.judge.questions import record as record_judged
from r1tool.manual import overview_page, row_page
from r1tool.push.card import MEANINGS
from r1tool.push.schema import KNOWN, Columns, arrow_schema
from r1tool.rank.scorer import record as record_scores
from r1tool.records.columns import ALIGNED, COLUMNS, TYPES, JudgeVerdict
from r1tool.records.row import Row
from r1tool.records.shapes import shape_of_type
from r1tool.sample.columns import SUPERSEDED
from r1tool.split.training import shaped

NAMES = [column.name for column in COLUMNS]


def test_every_column_is_there_once() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("shape", ["sft", "dpo", "kto", "grpo"])
def test_every_column_split_writes_is_registered(shape: Any) -> None:
    made = [each for given in shaped(shape)(Row(trace(1, ["correct", "wrong"]))) for each in given]
    assert made and set(made) <= set(NAMES)


def test_every_column_judge_and_rank_write_is_registered() -> None:
    row = Row({"problem": "p", "generations": ["a"]})
    record_judged(row, {0: JudgeVerdict("EQUIVALENT")})
    record_scores(row, {"shortest": [1.0]}, [0])
    assert set(row) <= set(NAMES)


@pytest.mark.parametrize("column", [column for column in COLUMNS if column.per_generation], ids=lambda each: each.name)
def test_a_column_per_generation_is_a_list(column: Any) -> None:
    assert shape_of_type(column.type)[0] == "list"


def test_the_card_the_schema_and_the_pages_name_every_column() -> None:
    page, man = row_page(), overview_page()
    for column in COLUMNS:
        assert f"| {column.name} | " in page and column.description in page
        assert f"\\fB{column.name}\\fR" in man
        assert MEANINGS[column.name]
        assert (column.name in KNOWN) is (column.name in TYPES) is column.checked


def test_what_sample_takes_away_is_all_that_spoke_of_the_old_generations() -> None:
    later = {"correctness_count", "messages", "scores", "verification"}
    assert set(SUPERSEDED) == {*ALIGNED, *later}


def test_columns_of_nulls_have_the_types_of_the_registry() -> None:
    columns = Columns()
    columns.see("default", dict.fromkeys(TYPES))
    types = {field.name: str(field.type) for field in arrow_schema(columns.settle()["default"])}
    sampling = (
        "struct<model: string, engine: string, engine_version: string, temperature: double, top_p: double, "
        "max_tokens: int64, seeds: list<item: int64>, template_sha: string, gpu_seconds: double, r1tool: string>"
    )
    votes = "struct<EQUIVALENT: int64, DIFFERENT: int64, AMBIGUOUS: int64, UNPARSABLE: int64>"
    texts, flags = "list<item: string>", "list<item: bool>"
    expected = {
        **dict.fromkeys(("problem", "solution", "answer", "problem_type", "question_type", "source"), "string"),
        "uuid": "string",
        "is_reasoning_complete": flags,
        "generations": texts,
        "correctness_math_verify": flags,
        "correctness_llama": flags,
        "finish_reasons": texts,
        "correctness_count": "int64",
        "messages": "list<item: struct<content: string, role: string>>",
        "token_counts": "list<item: struct<prompt: int64, completion: int64, thinking: int64>>",
        "sampling": sampling,
        "verdicts": texts,
        "extracted_answers": texts,
        "judge_verdicts": f"list<item: struct<verdict: string, votes: {votes}, explanation: string>>",
        "scores": "string",
        "verification": "struct<version: int64, settings: string, crc32: int64>",
    }
    assert {name: types[name] for name in expected} == expected


def test_verification_is_checked_as_the_other_columns_are() -> None:
    from r1tool.errors import BadRow

    mark = {"version": 1, "settings": "s", "crc32": 2**32 - 1, "more": None}
    assert Row.parse(json.dumps({"verification": mark}).encode())["verification"] == mark
    with pytest.raises(BadRow, match="verification"):
        Row.parse(b'{"verification":"yes"}')["verification"]
