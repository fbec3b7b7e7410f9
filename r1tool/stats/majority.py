"""Whether the answer most generations agree on is right."""

from collections.abc import Mapping
from typing import Any


def majority_is_right(row: Mapping[str, Any], right: list[bool | None]) -> bool | None:
    """Whether the largest group of mathematically equal `extracted_answers` holds a right generation.

    `right` has one entry a generation. Of groups of equal size the one that came first counts. None where nothing is
    known of any generation; a row where none has an answer is wrong.
    """
    from r1tool.grading import equal

    if not any(each is not None for each in right):
        return None
    groups: list[tuple[str, list[bool | None]]] = []
    for answer, verdict in zip(row.get("extracted_answers") or [], right, strict=False):
        if answer is None:
            continue
        for first, verdicts in groups:
            if first == answer or equal(first, answer):
                verdicts.append(verdict)
                break
        else:
            groups.append((answer, [verdict]))
    largest: list[bool | None] = max((verdicts for _, verdicts in groups), key=len, default=[])
    return True in largest
