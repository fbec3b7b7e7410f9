"""The output file of an earlier run: complete rows are kept, the others are completed."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r1tool.errors import USAGE, BadRow, R1Error
from r1tool.progress import counted
from r1tool.records.ids import row_id, sample_seed
from r1tool.records.row import Row
from r1tool.sample.columns import ANSWER_OPTIONS, COUNT_OPTIONS, method, read_columns
from r1tool.sample.prompts import PromptBuilder
from r1tool.stream.journal import Journal, Key

if TYPE_CHECKING:
    from r1tool.stream.stage import Stage


class PreviousOutput:
    """What the file at `path` holds: about 80 bytes of memory per row.

    A row is complete if it was made with the same settings and lacks no generation. The generations of an incomplete
    one go into the journal, from where they are taken.
    """

    def __init__(
        self,
        path: str,
        prompts: PromptBuilder,
        model: str | None,
        journal: Journal | None,
        note: Callable[[str], None],
    ) -> None:
        self.path, self.prompts, self.model, self.journal, self.note = Path(path), prompts, model, journal, note
        self._complete: set[int] = set()
        self._incomplete: set[int] = set()
        self._copied = False
        self._seen = self._unreadable = 0
        self._told: set[str] = set()
        others = foreign = ours = 0
        for row in self._rows():
            foreign += "generations" not in row
            ours += "generations" in row
            hash_ = self._row_hash(row)
            if hash_ is None:
                continue
            made = self._provenance(row)
            others += made is None
            if made and self._is_complete(row, made):
                self._complete.add(hash_)
                continue
            self._incomplete.add(hash_)
            if made:
                self._save(row, made)
        if (foreign or self._unreadable) and not ours:
            raise R1Error(
                f"-o {path}: the file exists and was not written by r1tool sample; name another file, or give "
                "--no-resume to replace it",
                USAGE,
            )
        if others:
            self.note(f"{self.path}: {counted(others, 'row')} with other options, sampled again if still in the input")

    def still_missing(self, rows: Iterator[Row], stage: "Stage") -> Iterator[Row]:
        """The rows still to be asked for; before the first, the complete ones are copied to the stage's output."""
        for row in rows:
            hash_ = self._row_hash(row)
            if hash_ in self._complete:
                self._seen += 1
                continue
            if not self._copied:
                self._copy(stage, self._complete)
            self._incomplete.discard(hash_ or 0)
            yield row

    def finish(self, stage: "Stage") -> None:
        """Copy the incomplete rows that did not come again, or leave the file alone if nothing was missing."""
        if self._copied:
            self._copy(stage, self._incomplete)
            if (others := len(self._complete) - self._seen + len(self._incomplete)) > 0:
                self.note(f"{self.path}: kept {counted(others, 'row')} of earlier runs not in this input")
        elif self._complete:
            stage.leave_output()
            self.note(f"{self.path} is complete: nothing to do")

    def _rows(self) -> Iterator[Row]:
        from r1tool.stream.readers import lines
        from r1tool.stream.sources import Source

        if "://" in str(self.path) or not self.path.is_file():
            return
        for line in lines(Source(str(self.path), str(self.path)), self._damaged):
            try:
                yield Row.parse(line.rstrip(b"\n"))
            except BadRow:
                self._unreadable += 1

    def _damaged(self, what: str) -> None:
        if what in self._told:
            return
        self._told.add(what)
        self.note(f"{self.path}: {what}; the missing rows are sampled again")

    def _copy(self, stage: "Stage", hashes: set[int]) -> None:
        self._copied = True
        if hashes:
            for row in self._rows():
                if self._row_hash(row) in hashes:
                    stage.write(row)

    def _row_hash(self, row: Row) -> int | None:
        """Of the row's id and problem, None where it has none."""
        try:
            text = f"{row_id(row, self.prompts.options.id_field)}\0{row.get('problem')}"
        except BadRow:
            return None
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def _is_complete(self, row: Row, made: dict[str, Any]) -> bool:
        options = self.prompts.options
        if "missing" in made or _named(made, COUNT_OPTIONS) != _named(method(options), COUNT_OPTIONS):
            return False
        seeds = made.get("seeds")
        return isinstance(seeds, list) and seeds[: options.n] == self._seeds(row, options.offset, options.n)

    def _provenance(self, row: Row) -> dict[str, Any] | None:
        """How the row's generations were made, None if those asked for now would be others."""
        try:
            made: dict[str, Any] | None = row.get("sampling")
        except BadRow:
            return None
        options = self.prompts.options
        wanted = {
            "temperature": options.temperature,
            "top_p": options.top_p,
            "max_tokens": options.max_tokens,
            "template_sha": self.prompts.template_sha,
        }
        if self.model is not None:
            wanted["model"] = self.model
        if not made or any(made.get(name) != value for name, value in wanted.items()):
            return None
        return made if _named(made, ANSWER_OPTIONS) == _named(method(options), ANSWER_OPTIONS) else None

    def _seeds(self, row: Row, first: int, count: int) -> list[int]:
        options, id_ = self.prompts.options, row_id(row, self.prompts.options.id_field)
        return [sample_seed(options.seed, id_, sample) for sample in range(first, first + count)]

    def _save(self, row: Row, made: dict[str, Any]) -> None:
        """Put the generations of an incomplete row into the journal, unless they are there.

        Raises R1Error where they come before --sample-index-offset: the row would lose them.
        """
        if not self.journal or not row.get("problem"):
            return
        id_, kept = row_id(row, self.prompts.options.id_field), read_columns(row)
        first, lost = self.prompts.options.offset, made.get("missing", 0)
        if kept.keys() & set(self._seeds(row, 0, first)):
            raise R1Error(
                f"{self.path} holds generations before --sample-index-offset {first}, which would be replaced; "
                "write the new ones to another -o",
                USAGE,
            )
        for sample in range(first, first + len(kept) + (lost if isinstance(lost, int) else 0)):
            request = self.prompts.request(row["problem"], id_, sample)
            key = Key(id_, sample, self.prompts.fingerprint(request))
            generation = kept.get(request.sampling["seed"])
            if generation and key not in self.journal:
                self.journal.finish(key, generation, remember=True)


def _named(made: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: made[name] for name in names if made.get(name)}
