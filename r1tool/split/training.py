"""Rows in the shapes TRL's trainers read: conversations, preferences, unpaired preferences, prompts."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from r1tool.errors import BadRow
from r1tool.records.generations import completeness, has_reference, rightness
from r1tool.records.row import Row
from r1tool.split.trace import best_index

Shape = Literal["rows", "sft", "dpo", "kto", "grpo"]
KEPT = ("uuid", "source")
"""Columns that stay beside the trainer's own, to find the row again."""


def shaped(shape: Shape) -> Callable[[Row], Iterator[Row]]:
    """The function from a row to its rows of this shape: none where it holds nothing to train on.

    rows: the row itself. sft: `messages`, with the chosen or else the first right generation. dpo: `prompt`,
    `chosen`, `rejected`, the same against the first wrong one, a complete one if there is any. kto: one row a decided
    generation, `prompt`, `completion`, `label`. grpo: `prompt`, `answer`, and `solution` with the answer boxed, as
    TRL's accuracy_reward wants it. A generation nobody has decided on is never taken for wrong. The functions raise
    BadRow for a row without a problem.
    """
    return {"rows": _rows, "sft": _sft, "dpo": _dpo, "kto": _kto, "grpo": _grpo}[shape]


def _rows(row: Row) -> Iterator[Row]:
    yield row


def _sft(row: Row) -> Iterator[Row]:
    if row.get("messages"):
        yield _row(row, messages=row["messages"])
    elif (chosen := best_index(row)) is not None:
        yield _row(row, messages=[*_prompt(row), _answer(row, chosen)])


def _dpo(row: Row) -> Iterator[Row]:
    chosen = best_index(row)
    complete = completeness(row)
    wrong = [index for index, right in enumerate(rightness(row)) if right is False]
    wrong.sort(key=lambda index: not complete[index])
    if chosen is not None and wrong:
        yield _row(row, prompt=_prompt(row), chosen=[_answer(row, chosen)], rejected=[_answer(row, wrong[0])])


def _kto(row: Row) -> Iterator[Row]:
    for index, right in enumerate(rightness(row)):
        if right is not None:
            yield _row(row, prompt=_prompt(row), completion=[_answer(row, index)], label=right)


def _grpo(row: Row) -> Iterator[Row]:
    answer = row.get("answer")
    if has_reference(answer):
        yield _row(row, prompt=_prompt(row), answer=answer, solution=rf"\boxed{{{answer}}}")


def _prompt(row: Row) -> list[dict[str, str]]:
    if not row.get("problem"):
        raise BadRow("the row has no problem")
    return [{"role": "user", "content": row["problem"]}]


def _answer(row: Row, index: int) -> dict[str, str]:
    return {"role": "assistant", "content": row["generations"][index]}


def _row(row: Row, **columns: Any) -> Row:
    return Row({**{name: row[name] for name in KEPT if name in row}, **columns})
