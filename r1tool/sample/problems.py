"""Which column of a row is its problem."""

from collections.abc import Iterator

from r1tool.errors import BadRow
from r1tool.records.row import Row


def name_problem(rows: Iterator[Row], column: str | None) -> Iterator[Row]:
    """The rows, each with `column`, which --problem-field names, as its `problem`."""
    for row in rows:
        if column is not None and column in row:
            row["problem"] = row[column]
        yield row


def problem_of(row: Row, column: str | None) -> str:
    """The problem of a row that `name_problem` has passed. Raises BadRow where there is none."""
    if column is not None and column not in row:
        raise BadRow(f"no column {column!r}, given as --problem-field")
    problem = row.get("problem")
    if not isinstance(problem, str) or not problem.strip():
        raise BadRow("the row has no problem")
    return problem
