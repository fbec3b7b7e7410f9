"""The one answer to what a row says of its generations, and every command giving it."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1tool.errors import BadRow
from r1tool.grading.answers import final_answers, group_equal
from r1tool.grading.grade import is_verifiable
from r1tool.judge.questions import to_ask
from r1tool.rank import cosine, length, majority
from r1tool.records.columns import OUTCOMES
from r1tool.records.generations import (
    chosen_index,
    completeness,
    completion_tokens,
    has_reference,
    right,
    rightness,
    stored_answers,
)
from r1tool.records.row import Row
from r1tool.records.tally import Tally
from r1tool.split.rules import at_most_tokens
from r1tool.split.training import shaped
from r1tool.stats.majority import majority_is_right

COMPLETE, CUT = "<think>a</think>\\boxed{5}", "<think>a"


def row(**columns: Any) -> Row:
    return Row.parse(Row({"problem": "p", "answer": "4", **columns}).encode())


def test_tokens_are_none_where_nobody_has_counted() -> None:
    counts = [{"completion": 7}, None, {"prompt": 3}]
    assert completion_tokens(row(generations=["a", "b", "c"], token_counts=counts)) == [7, None, None]
    assert completion_tokens(row(generations=["a"], token_counts=None)) == [None]
    assert completion_tokens(row(token_counts=counts)) == [7, None, None]
    assert completion_tokens(row()) == []


def test_is_complete_what_the_row_says_else_what_the_text_shows() -> None:
    texts = [COMPLETE, CUT, COMPLETE]
    assert completeness(row(generations=texts, is_reasoning_complete=[False, True, None])) == [False, True, True]
    assert completeness(row(generations=texts, finish_reasons=["stop", "stop", "length"])) == [True, False, False]
    assert completeness(row(generations=texts, finish_reasons=[None, None, None])) == [True, False, True]
    assert completeness(row(generations=texts)) == [True, False, True]
    assert completeness(row(is_reasoning_complete=[True, None])) == [True, False]


def test_the_judge_and_split_have_one_rule_for_completeness() -> None:
    texts = [COMPLETE, CUT, COMPLETE, COMPLETE]
    given_ = row(generations=texts, finish_reasons=[None, "stop", "length", "stop"], verdicts=["wrong"] * 4)
    assert [index for index, complete in enumerate(completeness(given_)) if complete] == to_ask(given_) == [0, 3]


def test_what_verify_found_is_the_final_answer_and_no_text_is_searched_behind_it() -> None:
    texts = ["\\boxed{1}", "the answer is 2", "\\boxed{3}"]
    unverified = row(generations=texts)
    assert stored_answers(unverified) is None
    assert final_answers(unverified, [0, 2]) == ["1", "3"]
    boxed_only = row(generations=texts, extracted_answers=["1", None, "7"], verdicts=["wrong"] * 3)
    assert final_answers(boxed_only, [0, 1, 2]) == ["1", None, "7"]
    assert majority.score(boxed_only, [0, 1, 2]) == [1 / 3, 0, 1 / 3]
    assert to_ask(boxed_only) == [0, 2]


def test_the_chosen_generation_is_the_one_in_messages() -> None:
    turns = [{"role": "user", "content": "p"}, {"role": "assistant", "content": "b"}]
    assert chosen_index(row(generations=["a", "b"], messages=turns)) == 1
    assert chosen_index(row(generations=["a"], messages=turns)) is None
    assert chosen_index(row(generations=["a", "b"], messages=turns[:1])) is None
    assert chosen_index(row(generations=["a", "b"])) is None


@pytest.mark.parametrize(
    "answer", ["", " ", "proof", "Proof.", "notfound", "NotFound", "N/A", " n/a ", "$None$", None]
)
def test_a_row_without_a_reference_is_without_one_everywhere(answer: str | None) -> None:
    assert not has_reference(answer)
    assert not is_verifiable(answer)
    given_ = row(generations=[COMPLETE], answer=answer, verdicts=["gold_unparsable"])
    assert to_ask(given_, "all") == []
    assert list(shaped("grpo")(given_)) == []


@pytest.mark.parametrize("answer", ["4", "0", "none of these", "x proof", "\\varnothing"])
def test_other_answers_are_references(answer: str) -> None:
    assert has_reference(answer)


@pytest.mark.parametrize(
    "reader",
    [
        completion_tokens,
        lambda each: length.shortest(each, [0]),
        lambda each: cosine.score(each, [0]),
        at_most_tokens(9),
    ],
)
def test_token_counts_out_of_step_are_a_bad_row(reader: Any) -> None:
    with pytest.raises(BadRow, match="'token_counts' has length 1, but there are 2 generations"):
        reader(row(generations=["a", "b"], token_counts=[{"completion": 1}]))


@pytest.mark.parametrize("name", ["is_reasoning_complete", "finish_reasons", "extracted_answers"])
def test_other_lists_out_of_step_are_a_bad_row(name: str) -> None:
    value: Any = {"is_reasoning_complete": True, "finish_reasons": "stop", "extracted_answers": "5"}[name]
    given_ = row(generations=[COMPLETE] * 2, verdicts=["wrong"] * 2, **{name: [value]})
    with pytest.raises(BadRow, match=f"{name!r} has length 1, but there are 2 generations"):
        to_ask(given_)


entries = st.lists(
    st.tuples(
        st.sampled_from([*OUTCOMES, None]),
        st.sampled_from([True, False, None]),
        st.none() | st.integers(1, 10**6),
        st.sampled_from(["stop", "length", None]),
    ),
    max_size=6,
)


@given(entries, st.sets(st.sampled_from(["verdicts", "correctness_math_verify", "correctness_llama", "token_counts"])))
def test_stats_counts_what_records_say(made: list[tuple[Any, ...]], missing: set[str]) -> None:
    columns: dict[str, Any] = {
        "generations": [COMPLETE for _ in made],
        "verdicts": [verdict for verdict, *_ in made],
        "correctness_math_verify": [None if each[0] is None else each[0] == "correct" for each in made],
        "correctness_llama": [each[1] for each in made],
        "token_counts": [None if each[2] is None else {"completion": each[2]} for each in made],
        "finish_reasons": [each[3] for each in made],
    }
    columns = {name: values for name, values in columns.items() if name not in missing}
    tally, given_ = Tally(), row(**columns)
    tally.add(columns)
    known = rightness(given_)
    assert tally.tokens == Counter(count for count in completion_tokens(given_) if count is not None)
    assert tally.correct_any == known.count(True) == sum(right(given_))
    assert tally.solved == {(len(known) - known.count(None), known.count(True)): 1}


@given(st.lists(st.tuples(st.sampled_from(["1/2", "0.5", "3", "A", None]), st.booleans()), max_size=6))
def test_stats_and_rank_agree_on_the_majority(made: list[tuple[str | None, bool]]) -> None:
    problem = "Choose (A) $3$ (B) $4$"
    answers, rights = [answer for answer, _ in made], [is_right for _, is_right in made]
    texts = [f"\\boxed{{{answer}}}" for answer in answers]
    given_ = row(problem=problem, generations=texts, extracted_answers=answers)
    told = majority_is_right({"problem": problem, "extracted_answers": answers}, list(rights))
    scores = [score or 0 for score in majority.score(given_, range(len(made)))] if made else []
    if not made:
        assert told is None
        return
    first = max(range(len(made)), key=lambda index: (scores[index], -index))
    groups = group_equal(answers, problem)
    members = [index for index, group in enumerate(groups) if group == groups[first] and group is not None]
    assert told is any(rights[index] for index in members)
