"""Where rows go: stdout, files that appear whole, remote files, pipes and devices."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from r1tool.errors import USAGE, R1Error
from r1tool.stream.options import Compress
from r1tool.stream.writers import LineWriter, encoder

FILE_LEVEL = 3
PIPE_BYTES = 1 << 20
STDOUT = ("-", "/dev/stdout", "/dev/fd/1")


class Output(Protocol):
    """Takes lines, given without their newline. Ends with `commit`, or `abort` if not all was written.

    `abort(whole=True)` closes the stream properly where that can be seen; without it a reader is told of a cut.
    """

    is_pipe: bool

    @property
    def rows(self) -> int: ...
    def write(self, line: bytes) -> None: ...
    def flush(self) -> None: ...
    def commit(self) -> None: ...
    def abort(self, whole: bool = True) -> str | None: ...


def open_output(path: str | None, compress: Compress | None = None, level: int | None = None) -> Output:
    """The output named on the command line; None is stdout. Raises R1Error where it cannot be written."""
    try:
        if path is None or path in STDOUT:
            return OpenFile(1, compress, level)
        if "://" in path:
            return RemoteFile(path, compress or "zstd", level)
        if os.path.exists(path) and not os.path.isfile(path):
            return OpenFile(os.open(path, os.O_WRONLY | os.O_CLOEXEC), compress, level)
        _spare_journal(path)
        return RowFile(path, compress or "zstd", level)
    except OSError as error:
        raise R1Error(f"{path or 'stdout'}: cannot write: {error.strerror}") from None


def keep_apart(path: str | None, others: Iterable[str | None], option: str = "--rejects") -> None:
    """Raise R1Error where `option` names a file that the command reads or writes for something else."""
    if path is None or "://" in path or (os.path.exists(path) and not os.path.isfile(path)):
        return
    real = os.path.realpath(path)
    for other in others:
        if other is not None and "://" not in other and os.path.realpath(other) == real:
            raise R1Error(f"{option} {path}: already used as input, output or journal; name another file", USAGE)


def _spare_journal(path: str) -> None:
    """Raise R1Error where `-o` names a journal: what was paid for would be lost."""
    if os.path.isfile(path):
        from r1tool.stream.journal import HEADER

        with open(path, "rb") as file:
            if file.read(len(HEADER)) == HEADER:
                raise R1Error(f"-o {path}: this is a journal of r1tool; name another file", USAGE)


def keep_input(output: str | None, inputs: Iterable[str]) -> None:
    """Raise R1Error where `-o` names an input: what is rejected would be in neither."""
    for path in inputs:
        if output is not None and os.path.isfile(path) and os.path.isfile(output) and os.path.samefile(path, output):
            raise R1Error(
                f"-o {output}: this is also the input, and rejected rows would be lost; name another file", USAGE
            )


class OpenFile:
    """A descriptor that is open already: stored blocks into a pipe, level 3 into a file, plain text to a terminal."""

    def __init__(self, fd: int, compress: Compress | None = None, level: int | None = None) -> None:
        self._fd = fd
        mode = os.fstat(fd).st_mode
        self.is_pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        if stat.S_ISFIFO(mode):
            _enlarge_pipe(fd)
        compress = compress or ("none" if os.isatty(fd) else "zstd")
        self._writer = LineWriter(fd, encoder(compress, level or (0 if self.is_pipe else FILE_LEVEL)))
        self.write, self.flush = self._writer.write, self._writer.flush

    @property
    def rows(self) -> int:
        return self._writer.rows

    def begin(self) -> None:
        """Tell whoever reads the pipe that a writer is there."""
        if self.is_pipe:
            self._writer.begin()

    def commit(self) -> None:
        self._writer.finish()

    def abort(self, whole: bool = True) -> str | None:
        if whole:
            self._writer.finish()
        else:
            self._writer.flush()
        return None


class RowFile:
    """A file that appears whole: written as `path`.partial, synced and renamed by `commit`.

    As a context manager it commits at the end; where an exception passes, the partial file stays if it holds rows.
    Raises R1Error if another process is writing it.
    """

    is_pipe = False

    def __init__(self, path: str | os.PathLike[str], compress: Compress = "zstd", level: int | None = None) -> None:
        self.path = Path(os.path.realpath(path))
        self.partial = self.path.with_name(self.path.name + ".partial")
        self._fd = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        _lock(self._fd, self.path)
        os.ftruncate(self._fd, 0)
        self._writer = LineWriter(self._fd, encoder(compress, level or FILE_LEVEL))
        self.write, self.flush = self._writer.write, self._writer.flush

    @property
    def rows(self) -> int:
        return self._writer.rows

    def commit(self) -> None:
        """Make the file appear under its name, on the disk for good."""
        self._writer.finish()
        os.fsync(self._fd)
        self.partial.rename(self.path)
        os.close(self._fd)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def abort(self, whole: bool = True) -> str | None:
        """Leave the file under its name as it was; return the partial file's name if there are rows in it."""
        try:
            self._writer.finish()
        except OSError:
            pass  # the disk is full: what is there can be read up to the cut
        if not self.rows:
            self.partial.unlink(missing_ok=True)
        os.close(self._fd)
        return str(self.partial) if self.rows else None

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.abort() if kind else self.commit()


class RemoteFile(RowFile):
    """A file behind fsspec: written here, sent when it is whole. What is streamed there would be published in part."""

    def __init__(self, url: str, compress: Compress = "zstd", level: int | None = None) -> None:
        import tempfile

        from r1tool.stream.sources import filesystem

        self._fs, self._target = filesystem(url)
        self.url = url
        super().__init__(Path(tempfile.mkdtemp(prefix="r1tool-")) / url.rpartition("/")[2], compress, level)

    def commit(self) -> None:
        super().commit()
        try:
            self._fs.put_file(str(self.path), self._target)
        except Exception as error:
            raise R1Error(f"{self.url}: upload failed ({error}); the file is kept as {self.path}") from None
        self.path.unlink()
        self.path.parent.rmdir()

    def abort(self, whole: bool = True) -> str | None:
        kept = super().abort(whole)
        if not kept:
            self.path.parent.rmdir()
        return kept


def _lock(fd: int, path: Path) -> None:
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise R1Error(f"{path}: another process is writing this file") from None
    except OSError:
        pass  # a file system without locks


def _enlarge_pipe(fd: int) -> None:
    """Ask for a pipe of 1 MiB, so that a short stall of one side does not stop the other."""
    import fcntl

    try:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (OSError, AttributeError):
        pass
