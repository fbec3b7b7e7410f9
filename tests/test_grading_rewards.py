"""Reward functions as TRL calls them."""

from r1tool.rewards import correctness, think_format

RIGHT, WRONG = "<think>\na\n</think>\n\n\\boxed{0.5}", "<think>\na\n</think>\n\n\\boxed{2}"


def test_a_right_answer_is_worth_one_and_a_gold_nobody_can_check_nothing_at_all() -> None:
    golds = ["\\frac{1}{2}", "\\frac{1}{2}", "proof"]
    assert correctness([RIGHT, WRONG, RIGHT], answer=golds, prompts=["p"] * 3, source=["x"] * 3) == [1.0, 0.0, None]


def test_a_conversation_is_its_last_message() -> None:
    chat = [[{"role": "assistant", "content": RIGHT}]]
    assert correctness(chat, answer=["1/2"]) == [1.0]
    assert think_format(chat) == [1.0]


def test_the_problem_gives_a_letter_its_value() -> None:
    assert correctness([RIGHT], answer=["B"], problem=["(A) $2$ (B) $\\frac{1}{2}$"]) == [1.0]


def test_the_form_is_one_closed_thought_and_an_answer() -> None:
    texts = [RIGHT, "\\boxed{1}", "<think>a", "<think>a</think>", "<think>a</think>b</think>c", "b<think>a</think>c"]
    assert think_format(texts) == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
