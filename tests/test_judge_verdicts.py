"""The judge's prompt, its verdicts and its votes."""

import pytest

from r1tool.errors import R1Error
from r1tool.judge.prompt import check, default_template, render
from r1tool.judge.questions import record, to_ask
from r1tool.judge.verdict import combine, parse
from r1tool.records.columns import JudgeVerdict
from r1tool.records.row import Row


def test_the_prompt_shows_problem_gold_and_the_answer_without_its_thought() -> None:
    text = render(
        default_template(),
        problem="{answer} of $x^{2}$?",
        answer="\\frac{1}{2}",
        generation="<think>{problem}</think>{2}",
    )
    assert "{answer} of $x^{2}$?" in text
    assert "\\frac{1}{2}" in text
    assert "\n{2}\n" in text
    assert "(e.g., \\boxed{} vs plain text)" in text
    assert "<think>" not in text


def test_a_prompt_that_hides_the_answer_is_refused() -> None:
    assert check("{answer} {generation}")
    with pytest.raises(R1Error, match="generation"):
        check("only {answer}")


@pytest.mark.parametrize(
    ("reply", "opinion"),
    [
        ("They agree.\n\nVerdict: EQUIVALENT", "EQUIVALENT"),
        ("**Verdict:** DIFFERENT.", "DIFFERENT"),
        ("Verdict: **AMBIGUOUS**", "AMBIGUOUS"),
        ('"Verdict: EQUIVALENT" or not? No.\nVerdict: DIFFERENT', "DIFFERENT"),
        ("<think>Verdict: DIFFERENT</think>verdict: equivalent", "EQUIVALENT"),
        ('{"explanation": "same", "verdict": "EQUIVALENT"}', "EQUIVALENT"),
        ('{"explanation": "cut off', "UNPARSABLE"),
        ("Verdict: NOT EQUIVALENT", "UNPARSABLE"),
        ("I cannot tell.", "UNPARSABLE"),
        ("", "UNPARSABLE"),
    ],
)
def test_the_last_verdict_counts_and_an_unreadable_one_is_a_state_of_its_own(reply: str, opinion: str) -> None:
    assert parse(reply).verdict == opinion


def test_the_explanation_is_what_stood_before_the_verdict() -> None:
    assert parse("Both are 2.\n\n**Verdict: EQUIVALENT**").explanation == "Both are 2."


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        ("EED", "EQUIVALENT"),
        ("ED", "AMBIGUOUS"),
        ("EUU", "EQUIVALENT"),
        ("UU", "UNPARSABLE"),
        ("DDA", "DIFFERENT"),
    ],
)
def test_votes_are_counted_and_a_tie_is_ambiguous(votes: str, winner: str) -> None:
    names = {"E": "EQUIVALENT", "D": "DIFFERENT", "A": "AMBIGUOUS", "U": "UNPARSABLE"}
    verdict = combine([JudgeVerdict(names[vote]) for vote in votes])  # type: ignore[arg-type]
    assert verdict.verdict == winner
    assert verdict.votes is not None and sum(verdict.votes.values()) == len(votes)


def row(**columns: object) -> Row:
    return Row({"problem": "p", "answer": "4", **columns})


def test_only_complete_answers_the_rules_did_not_accept_are_asked_about() -> None:
    verdicts = ["wrong", "correct", "no_answer", "timeout", "error", "wrong", "gold_unparsable"]
    generations = ["<think>a</think>\\boxed{5}"] * 7
    complete = [True, True, True, True, True, False, True]
    answers = ["5", "4", None, "5", "5", "5", "5"]
    asked = row(generations=generations, verdicts=verdicts, is_reasoning_complete=complete, extracted_answers=answers)
    assert to_ask(asked) == [0, 3, 4, 6]
    assert to_ask(asked, "all") == [0, 1, 3, 4, 6]


@pytest.mark.parametrize("gold", ["", "proof", "notfound", None])
def test_without_a_gold_answer_nobody_is_asked(gold: str | None) -> None:
    asked = row(generations=["\\boxed{5}"], verdicts=["gold_unparsable"], extracted_answers=["5"])
    asked["answer"] = gold
    assert to_ask(asked, "all") == []


def test_what_was_judged_before_is_not_asked_again() -> None:
    judged = row(
        generations=["\\boxed{5}"] * 2, correctness_math_verify=[False, False], correctness_llama=[True, None]
    )
    assert to_ask(judged) == [1]


def test_verdicts_are_written_beside_the_generations_they_speak_of() -> None:
    judged = row(generations=["a", "b", "c"], correctness_math_verify=[True, False, False])
    record(judged, {1: JudgeVerdict("EQUIVALENT"), 2: JudgeVerdict("UNPARSABLE")})
    assert judged["correctness_llama"] == [None, True, None]
    assert [verdict and verdict.verdict for verdict in judged["judge_verdicts"]] == [None, "EQUIVALENT", "UNPARSABLE"]
    assert judged["correctness_count"] == 2


def test_a_row_of_which_nothing_was_asked_has_null() -> None:
    untouched = row(generations=["a"], correctness_math_verify=[True])
    record(untouched, {})
    assert untouched["correctness_llama"] is None
    assert untouched["judge_verdicts"] is None
    assert untouched["correctness_count"] == 1
