"""Rows into Parquet shards that datasets, DuckDB, polars and the Hub's viewer read."""

from pathlib import Path
from typing import Any

GROUP_BYTES = 16 << 20
"""Of JSON, in a row group: what is in memory at once, several times over."""


class ShardWriter:
    """Rows of one split into `folder/SPLIT-00000-of-00001.parquet`, ...: zstd, content-defined chunks, a page index.

    Chunks cut by content let the Hub store only what changed when rows are added. `max_bytes` is the size of a file,
    gone beyond by one row group at most. The same rows make the same bytes.
    """

    def __init__(self, folder: Path, split: str, schema: Any, max_bytes: int) -> None:
        self.folder, self.split = folder, split
        self.rows = 0
        self._schema, self._max_bytes = schema, max_bytes
        self.pending_bytes = 0
        self._pending: list[dict[str, Any]] = []
        self._parts: list[Path] = []
        self._writer: Any = None
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, values: dict[str, Any], size: int) -> None:
        """Add a row; `size` is that of its JSON in bytes."""
        self._pending.append(values)
        self.pending_bytes += size
        self.rows += 1
        if self.pending_bytes >= min(GROUP_BYTES, self._max_bytes):
            self.flush()

    def close(self) -> list[Path]:
        """End the last shard, name all of them and return their paths."""
        self.flush()
        if self._writer is None and not self._parts:
            self._open()
        self._end()
        names = [
            self.folder / f"{self.split}-{index:05}-of-{len(self._parts):05}.parquet"
            for index in range(len(self._parts))
        ]
        for part, name in zip(self._parts, names, strict=True):
            part.rename(name)
        return names

    def flush(self) -> None:
        """End the row group."""
        import pyarrow as pa

        if not self._pending:
            return
        if self._writer is None:
            self._open()
        batch = pa.RecordBatch.from_pylist(self._pending, schema=self._schema)
        self._pending.clear()
        self.pending_bytes = 0
        self._writer.write_batch(batch)
        if self._parts[-1].stat().st_size >= self._max_bytes:
            self._end()

    def _open(self) -> None:
        from pyarrow.parquet import ParquetWriter

        self._parts.append(self.folder / f"{self.split}-{len(self._parts):05}.part")
        self._writer = ParquetWriter(
            self._parts[-1],
            self._schema,
            compression="zstd",
            use_content_defined_chunking=True,
            write_page_index=True,
        )

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def parse_size(text: str) -> int:
    """`500MB`, `2GB` or plain bytes as a number of bytes. Raises ValueError."""
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
    number, unit = (text[:-2], units[text[-2:].upper()]) if text[-2:].upper() in units else (text, 1)
    size = int(float(number) * unit)
    if size < 1:
        raise ValueError(f"{text} is not a size")
    return size
