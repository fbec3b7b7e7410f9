"""Where rows come from: files, folders, globs, stdin, Hub datasets and whatever fsspec can open."""

import glob
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r1tool.errors import USAGE, R1Error
from r1tool.stream.names import SUFFIXES, natural

STDIN = "-"


@dataclass(frozen=True)
class Source:
    """One input. `name` is what the user is told; `path` is None for stdin."""

    name: str
    path: str | None

    @property
    def is_remote(self) -> bool:
        return self.path is not None and "://" in self.path

    @property
    def is_pipe(self) -> bool:
        """A FIFO or a socket: something upstream feeds it."""
        if self.is_remote:
            return False
        try:
            mode = (os.fstat(0) if self.path is None else os.stat(self.path)).st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def expand(inputs: Iterable[str]) -> list[Source]:
    """The sources that the command line's inputs name, in order; a folder's and a glob's in natural order.

    None given: stdin, unless that is a terminal. Raises R1Error for what is not there.
    """
    inputs = list(inputs)
    if not inputs:
        if sys.stdin is None or os.isatty(0):
            raise R1Error("no input: name files, or pipe rows in; see --help", USAGE)
        inputs = [STDIN]
    return [source for text in inputs for source in _expand(text)]


def _expand(text: str) -> list[Source]:
    if text == STDIN:
        return [Source("stdin", None)]
    if text.startswith("hf://"):
        from r1tool.stream.hub import dataset_files

        return [Source(path, path) for path in dataset_files(text)]
    if "://" in text:
        return _remote(text)
    if os.path.isdir(text):
        found = [path for path in Path(text).rglob("*") if path.name.endswith(SUFFIXES) and path.is_file()]
        if not found:
            raise R1Error(f"{text}: no {', '.join(SUFFIXES)} files in this folder")
        return [Source(str(path), str(path)) for path in sorted(found, key=lambda path: natural(str(path)))]
    if os.path.exists(text):
        return [Source(text, text)]
    if glob.has_magic(text):
        if matches := sorted(glob.glob(text, recursive=True), key=natural):
            return [source for match in matches for source in _expand(match)]
        raise R1Error(f"{text}: no file matches")
    raise R1Error(f"{text}: no such file or folder")


def _remote(text: str) -> list[Source]:
    fs, path = filesystem(text)
    protocol = text.split("://", 1)[0]
    try:
        if glob.has_magic(path):
            found = fs.glob(path)
        elif fs.isdir(path):
            found = [name for name in fs.find(path) if name.endswith(SUFFIXES)]
        else:
            found = [path] if fs.exists(path) else []
    except Exception as error:  # each file system has its own
        raise R1Error(f"cannot list {text}: {type(error).__name__}: {error}".splitlines()[0]) from None
    if not found:
        raise R1Error(f"{text}: no such file or folder")
    return [Source(f"{protocol}://{name}", f"{protocol}://{name}") for name in sorted(found, key=natural)]


def filesystem(url: str) -> tuple[Any, str]:
    """fsspec's file system for `url` and the path in it. Raises R1Error where its package is missing."""
    import fsspec

    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except ImportError as error:
        reason = "this needs the package s3fs; install it with: pip install 'r1tool[s3]'"
        raise R1Error(f"{url}: {reason if url.startswith('s3://') else error}") from None
    except ValueError as error:
        raise R1Error(f"{url}: {error}") from None
