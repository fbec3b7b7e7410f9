"""The one generation of a row that a selection judges it by."""

from r1tool.records.correctness import rightness
from r1tool.records.row import Row
from r1tool.split.rules import chosen_index


def best_index(row: Row) -> int | None:
    """The chosen generation (`messages`), else the first right one, None where there is neither."""
    chosen = chosen_index(row)
    if chosen is not None:
        return chosen
    return next((index for index, right in enumerate(rightness(row)) if right), None)


def length(row: Row, index: int) -> int:
    """Completion tokens of a generation; its words where nobody has counted tokens."""
    counts = row.get("token_counts", ())
    if index < len(counts) and counts[index] is not None and counts[index].completion is not None:
        return int(counts[index].completion)
    return len(row["generations"][index].split())
