"""Lines out of zstd, gzip, plain text or Parquet, told apart by content, as fast as they are decompressed.

A line is there as soon as its bytes are: nothing waits for a full buffer.
"""

import io
import select
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from r1tool.errors import R1Error
from r1tool.stream.frames import MAGIC, BadFrame, Cut, Walker, is_frame
from r1tool.stream.sources import Source, filesystem
from r1tool.workers.selfpipe import SelfPipe

GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 256 << 10
SHORT_LINE_BYTES = 2 << 10
"""Shorter lines are split off many at a time."""
GZIP_STEP_BYTES = 64 << 10
PARQUET_ROWS = 64
"""Rows that are decoded at a time."""

Damaged = Callable[[str], None]
"""Is told of each place where an input ends or breaks and should not, before the line cut there is handed out."""


class Cancelled(Exception):
    """Reading was told to stop."""


class StopSignal(SelfPipe):
    """Ends reading from another thread or a signal handler, also while it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
        self.wake()


def lines(
    source: Source,
    damaged: Damaged | None = None,
    stop: StopSignal | None = None,
    idle: Callable[[], None] | None = None,
) -> Iterator[bytes]:
    """The lines of `source` without their newline.

    `damaged` is told of every cut or broken place, and reading continues after it where it can; without it, R1Error is
    raised there. `idle` is called before waiting for input. Raises Cancelled after `stop.set()`, OSError, and R1Error
    for a Parquet file that is none.
    """
    if damaged is None:

        def damaged(what: str) -> None:
            raise R1Error(f"{source.name}: {what}")

    with _open(source, stop, idle) as raw:
        start = b""
        while len(start) < 4 and (more := raw.read(CHUNK_BYTES)):
            start += more
        if start[:4] == b"PAR1":
            yield from _parquet(source, start, raw)
        elif start and (MAGIC.startswith(start) or GZIP_MAGIC.startswith(start)):
            damaged(f"truncated (cut at byte {len(start)})")
        elif is_frame(start[:4]):
            yield from _split(_zstd(start, raw, damaged), damaged)
        elif start[:2] == GZIP_MAGIC:
            yield from _split(_gzip(start, raw, damaged), damaged)
        else:
            yield from _split(_plain(start, raw), damaged)


def _split(pieces: Iterator[bytes | None], damaged: Damaged) -> Iterator[bytes]:
    """The lines in `pieces`; a None ends one where the input is broken, so that it is not glued to what follows."""
    tail: list[bytes] = []
    for piece in pieces:
        if piece is None:
            if tail:
                yield b"".join(tail)
                tail.clear()
            continue
        end = piece.find(b"\n")
        if end < 0:
            tail.append(piece)
            continue
        if tail:
            yield b"".join((*tail, piece[:end]))
            tail.clear()
        else:
            yield piece[:end]
        start = end + 1
        while (end := piece.find(b"\n", start)) >= 0:
            if end - start < SHORT_LINE_BYTES:
                *short, last = piece[start:].split(b"\n")
                yield from short
                start = len(piece) - len(last)
                break
            yield piece[start:end]
            start = end + 1
        if start < len(piece):
            tail.append(piece[start:])
    if tail:
        line = b"".join(tail)
        if line.lstrip(b"\xef\xbb\xbf \t\r").startswith(b"{") and not _is_json(line):
            damaged("truncated (the last line is incomplete)")
        yield line


def _is_json(line: bytes) -> bool:
    from r1tool.errors import BadRow
    from r1tool.records.row import Row

    try:
        Row.parse(line)
    except BadRow:
        return False
    return True


def _open(source: Source, stop: StopSignal | None, idle: Callable[[], None] | None) -> Any:
    if source.is_remote:
        return _Remote(source)
    return _Descriptor(0 if source.path is None else source.path, stop, idle)


class _Remote(io.RawIOBase):
    """A file behind fsspec, whose many kinds of error become OSError."""

    _file: Any

    def __init__(self, source: Source) -> None:
        fs, path = filesystem(source.path or "")
        self._call(lambda: setattr(self, "_file", fs.open(path, "rb")))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        return bytes(self._call(lambda: self._file.read(size)))

    def readinto(self, buffer: Any, /) -> int:
        return int(self._call(lambda: self._file.readinto(buffer)))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()

    def _call(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}".splitlines()[0]) from None


class _Descriptor(io.FileIO):
    """A file or pipe; `read` and `readinto` give what is there, raise Cancelled, and call `idle` before they wait."""

    def __init__(self, file: int | str, stop: StopSignal | None, idle: Callable[[], None] | None) -> None:
        super().__init__(file, closefd=isinstance(file, str))
        self._stop, self._idle = stop, idle
        self._poll = None if io.FileIO.seekable(self) else select.poll()
        if self._poll:
            self._poll.register(self, select.POLLIN)
            if stop:
                self._poll.register(stop, select.POLLIN)

    def read(self, size: int | None = -1, /) -> bytes:
        self._wait()
        return super().read(size) or b""

    def readinto(self, buffer: Any, /) -> int:
        self._wait()
        return super().readinto(buffer) or 0

    def _wait(self) -> None:
        if self._poll:
            if self._idle and not self._poll.poll(0):
                self._idle()
            self._poll.poll()
        if self._stop and self._stop.is_set:
            raise Cancelled


def _plain(start: bytes, raw: Any) -> Iterator[bytes]:
    while start:
        yield start
        start = raw.read(CHUNK_BYTES)


def _zstd(start: bytes, raw: Any, damaged: Damaged) -> Iterator[bytes | None]:
    """Decompresses a block at a time: what precedes a damaged block is out before that is met.

    python-zstandard's stream_reader ends at a cut as if nothing were, its decompress() at the end of the first frame.
    """
    import zstandard

    walker = Walker(raw.readinto, start)
    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    frame = None
    while True:
        try:
            while (piece := walker.next()) is not None:
                if frame is None or frame.eof:
                    frame = decompressor.decompressobj()
                if text := frame.decompress(piece):
                    yield text
            return
        except Cut as cut:
            damaged(f"truncated ({cut})")
            yield None
            return
        except (BadFrame, zstandard.ZstdError) as error:
            damaged(f"corrupt ({error if isinstance(error, BadFrame) else f'before byte {walker.offset}'})")
            yield None
            if not walker.resync():
                return
            frame = None


def _gzip(start: bytes, raw: Any, damaged: Damaged) -> Iterator[bytes | None]:
    data = start
    while data := data.lstrip(b"\0") or raw.read(CHUNK_BYTES):  # tapes are padded with zeros
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data and not (data := raw.read(CHUNK_BYTES)):
                damaged("truncated")
                yield None
                return
            step, rest = data[:GZIP_STEP_BYTES], data[GZIP_STEP_BYTES:]
            before = member.copy()
            try:
                text = member.decompress(step, CHUNK_BYTES)
            except zlib.error:
                yield _up_to_error(before, step)
                damaged("corrupt")
                yield None
                return
            data = (member.unused_data if member.eof else member.unconsumed_tail) + rest
            if text:
                yield text


def _up_to_error(member: Any, data: bytes) -> bytes:
    text = b""
    try:
        for at in range(len(data)):
            text += member.decompress(data[at : at + 1])
    except zlib.error:
        pass
    return text


def _parquet(source: Source, start: bytes, raw: Any) -> Iterator[bytes]:
    import shutil
    import tempfile

    import orjson
    import pyarrow
    import pyarrow.parquet

    with tempfile.TemporaryFile() as copy:
        if source.path is None:
            copy.write(start)
            shutil.copyfileobj(raw, copy, CHUNK_BYTES)
            file: Any = copy
        else:
            file = raw if source.is_remote else source.path
        try:
            with pyarrow.parquet.ParquetFile(file, buffer_size=CHUNK_BYTES, pre_buffer=False) as table:
                for batch in table.iter_batches(PARQUET_ROWS, use_threads=False):
                    for row in batch.to_pylist():
                        yield orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS)
        except pyarrow.ArrowException as error:
            raise R1Error(f"{source.name}: truncated or corrupt Parquet ({str(error).splitlines()[0]})") from None
