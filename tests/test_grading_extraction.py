"""Where the answer of a generation is found."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1tool.grading import extract, grade

FOUND = [
    (r"<think>\boxed{1}</think> So \boxed{2}.", "2"),
    (r"first \boxed{1}, then \boxed{2}", "2"),
    (r"\boxed{1}, \boxed{2}", "1, 2"),
    (r"first \boxed{1}. But no: \boxed{2}", "2"),
    (r"$\boxed{-2}$ and $\boxed{1}$", "-2, 1"),
    (r"$$\boxed{k = 45} \quad \text{and} \quad \boxed{n = 2}$$", "k = 45, n = 2"),
    (r"\boxed{4}. Check: \boxed{4}", "4"),
    (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
    (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    (r"\boxed{\left\{ x \mid x > 1 \right\}}", r"\left\{ x \mid x > 1 \right\}"),
    (r"\boxed {5}", "5"),
    (r"\boxed 5", "5"),
    (r"\fbox{5}", "5"),
    (r"\boxed{}, rather \boxed{3}", "3"),
    (r"\boxed{\text{(C)}}", r"\text{(C)}"),
    ("<think>\na\n</think>\n\nThe answer is 5.", "5"),
    ("The final answer is $\\frac{1}{2}$. I hope it is correct.", r"\frac{1}{2}"),
    ("The answer is: 3.5", "3.5"),
    ("the answer is (B).", "(B)"),
    ("**Answer:** 42", "42"),
    ("5 * 3 = 15\n#### 15", "15"),
    ("She has 12 left.\nA: 12", "12"),
    ("所以答案是：5。", "5"),
    ("因此，最终答案为 $2\\sqrt{3}$。", r"2\sqrt{3}"),
    ("Thus $x = 3$, so $y = 4$.", "y = 4"),
    ("It costs 3 dollars, 5 in all, with tax 6.", "6"),
    ("The total is therefore $28$ percent of it all, as we saw.", r"28 \%"),
    ("x = 3", "x = 3"),
    (r"<think>…so \boxed{15}.\n</think>\n\nFirst, we compute the amount of", "15"),
]

NOTHING = [
    "",
    "<think>\nstill thinking, \\boxed{3}",
    "<think>\\boxed{3}</think>",
    "<think>\\boxed{3}</think>\n\n",
    r"\boxed{}",
    "I do not know.\nSorry.",
]

HOSTILE = [
    "\\boxed{" * 20_000,
    "\\boxed{9" * 20_000,
    "\\boxed{9} " * 20_000,
    "{" * 200_000,
    "\\boxed{" + "{" * 100_000 + "}" * 100_000,
    "$ " * 100_000,
    "\\[ x " * 40_000,
    "answer: " * 30_000,
    "the answer is " * 20_000,
    "1 " * 100_000,
    "((((" * 50_000,
    "\\frac{1}$" * 20_000,
    "答案是" * 30_000,
    "1+-" * 60_000,
    "\\\\" * 100_000,
    "\\boxed{1} and " * 20_000,
]


@pytest.mark.parametrize(("generation", "answer"), FOUND)
def test_the_answer_is_found(generation: str, answer: str) -> None:
    assert extract(generation) == answer


@pytest.mark.parametrize("generation", NOTHING)
def test_there_is_no_answer(generation: str) -> None:
    assert extract(generation) is None


@pytest.mark.parametrize("generation", ["The answer is 5.", "$5$", "5", "<think>\\boxed{5}</think> It is 5."])
def test_box_only_never_falls_back(generation: str) -> None:
    assert extract(generation, "box") is None


@pytest.mark.parametrize("generation", HOSTILE, ids=lambda text: text[:12])
def test_long_hostile_text_is_read_to_its_end(generation: str) -> None:
    """Hundreds of thousands of characters: anything worse than linear would not come back."""
    assert grade("42", generation).outcome in ("wrong", "no_answer")
    assert grade("42", f"<think>{generation}</think> \\boxed{{42}}").outcome == "correct"


braced = st.recursive(
    st.text("abc12+ ", max_size=5),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        inner.map(lambda text: "{" + text + "}"),
        inner.map(lambda text: r"\{" + text + r"\}"),
    ),
    max_leaves=8,
)


@given(st.text(max_size=50), braced, st.text("abc. \n", max_size=30))
def test_braces_are_matched(before: str, content: str, after: str) -> None:
    """Whatever stands in a box comes out of it, whatever stands around it."""
    before = re.sub(r"\\|boxed|</?think>|[,;、，和或与&]|and|or", "", before) + ". "
    expected = content.strip() or None
    found = extract(f"{before}\\boxed{{{content}}}{after}", "box")
    assert found == expected


@given(st.text(max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    found = extract(text)
    assert found is None or found.strip()


@settings(deadline=None)
@given(st.text("\\boxed{}$ answer is 12<>think/.\n，答案是", max_size=200))
def test_anything_like_a_generation_can_be_graded(text: str) -> None:
    assert grade("12345", text).outcome in ("wrong", "no_answer", "correct")
