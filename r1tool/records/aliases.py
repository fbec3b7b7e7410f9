"""The column names of other datasets, understood on reading: s1K, OpenThoughts, Stratos, SYNTHETIC-1, chats."""

from typing import Any

from r1tool.records.row import Row
from r1tool.records.think import CLOSE, OPEN

PROBLEM = ("question", "prompt", "instruction", "input")
BENCHMARK_PROBLEM = ("problem", "question", "question_content", *PROBLEM[1:])
"""Columns a benchmark keeps its problems in, in any case; the first that is there is taken."""
ANSWER = ("gold", "expected_answer", "ground_truth", "final_answer")
SOLUTION = ("gold_standard_solution", "ground_truth_solution", "reference_solution")
GENERATION = ("llm_response", "generation", "response", "output")
THOUGHT_AND_ATTEMPT = (
    ("deepseek_thinking_trajectory", "deepseek_attempt"),
    ("gemini_thinking_trajectory", "gemini_attempt"),
    ("deepseek_reasoning", "deepseek_solution"),
    ("thinking_trajectories", "attempt"),
)
STRATOS_TAGS = (
    ("<|begin_of_thought|>", OPEN),
    ("<|end_of_thought|>", CLOSE),
    ("<|begin_of_solution|>", ""),
    ("<|end_of_solution|>", ""),
)


def adopt(row: Row) -> Row:
    """Give `row` the columns problem, answer, solution and generations where only an alias holds them; return it.

    The alias columns stay.
    """
    if "problem" not in row or row["problem"] is None:
        _take_problem(row)
    if "generations" not in row:
        _take_generations(row)
    if "answer" not in row:
        text = _first_text(row, ANSWER) or next((row.digits(name) for name in ANSWER if name in row), None)
        if text is not None:
            row["answer"] = text
    if "solution" not in row and (text := _first_text(row, SOLUTION)) is not None:
        row["solution"] = text
    return row


def _take_problem(row: Row) -> None:
    problem = _first_text(row, PROBLEM)
    if problem is None:
        problem = next((content for role, content in _turns(row) if role in ("user", "human")), None)
    if problem is not None:
        row["problem"] = problem


def _take_generations(row: Row) -> None:
    for thought_name, attempt_name in THOUGHT_AND_ATTEMPT:
        thought, attempt = row.get(thought_name), row.get(attempt_name)
        thought = thought[0] if isinstance(thought, list) and thought else thought
        if isinstance(thought, str) and isinstance(attempt, str):
            row["generations"] = [f"{OPEN}\n{thought.strip()}\n{CLOSE}\n\n{attempt.strip()}"]
            return
    text = _first_text(row, GENERATION)
    if text is None:
        text = next((content for role, content in _turns(row) if role in ("assistant", "gpt")), None)
    if text is not None:
        for tag, ours in STRATOS_TAGS:
            text = text.replace(tag, ours)
        row["generations"] = [text.strip()]


def _first_text(row: Row, names: tuple[str, ...]) -> str | None:
    return next((value for name in names if name in row and isinstance(value := row[name], str)), None)


def _turns(row: Row) -> list[tuple[str, str]]:
    """Role and content of each turn, in OpenAI's form or in ShareGPT's (from, value)."""
    turns: list[tuple[str, str]] = []
    for name in ("messages", "conversations", "prompt"):
        value: Any = row.get(name)
        for turn in value if isinstance(value, list) else []:
            if isinstance(turn, dict):
                role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
            else:
                role, content = getattr(turn, "role", None), getattr(turn, "content", None)
            if isinstance(role, str) and isinstance(content, str):
                turns.append((role, content))
    return turns
