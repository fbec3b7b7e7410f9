"""The id of a row: what resuming and seeds go by."""

import hashlib
from uuid import UUID, uuid5

from r1tool.errors import BadRow
from r1tool.records.row import Row

NAMESPACE = UUID("6f1d2c0e-8a53-5f0b-9c55-3a0c8a7a2b11")
"""Of r1tool's own version-5 UUIDs, whose name is the normalised problem."""


def problem_uuid(problem: str) -> str:
    """A version-5 UUID of the problem, its runs of white space made one space."""
    return str(uuid5(NAMESPACE, " ".join(problem.split())))


def row_id(row: Row, id_field: str | None = None) -> str:
    """The value of `id_field`, else `uuid`, else the uuid5 of the problem. Raises BadRow where there is none."""
    if id_field is not None:
        value = row.get(id_field)
        if value is None or value == "":
            raise BadRow(f"no column {id_field!r} to identify the row")
        return str(value)
    if given := row.get("uuid"):
        return str(given)
    if problem := row.get("problem"):
        return problem_uuid(problem)
    raise BadRow("the row has no problem")


def sample_seed(seed: int, id_: str, index: int) -> int:
    """The seed of one request: the first 4 bytes of sha256("seed:id:index"), below 2^31."""
    digest = hashlib.sha256(f"{seed}:{id_}:{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
