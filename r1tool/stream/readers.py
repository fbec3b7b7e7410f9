"""Lines out of zstd, gzip, plain text or Parquet, told apart by content."""

import io
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from r1tool.stream.sources import Source

CHUNK_BYTES = 1 << 20


class Damaged(Exception):
    """The input ends or breaks where it should not; what was whole before it has been delivered."""


class Raw(Protocol):
    """A file opened without a buffer; read returns what is there, at most `size` bytes, and b"" at the end."""

    def read(self, size: int = -1, /) -> bytes: ...


def lines(source: Source) -> Iterator[bytes]:
    """The lines of `source`, without their newline. Raises Damaged at a cut or a damaged place, OSError."""
    with open_raw(source) as raw:
        first = b""
        while len(first) < 4 and (more := raw.read(CHUNK_BYTES)):
            first += more
        if first[:4] == b"\x28\xb5\x2f\xfd" or (first[1:4] == b"\x2a\x4d\x18" and 0x50 <= first[0] <= 0x5F):
            pieces = _zstd(first, raw)
        elif first[:2] == b"\x1f\x8b":
            pieces = _gzip(first, raw)
        elif first[:4] == b"PAR1":
            yield from _parquet(source)
            return
        else:
            pieces = _plain(first, raw)
        yield from io.BufferedReader(_Pieces(pieces), CHUNK_BYTES)  # type: ignore[arg-type]


def open_raw(source: Source) -> Any:
    if source.path is None:
        return io.FileIO(0, closefd=False)
    if source.is_remote:
        import fsspec

        return fsspec.open(source.path, "rb").open()
    return io.FileIO(source.path)


class _Pieces(io.RawIOBase):
    """Decompressed pieces as a raw file; an error waits until the bytes before it were read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size


def _plain(first: bytes, raw: Raw) -> Iterator[bytes]:
    while first:
        yield first
        first = raw.read(CHUNK_BYTES)


def _zstd(data: bytes, raw: Raw) -> Iterator[bytes]:
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    while data:
        frame = decompressor.decompressobj()
        while not frame.eof:
            if not data and not (data := raw.read(CHUNK_BYTES)):
                raise Damaged("truncated")
            try:
                piece = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise Damaged(f"corrupt ({error})") from None
            data = frame.unused_data if frame.eof else b""
            if piece:
                yield piece
        data = data or raw.read(CHUNK_BYTES)


def _gzip(data: bytes, raw: Raw) -> Iterator[bytes]:
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data and not (data := raw.read(CHUNK_BYTES)):
                raise Damaged("truncated")
            try:
                piece = member.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise Damaged(f"corrupt ({error})") from None
            data = member.unused_data if member.eof else member.unconsumed_tail
            if piece:
                yield piece
        data = data or raw.read(CHUNK_BYTES)


def _parquet(source: Source) -> Iterator[bytes]:
    import orjson
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(source.path) as file:
        for batch in file.iter_batches(256):
            for row in batch.to_pylist():
                yield orjson.dumps(row, default=str)
