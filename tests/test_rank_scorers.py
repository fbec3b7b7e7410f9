"""The scorers, and what they choose."""

import pytest

from r1tool.grading.answers import group_equal
from r1tool.rank import cosine, length, majority, random, repetition
from r1tool.rank.scorer import best, candidates, record
from r1tool.records.columns import TokenCounts
from r1tool.records.row import Row


def row(*generations: str, right: list[bool] | None = None, **columns: object) -> Row:
    return Row(
        {
            "problem": "p",
            "generations": list(generations),
            "correctness_math_verify": right or [True] * len(generations),
            **columns,
        }
    )


def test_candidates_are_the_right_ones_or_all() -> None:
    ranked = row("a", "b", "c", right=[True, False, True])
    assert candidates(ranked) == [0, 2]
    assert candidates(ranked, "all") == [0, 1, 2]


def test_a_row_without_a_candidate_has_null_for_messages() -> None:
    ranked = row("a", right=[False])
    record(ranked, {"shortest": length.shortest(ranked, [])}, [])
    assert ranked["messages"] is None
    assert ranked["scores"] == {"shortest": [None]}


def test_the_next_scorer_breaks_a_tie_and_the_first_generation_the_last() -> None:
    assert best([[1.0, 1.0, 0.5], [0.0, 2.0, 9.0]], [0, 1, 2]) == 1
    assert best([[1.0, 1.0]], [0, 1]) == 0
    assert best([[None, 1.0]], [0, 1]) == 1


def test_messages_hold_the_bare_problem_and_the_chosen_generation_and_old_scores_stay() -> None:
    ranked = row("long answer", "short", scores={"reward": [1.0, 2.0]})
    record(ranked, {"shortest": length.shortest(ranked, [0, 1])}, [0, 1])
    assert [(m.role, m.content) for m in ranked["messages"]] == [("user", "p"), ("assistant", "short")]
    assert ranked["scores"] == {"reward": [1.0, 2.0], "shortest": [-11, -5]}


def test_majority_counts_equal_answers_not_equal_strings() -> None:
    ranked = row(r"\boxed{0.5}", r"\boxed{\frac{1}{2}}", r"\boxed{3}", "no answer at all")
    assert majority.score(ranked, [0, 1, 2, 3]) == [0.5, 0.5, 0.25, 0]


def test_groups_name_the_first_answer_each_equals() -> None:
    assert group_equal(["1/2", "2", "0.5", None, "2"]) == [0, 1, 0, None, 1]


def test_length_counts_tokens_where_known_else_characters() -> None:
    tokens = [TokenCounts(completion=9), TokenCounts(completion=3)]
    assert length.shortest(row("a", "bbbb", token_counts=tokens), [0, 1]) == [-9, -3]
    assert length.longest(row("a", "bbbb"), [0, 1]) == [1, 4]


def test_random_is_the_same_in_every_run_and_differs_by_seed() -> None:
    ranked = row("a", "b", "c")
    assert random.score(ranked, [0, 2], 1) == random.score(ranked, [0, 2], 1)
    assert random.score(ranked, [0, 2], 1) != random.score(ranked, [0, 2], 2)
    assert random.score(ranked, [0, 2], 1)[1] is None


@pytest.mark.parametrize(
    ("tokens", "correct", "expected"),
    [(0, True, 2.0), (14336, True, 1.0), (7168, True, 1.5), (0, False, -10.0), (14336, False, 0.0)],
)
def test_cosine_rewards_short_right_and_long_wrong_answers(tokens: int, correct: bool, expected: float) -> None:
    assert cosine.reward(tokens, correct) == pytest.approx(expected)


def test_cosine_does_not_rise_again_beyond_the_longest() -> None:
    assert cosine.reward(2 * 14336, True) == cosine.reward(14336, True)


def test_cosine_says_nothing_where_tokens_are_unknown() -> None:
    assert cosine.score(row("a"), [0]) == [None]


def test_repetition_is_zero_for_short_or_varied_text_and_near_one_for_a_loop() -> None:
    assert repetition.penalty("two words") == 0
    assert repetition.penalty("every word of this is new") == 0
    assert repetition.penalty("wait let me see " * 100) < -0.95
