"""What a row is: aliases, think tags, ids, correctness."""

import pytest

from r1tool.errors import BadRow
from r1tool.records.aliases import adopt
from r1tool.records.generations import right, set_correctness_count
from r1tool.records.ids import problem_uuid, row_id, sample_seed
from r1tool.records.row import Row
from r1tool.records.think import is_complete, restore, split


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\na\n</think>\n\nb", "a", "b"),
        ("a\n</think>\nb", "a", "b"),
        ("<think>only", "only", ""),
        ("plain", "", "plain"),
        ("<think>quotes </think> inside</think>c", "quotes </think> inside", "c"),
    ],
)
def test_the_answer_is_what_follows_the_last_closing_tag(text: str, thought: str, answer: str) -> None:
    assert split(text) == (thought, answer)


def test_a_think_tag_the_template_had_swallowed_is_restored() -> None:
    assert restore("so\n</think>\n\n4").startswith("<think>\nso")
    assert restore("so far", opened=True) == "<think>\nso far"
    assert restore("4", "so") == "<think>\nso\n</think>\n\n4"
    assert restore("", "so") == "<think>\nso"
    assert restore("<think>so</think>4") == "<think>so</think>4"
    assert restore("just 4") == "just 4"


@pytest.mark.parametrize(
    ("text", "finish", "complete"),
    [
        ("<think>a</think>b", "stop", True),
        ("<think>a</think>b", "length", False),
        ("<think>a</think>", "stop", False),
        ("<think>a", "stop", False),
        ("b", "stop", True),
        ("b", None, True),
    ],
)
def test_reasoning_is_complete_when_closed_answered_and_stopped(text: str, finish: str | None, complete: bool) -> None:
    assert is_complete(text, finish) is complete


def test_an_id_is_the_uuid_or_the_uuid5_of_the_problem_whatever_its_white_space() -> None:
    assert row_id(Row({"uuid": "u", "problem": "p"})) == "u"
    assert row_id(Row({"problem": "a  b\n"})) == row_id(Row({"problem": " a b"})) == problem_uuid("a b")
    assert row_id(Row({"problem": "p", "n": 7}), "n") == "7"


@pytest.mark.parametrize("columns", [{}, {"problem": ""}, {"problem": None, "uuid": ""}])
def test_rows_without_an_id_do_not_share_one(columns: dict[str, object]) -> None:
    with pytest.raises(BadRow):
        row_id(Row(columns))
    with pytest.raises(BadRow):
        row_id(Row({"problem": "p"}), "missing")


def test_a_seed_follows_from_run_row_and_sample() -> None:
    assert sample_seed(0, "id", 0) == 1108651730
    assert len({sample_seed(s, i, k) for s in (0, 1) for i in ("a", "b") for k in (0, 1)}) == 8
    assert 0 <= sample_seed(3, "x", 9) < 2**31


@pytest.mark.parametrize(
    ("columns", "problem", "generation"),
    [
        ({"question": "q", "thinking_trajectories": ["t"], "attempt": "a"}, "q", "<think>\nt\n</think>\n\na"),
        (
            {"question": "q", "deepseek_thinking_trajectory": "t", "deepseek_attempt": "a"},
            "q",
            "<think>\nt\n</think>\n\na",
        ),
        ({"problem": "p", "deepseek_reasoning": "t", "deepseek_solution": "a"}, "p", "<think>\nt\n</think>\n\na"),
        ({"prompt": "q", "llm_response": "<think>t</think>a"}, "q", "<think>t</think>a"),
        (
            {
                "conversations": [
                    {"from": "user", "value": "q"},
                    {"from": "assistant", "value": "<|begin_of_thought|>t<|end_of_thought|><|begin_of_solution|>a"},
                ]
            },
            "q",
            "<think>t</think>a",
        ),
        (
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
            "q",
            "a",
        ),
    ],
)
def test_rows_of_other_data_sets_are_understood(columns: dict[str, object], problem: str, generation: str) -> None:
    row = adopt(Row(columns))
    assert (row["problem"], row["generations"]) == (problem, [generation])
    assert set(columns) <= set(row)


def test_a_generation_is_right_by_the_rules_or_by_the_judge() -> None:
    row = Row({"generations": ["a", "b", "c"], "correctness_math_verify": [True, False, False]})
    row["correctness_llama"] = [None, True, False]
    assert right(row) == [True, True, False]
    set_correctness_count(row)
    assert row["correctness_count"] == 2
    assert right(Row({"generations": ["a"]})) == [False]
    assert right(Row({})) == []


def test_lists_that_do_not_fit_the_generations_are_a_bad_row() -> None:
    with pytest.raises(BadRow, match="correctness_math_verify"):
        right(Row({"generations": ["a", "b"], "correctness_math_verify": [True]}))


def test_known_columns_are_checked_and_unknown_ones_pass() -> None:
    row = Row.parse(b'{"generations": "not a list", "anything": "not a list"}')
    with pytest.raises(BadRow, match="generations"):
        row["generations"]
    assert row["anything"] == "not a list"
