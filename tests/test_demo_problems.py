"""The built-in problems."""

import re

from hypothesis import given
from hypothesis import strategies as st

from r1tool import demo
from r1tool.records.ids import problem_uuid


@given(st.integers(0, 2**31), st.integers(0, 60))
def test_problems_are_repeatable_and_differ_from_each_other(seed: int, n: int) -> None:
    rows = list(demo.problems(n, seed))
    assert rows == list(demo.problems(n, seed))
    assert len({row["uuid"] for row in rows}) == len({row["problem"] for row in rows}) == n


def test_problems_never_run_out() -> None:
    rows = list(demo.problems(20_000))
    assert len({row["problem"] for row in rows}) == 20_000


def test_another_seed_gives_other_problems() -> None:
    assert list(demo.problems(5, 0)) != list(demo.problems(5, 1))


@given(st.integers(0, 2**31))
def test_the_answer_is_what_the_numbers_of_the_problem_make(seed: int) -> None:
    """Computed again from the working, and boxed at the end of the solution."""
    for row in demo.problems(len(demo.SKILLS), seed):
        assert row["solution"].endswith(f"\\boxed{{{row['answer']}}}.")
        assert row["uuid"] == problem_uuid(row["problem"])
        assert row["source"].startswith("demo/")
        working = re.search(r"(\d+) ([-+*/]) (\d+) = (\d+)", row["solution"])
        assert working
        left, operator, right, result = working.groups()
        made = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "/": int.__floordiv__}[operator]
        assert made(int(left), int(right)) == int(result) == int(row["answer"])
        assert {left, right} <= set(re.findall(r"\d+", row["problem"]))


def test_the_prompt_shows_eight_examples_and_asks_for_a_ninth() -> None:
    prompt = demo.completion_prompt("What is 1 + 2?")
    assert prompt.count("\\boxed{") == 8
    assert prompt.endswith("Problem: What is 1 + 2?\nSolution:")
