"""A folder of row files, one a name, that all appear at the end."""

import os
import re
from pathlib import Path

from r1tool.errors import R1Error
from r1tool.stream.outputs import RowFile

SUFFIX = ".jsonl.zst"
MAX_FILES = 1000
"""Each is a file kept open; a column with more values than this is no column to split by."""

NAME_BYTES = 200
"""File systems take 255, suffix included."""


class Folder:
    """`folder/NAME.jsonl.zst` for each name written to. Names are made fit for a file: `demo/add` is `demo_add`.

    As a context manager it leaves these files as they were unless `commit` was called; the rows written so far are
    then in NAME.jsonl.zst.partial.
    """

    def __init__(self, path: str | os.PathLike[str], level: int | None = None) -> None:
        self.path = Path(path)
        self._level = level
        self._files: dict[str, RowFile] = {}
        self._committed = False
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise R1Error(f"{path}: cannot create this folder: {error.strerror}") from None

    def write(self, name: str, line: bytes) -> None:
        """Append one line, given without its newline. Raises R1Error past MAX_FILES names."""
        if name not in self._files:
            if len(self._files) == MAX_FILES:
                self._discard()
                raise R1Error(
                    f"more than {MAX_FILES} different files ({name!r} would be another): split by another column"
                )
            try:
                self._files[name] = RowFile(self.path / self._file_name(name), level=self._level)
            except OSError as error:
                raise R1Error(f"{self.path}: cannot write: {error.strerror}") from None
        self._files[name].write(line)

    def commit(self) -> dict[str, int]:
        """Let every file appear; return rows by file name."""
        for file in self._files.values():
            file.commit()
        self._committed = True
        return {file.path.name: file.rows for file in self._files.values()}

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._committed:
            for file in self._files.values():
                file.abort()

    def unmanaged_files(self) -> list[str]:
        """Row files in the folder that this run has not written: a later reader would take them in."""
        ours = {file.path.name for file in self._files.values()}
        return sorted(path.name for path in self.path.glob(f"*{SUFFIX}") if path.name not in ours)

    def _discard(self) -> None:
        for file in self._files.values():
            file.abort()
            file.partial.unlink(missing_ok=True)
        self._files.clear()

    def _file_name(self, name: str) -> str:
        base = re.sub(r"[^\w.+-]+", "_", name).lstrip(".").encode()[:NAME_BYTES].decode(errors="ignore") or "_"
        taken = {file.path.name for file in self._files.values()}
        tries = [base, *(f"{base}-{number}" for number in range(2, MAX_FILES + 2))]
        return next(f"{each}{SUFFIX}" for each in tries if f"{each}{SUFFIX}" not in taken)
