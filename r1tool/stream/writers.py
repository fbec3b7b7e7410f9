"""Lines into zstd or plain text, each readable at once."""

import contextlib
import os
import threading
import time
from typing import Any, Protocol

from r1tool.stream.frames import BLOCK_BYTES, STORED_END, STORED_HEADER, stored_block
from r1tool.stream.options import Compress

FRAME_ROWS = 32
FRAME_SECONDS = 10.0
BATCH_BYTES = 16 << 10
"""Rows are gathered until they are this many bytes in all ..."""
BATCH_SECONDS = 0.02
"""... or this old."""
QUIET_ROUNDS = 50
IOV_MAX = 1024


class Encoder(Protocol):
    """Turns text into what is written. `block` gives what can be read at once, `end` closes the frame."""

    def block(self, text: list[bytes]) -> list[bytes]: ...
    def end(self, again: bool) -> list[bytes]: ...


class Plain:
    """Text as it is."""

    def block(self, text: list[bytes]) -> list[bytes]:
        return text

    def end(self, again: bool) -> list[bytes]:
        return []


class Stored:
    """zstd frames whose blocks are not compressed: as cheap as plain text, and any zstd reads them.

    A frame stays open until the end, so that a reader sees whether its writer was killed.
    """

    def __init__(self) -> None:
        self._open = False

    def begin(self) -> list[bytes]:
        """The start of a frame before there is a row: a writer killed early leaves a cut, not an empty stream."""
        self._open = True
        return [STORED_HEADER]

    def block(self, text: list[bytes]) -> list[bytes]:
        parts = [] if self._open else [STORED_HEADER]
        self._open = True
        size = sum(map(len, text))
        if size <= BLOCK_BYTES:
            return [*parts, stored_block(size), *text]
        whole = memoryview(b"".join(text))
        for start in range(0, size, BLOCK_BYTES):
            piece = whole[start : start + BLOCK_BYTES]
            parts += [stored_block(len(piece)), piece]  # type: ignore[list-item]
        return parts

    def end(self, again: bool) -> list[bytes]:
        if not self._open and not again:
            return [STORED_HEADER, STORED_END]
        self._open = again
        return [STORED_END, STORED_HEADER] if again else [STORED_END]


class Compressed:
    """zstd frames at `level`, with a checksum."""

    def __init__(self, level: int) -> None:
        import zstandard

        self._compressor = zstandard.ZstdCompressor(level=level, write_checksum=True)
        self._flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        self._frame: Any = None
        self._cut_here = False

    def block(self, text: list[bytes]) -> list[bytes]:
        if self._frame is None:
            self._frame = self._compressor.compressobj()
        whole = b"".join(text)
        return [self._begun(), self._frame.compress(whole), self._frame.flush(self._flush)]

    def end(self, again: bool) -> list[bytes]:
        if self._frame is None:
            return [] if again else [self._begun() + self._compressor.compress(b"")]
        ended = self._frame.flush()
        self._frame = None
        self._cut_here = again
        return [ended, STORED_HEADER] if again else [ended]

    def _begun(self) -> bytes:
        """The end of the empty frame begun after each frame, without which a stream cut there would look whole."""
        begun = STORED_END if self._cut_here else b""
        self._cut_here = False
        return begun


class LineWriter:
    """Lines into a file descriptor, each readable downstream within BATCH_SECONDS; safe to use from any thread.

    A long line is written at once. Short ones are gathered into a block until there are enough, `flush` is called, or
    the first has waited long enough, which a thread sees to.
    """

    def __init__(self, fd: int, encoder: Encoder) -> None:
        self._fd, self._encoder = fd, encoder
        self._lock = threading.RLock()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._frame_rows = 0
        self._frame_ends = 0.0
        self._wake: threading.Event | None = None
        self._finished = False
        self._error: OSError | None = None
        self.rows = 0

    def write(self, line: bytes) -> None:
        """Write one line, given without its newline. Raises BrokenPipeError where nobody reads any more."""
        with self._lock:
            if self._error is not None:
                raise self._error
            self._pending += (line, b"\n")
            self._pending_bytes += len(line) + 1
            self.rows += 1
            self._frame_rows += 1
            if self._pending_bytes >= BATCH_BYTES:
                self._write_block()
            elif len(self._pending) == 2:
                self._start_clock()

    def begin(self) -> None:
        """Tell the reader that a writer is there, if the encoder can."""
        if isinstance(self._encoder, Stored):
            self._write(self._encoder.begin())

    def flush(self) -> None:
        """Let what was written be readable now."""
        if self._pending:
            with self._lock:
                self._write_block()

    def finish(self) -> None:
        """Write what was gathered and end the frame."""
        with self._lock:
            self._write_block()
            self._finished = True
            self._write(self._encoder.end(False))
            if self._wake:
                self._wake.set()

    def _write_block(self) -> None:
        if not self._pending:
            return
        parts = self._encoder.block(self._pending)
        self._pending = []
        self._pending_bytes = 0
        now = time.monotonic()
        if not self._frame_ends:
            self._frame_ends = now + FRAME_SECONDS
        if self._frame_rows >= FRAME_ROWS or now >= self._frame_ends:
            parts += self._encoder.end(True)
            self._frame_rows, self._frame_ends = 0, 0.0
        self._write(parts)

    def _write(self, parts: list[bytes]) -> None:
        size = sum(map(len, parts))
        done = 0
        try:
            while done < size:
                if done or len(parts) > IOV_MAX:
                    done += os.write(self._fd, memoryview(b"".join(parts))[done:])
                else:
                    done += os.writev(self._fd, parts)
        except OSError as error:
            with contextlib.suppress(OSError):  # where there is no /proc
                error.filename = os.readlink(f"/proc/self/fd/{self._fd}")
            raise

    def _start_clock(self) -> None:
        if self._wake is None:
            self._wake = threading.Event()
            threading.Thread(target=self._flush_late, args=(self._wake,), daemon=True).start()
        elif not self._wake.is_set():
            self._wake.set()

    def _flush_late(self, wake: threading.Event) -> None:
        """Flush every BATCH_SECONDS while short lines come."""
        quiet = 0
        while not self._finished:
            time.sleep(BATCH_SECONDS)
            try:
                with self._lock:
                    quiet = 0 if self._pending else quiet + 1
                    self._write_block()
            except OSError as error:
                self._error = error
                return
            if quiet > QUIET_ROUNDS:
                wake.clear()
                if not self._pending:
                    wake.wait()
                quiet = 0


def encoder(compress: Compress, level: int) -> Encoder:
    """`level` 0 stores instead of compressing."""
    if compress == "none":
        return Plain()
    return Compressed(level) if level else Stored()
