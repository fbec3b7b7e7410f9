"""Lines into zstd or plain text: stored blocks into pipes, level 3 into files, each row readable at once."""

import os
import stat
import threading
import time
from pathlib import Path
from typing import Any, Literal, Protocol

from r1tool.errors import R1Error
from r1tool.stream.frames import BLOCK_BYTES, STORED_END, STORED_HEADER, stored_block

Compress = Literal["zstd", "none"]
FILE_LEVEL = 3
FRAME_ROWS = 32
FRAME_SECONDS = 10.0
BATCH_BYTES = 1024
"""Rows are gathered until they are this many bytes in all ..."""
BATCH_SECONDS = 0.02
"""... or this old."""
PIPE_BYTES = 1 << 20


class Encoder(Protocol):
    """Turns text into what is written; `end` closes the frame."""

    def block(self, text: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class Plain:
    """Text as it is."""

    def block(self, text: bytes) -> bytes:
        return text

    def end(self) -> bytes:
        return b""


class Stored:
    """zstd frames whose blocks are not compressed: as cheap as plain text, and any zstd reads them."""

    def __init__(self) -> None:
        self._open = False

    def block(self, text: bytes) -> bytes:
        parts = [] if self._open else [STORED_HEADER]
        self._open = True
        for start in range(0, len(text), BLOCK_BYTES):
            piece = text[start : start + BLOCK_BYTES]
            parts += [stored_block(len(piece)), piece]
        return b"".join(parts)

    def end(self) -> bytes:
        ended = STORED_END if self._open else b""
        self._open = False
        return ended


class Compressed:
    """zstd frames at `level`, with a checksum."""

    def __init__(self, level: int) -> None:
        import zstandard

        self._compressor = zstandard.ZstdCompressor(level=level, write_checksum=True)
        self._frame: Any = None
        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def block(self, text: bytes) -> bytes:
        if self._frame is None:
            self._frame = self._compressor.compressobj()
        return bytes(self._frame.compress(text) + self._frame.flush(self._flush))

    def end(self) -> bytes:
        if self._frame is None:
            return b""
        ended = bytes(self._frame.flush())
        self._frame = None
        return ended


class LineWriter:
    """Lines into a file descriptor. Each is readable downstream within BATCH_SECONDS; safe to use from any thread."""

    def __init__(self, fd: int, encoder: Encoder) -> None:
        self._fd = fd
        self._encoder = encoder
        self._lock = threading.RLock()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._frame_rows = 0
        self._frame_since = 0.0
        self.rows = 0

    def write(self, line: bytes) -> None:
        with self._lock:
            self._pending += [line, b"\n"]
            self._pending_bytes += len(line) + 1
            self.rows += 1
            if not self._frame_rows:
                self._frame_since = time.monotonic()
            self._frame_rows += 1
            self.flush()

    def flush(self) -> None:
        """Write what was gathered as one block."""
        with self._lock:
            if not self._pending:
                return
            text = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            data = self._encoder.block(text)
            if self._frame_rows >= FRAME_ROWS or time.monotonic() - self._frame_since > FRAME_SECONDS:
                data += self._encoder.end()
                self._frame_rows = 0
            write_all(self._fd, data)

    def finish(self) -> None:
        """Write what was gathered and end the frame."""
        with self._lock:
            self.flush()
            write_all(self._fd, self._encoder.end())


def write_all(fd: int, data: bytes) -> None:
    """Write every byte of `data`."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class RowFile:
    """A file that appears whole: written beside `path` as `path`.partial, synced and renamed by `commit`.

    As a context manager it commits at the end and aborts where an exception passes. `abort(keep=True)` ends the frame
    and leaves the partial file.
    """

    def __init__(
        self, path: str | os.PathLike[str], compress: Compress = "zstd", level: int | None = None, append: bool = False
    ) -> None:
        self.path = Path(path)
        self.partial = self.path.with_name(self.path.name + ".partial")
        mode = os.O_APPEND if append else os.O_TRUNC
        self._fd = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | mode, 0o666)
        self._writer = LineWriter(self._fd, encoder(compress, level or FILE_LEVEL))

    @property
    def rows(self) -> int:
        return self._writer.rows

    def write(self, line: bytes) -> None:
        """Write one line, given without its newline."""
        self._writer.write(line)

    def flush(self) -> None:
        self._writer.flush()

    def commit(self) -> None:
        """Make the file appear under its name, on disk for good."""
        self._writer.finish()
        os.fsync(self._fd)
        os.close(self._fd)
        self.partial.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def abort(self, keep: bool = False) -> None:
        """Leave the file under its name as it was."""
        if keep:
            self._writer.finish()
            os.fsync(self._fd)
        os.close(self._fd)
        if not keep:
            self.partial.unlink(missing_ok=True)

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.abort() if kind else self.commit()


class Stdout:
    """Rows to stdout: stored blocks into a pipe, level 3 into a file, plain text to a terminal."""

    def __init__(self, compress: Compress | None = None, level: int | None = None) -> None:
        mode = os.fstat(1).st_mode
        self.is_pipe = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        if stat.S_ISFIFO(mode):
            enlarge_pipe(1)
        compress = compress or ("none" if os.isatty(1) else "zstd")
        self._writer = LineWriter(1, encoder(compress, level or (0 if self.is_pipe else FILE_LEVEL)))

    @property
    def rows(self) -> int:
        return self._writer.rows

    def write(self, line: bytes) -> None:
        self._writer.write(line)

    def flush(self) -> None:
        self._writer.flush()

    def commit(self) -> None:
        self._writer.finish()

    def abort(self, keep: bool = False) -> None:
        if keep:
            self._writer.finish()


def encoder(compress: Compress, level: int) -> Encoder:
    """`level` 0 stores instead of compressing."""
    if compress == "none":
        return Plain()
    return Compressed(level) if level else Stored()


def open_writer(path: str | None, compress: Compress | None = None, level: int | None = None) -> "RowFile | Stdout":
    """The output named on the command line: `path`, or stdout where it is None."""
    if path is None or path == "-":
        return Stdout(compress, level)
    try:
        return RowFile(path, compress or "zstd", level)
    except OSError as error:
        raise R1Error(f"{path}: cannot write there: {error.strerror}") from None


def enlarge_pipe(fd: int) -> None:
    """Ask for a pipe of 1 MiB, so that a short stall of one side does not stop the other."""
    import fcntl

    try:
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (OSError, AttributeError):
        pass
