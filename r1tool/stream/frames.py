"""The frames of a zstd stream, walked block by block: where each ends, where one was cut, how rows are merely stored.

The format is RFC 8878. A frame is a magic number, a header, blocks of at most 128 KiB and perhaps a checksum.
"""

from collections.abc import Callable

MAGIC = b"\x28\xb5\x2f\xfd"
BLOCK_BYTES = 128 << 10
"""No block holds more, compressed or not."""

BUFFER_BYTES = 2 * BLOCK_BYTES

STORED_HEADER = MAGIC + b"\x00\x38"
"""No checksum, no content size, a window of 128 KiB."""
STORED_END = b"\x01\x00\x00"
"""An empty last block."""

_SKIPPABLE = b"\x2a\x4d\x18"
_RLE, _RESERVED = 2, 6  # in their place in a block's header


def is_frame(start: bytes) -> bool:
    """Whether a frame begins with these four bytes, one to be skipped included."""
    return start == MAGIC or (start[1:] == _SKIPPABLE and start[0] & 0xF0 == 0x50)


def stored_block(size: int) -> bytes:
    """The header of a stored block of `size` bytes that is not the last of its frame."""
    return (size << 3).to_bytes(3, "little")


class Cut(Exception):
    """The stream ends within a frame."""


class BadFrame(Exception):
    """The stream goes on with something that is no frame or no block."""


class Walker:
    """Takes a stream apart into frame headers and blocks, one a call.

    `readinto(buffer)` reads what is there and returns 0 at the end. `offset` is the place in the stream up to which
    pieces were handed out.
    """

    def __init__(self, readinto: Callable[[memoryview], int], start: bytes = b"") -> None:
        self._readinto = readinto
        self._buffer = memoryview(bytearray(max(BUFFER_BYTES, len(start))))
        self._buffer[: len(start)] = start
        self._at, self._end = 0, len(start)
        self._before = 0  # offset of the buffer's first byte
        self._in_frame = self._checksum = False
        self._frame = 0

    @property
    def offset(self) -> int:
        return self._before + self._at

    def next(self) -> memoryview | None:
        """The next piece, None at the end of a whole stream; it holds until the next call.

        Raises BadFrame, or Cut if the stream ends in a frame. The bytes of a block that was cut are handed out first:
        those of a stored block can be read.
        """
        if not self._in_frame:
            return self._header()
        at = self._at
        if self._end - at < 3:
            if not self._has(3):
                self._cut()
            at = self._at
        buffer = self._buffer
        head = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16
        kind = head & 6
        size = 3 + (1 if kind == _RLE else head >> 3)
        if kind == _RESERVED or head >> 3 > BLOCK_BYTES:
            raise BadFrame(f"invalid block at byte {self.offset}")
        if head & 1:
            size += 4 if self._checksum else 0
        if self._end - at < size:
            if not self._has(size):
                if self._end - self._at <= 3:
                    self._cut()
                return self._take(self._end - self._at)
            at, buffer = self._at, self._buffer
        self._in_frame = not head & 1
        self._at = at + size
        return buffer[at : at + size]

    def resync(self) -> bool:
        """Go to the next magic number after the current frame's; False if there is none."""
        self._in_frame = False
        skip = 1 if self.offset == self._frame else 0
        while self._has(skip + 4):
            at = bytes(self._buffer[self._at : self._end]).find(MAGIC, skip)
            if at >= 0:
                self._take(at)
                return True
            self._take(self._end - self._at - 3)
            skip = 0
        return False

    def _header(self) -> memoryview | None:
        while True:
            self._frame = self.offset
            if not self._has(4):
                start = bytes(self._buffer[self._at : self._end])
                if not start:
                    return None
                if MAGIC.startswith(start):
                    self._cut()
                raise BadFrame(f"invalid frame at byte {self.offset}")
            start = bytes(self._buffer[self._at : self._at + 4])
            if start == MAGIC:
                break
            if not is_frame(start):
                raise BadFrame(f"invalid frame at byte {self.offset}")
            self._skip_frame()
        if not self._has(5):
            self._cut()
        flags = self._buffer[self._at + 4]
        single = flags >> 5 & 1
        size = 5 + (not single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
        if not self._has(size):
            self._cut()
        self._checksum = bool(flags & 4)
        self._in_frame = True
        return self._take(size)

    def _skip_frame(self) -> None:
        if not self._has(8):
            self._cut()
        left = 8 + int.from_bytes(self._buffer[self._at + 4 : self._at + 8], "little")
        while left:
            if not self._has(1):
                self._cut()
            left -= len(self._take(min(left, self._end - self._at)))

    def _has(self, size: int) -> bool:
        while self._end - self._at < size:
            if self._at:
                left = bytes(self._buffer[self._at : self._end])
                self._buffer[: len(left)] = left
                self._before += self._at
                self._at, self._end = 0, len(left)
            more = self._readinto(self._buffer[self._end :])
            if not more:
                return False
            self._end += more
        return True

    def _take(self, size: int) -> memoryview:
        self._at += size
        return self._buffer[self._at - size : self._at]

    def _cut(self) -> None:
        raise Cut(f"cut at byte {self._before + self._end}")
