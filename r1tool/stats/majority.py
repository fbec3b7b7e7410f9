"""Whether the answer most generations agree on is right."""

from collections import Counter
from collections.abc import Mapping
from typing import Any


def majority_is_right(row: Mapping[str, Any], right: list[bool | None]) -> bool | None:
    """Whether the largest group of mathematically equal `extracted_answers` holds a right generation.

    `right` has one entry for each generation. Of groups of equal size the one that came first counts. None where
    nothing is known of any generation; a row where none has an answer is wrong.
    """
    from r1tool.grading.answers import group_equal

    if not any(each is not None for each in right):
        return None
    problem = row.get("problem")
    groups = group_equal(row.get("extracted_answers") or [], problem if isinstance(problem, str) else None)
    sizes = Counter(group for group in groups if group is not None)
    if not sizes:
        return False
    [(largest, _)] = sizes.most_common(1)
    return any(group == largest and verdict is True for group, verdict in zip(groups, right, strict=False))
