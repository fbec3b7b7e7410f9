"""The one generation of a row that a selection judges it by."""

from r1tool.records.generations import chosen_index, completion_tokens, rightness
from r1tool.records.row import Row


def best_index(row: Row) -> int | None:
    """The chosen generation (`messages`), else the first right one, None where there is neither."""
    chosen = chosen_index(row)
    if chosen is not None:
        return chosen
    return next((index for index, right in enumerate(rightness(row)) if right), None)


def length(row: Row, index: int) -> int:
    """Completion tokens of a generation; its words where nobody has counted tokens."""
    tokens = completion_tokens(row)[index]
    return len(row["generations"][index].split()) if tokens is None else tokens
