"""Rows into a folder that `datasets.load_dataset` and the Hub take as a dataset."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from r1tool.push.configs import Part
from r1tool.push.parquet import GROUP_BYTES, ShardWriter
from r1tool.push.provenance import Provenance
from r1tool.push.schema import Columns, arrow_row, arrow_schema
from r1tool.records.row import Row
from r1tool.records.tally import Summary

PENDING_BYTES = 2 * GROUP_BYTES
"""Of JSON in memory, however many parts there are."""
PartOf = Callable[[Row], Part | None]


@dataclass
class Survey:
    """What a first pass over the rows has found: columns of each config, rows of each part, how they came about.

    `unnamed` counts the rows of inputs that belong to no part.
    """

    columns: Columns = field(default_factory=Columns)
    rows: dict[Part, int] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)
    provenance: Provenance = field(default_factory=Provenance)
    refused: set[tuple[str | None, int]] = field(default_factory=set)
    unnamed: int = 0

    def see(self, values: Mapping[str, Any], part: Part) -> None:
        """Take in one row, as `checked_values` gives it. Raises BadRow, with nothing taken in."""
        self.summary.add(values)
        self.columns.see(part.config, values)
        self.rows[part] = self.rows.get(part, 0) + 1
        self.provenance.see(values)

    def refuse(self, row: Row) -> None:
        """Leave this row out when it comes again."""
        self.refused.add((row.input, row.line))

    @property
    def whole(self) -> bool:
        """Whether a config `all` can be the union of the others: the same columns, and more than one config."""
        configs = list(self.columns.settle().values())
        return "all" not in self.columns.names and len(configs) > 1 and all(each == configs[0] for each in configs)


def write_parquet(
    rows: Iterable[Row], part_of: PartOf, survey: Survey, folder: Path, max_bytes: int
) -> dict[Part, list[str]]:
    """Write the rows as shards under `folder`, but those the survey refused; return the paths within it, by part."""
    columns = survey.columns.settle()
    writers = {
        part: ShardWriter(folder / part.folder, part.split, arrow_schema(columns[part.config]), max_bytes)
        for part in survey.rows
    }
    for row in rows:
        part = part_of(row)
        if part is not None and (row.input, row.line) not in survey.refused:
            writers[part].write(arrow_row(row, columns[part.config]), len(row.encode()))
            if sum(writer.pending_bytes for writer in writers.values()) > PENDING_BYTES:
                max(writers.values(), key=lambda writer: writer.pending_bytes).flush()
    return {part: [path.relative_to(folder).as_posix() for path in writer.close()] for part, writer in writers.items()}
