"""Rows made, written, and read back, mostly by other means than r1tool's own."""

import gzip
import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zstandard

from r1tool.records.ids import problem_uuid, sample_seed
from r1tool.stream.readers import lines
from r1tool.stream.sources import Source

# Rows


def problems(path: Path, count: int, **columns: Any) -> Path:
    """A file of `count` problems that nobody has answered."""
    rows = [{"problem": f"What is {number}?", "answer": str(number)} | columns for number in range(count)]
    return write_rows(path, rows)


def seeds(row: dict[str, Any], n: int, seed: int = 0) -> list[int]:
    """What the requests of a row's `n` generations are seeded with."""
    return [sample_seed(seed, row.get("uuid") or problem_uuid(row["problem"]), index) for index in range(n)]


def trace(number: int, verdicts: list[str | None], **columns: Any) -> dict[str, Any]:
    """A row as verify and judge leave it, with one generation for each verdict; None is one nobody has looked at."""
    count = len(verdicts)
    return {
        "problem": f"What is {number} plus {number}?",
        "solution": f"It is {2 * number}.",
        "answer": str(2 * number),
        "problem_type": "Algebra",
        "question_type": "math-word-problem",
        "source": "olympiads",
        "uuid": f"id-{number}",
        "is_reasoning_complete": [True] * count,
        "generations": [f"<think>\n{number} {i}\n</think>\n\n\\boxed{{{2 * number}}}" for i in range(count)],
        "correctness_math_verify": [None if verdict is None else verdict == "correct" for verdict in verdicts],
        "correctness_llama": None,
        "finish_reasons": ["stop"] * count,
        "token_counts": [{"prompt": 10, "completion": 100 * (i + 1), "thinking": 50} for i in range(count)],
        "verdicts": verdicts,
        **columns,
    }


def long_row(number: int, characters: int = 46_000) -> dict[str, Any]:
    """A row like those of OpenR1-Math-220k, of about `characters` bytes."""
    thought = f'Let $x_{{{number}}} = \\frac{{1}}{{2}}$, "so" to say. Wait, [{number}], that is not it.\n'
    half = thought * (characters // 2 // len(thought))
    return {
        "problem": f"What is {number} plus {number}?",
        "answer": str(2 * number),
        "source": "olympiads",
        "uuid": f"id-{number}",
        "generations": [f"<think>\n{half}\n</think>\n\n\\boxed{{{2 * number}}}" for _ in range(2)],
        "finish_reasons": ["stop", "stop"],
    }


# Files of them


def jsonl(rows: Iterable[Any]) -> bytes:
    """A line for each."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write_rows(path: Path, rows: Iterable[Any]) -> Path:
    """Write `path`, with zstd where its name ends so, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(jsonl(rows)) if path.suffix == ".zst" else jsonl(rows))
    return path


def read_rows(source: Path | bytes) -> list[Any]:
    """The rows of a zstd file, or of its bytes."""
    data = source.read_bytes() if isinstance(source, Path) else source
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        return [json.loads(line) for line in reader.read().splitlines()]


def read_lines(path: Path) -> tuple[list[bytes], list[str]]:
    """The lines of a file as r1tool reads them, and what it says of the file's damage."""
    damage: list[str] = []
    return [line for line in lines(Source(str(path), str(path)), damage.append) if line.strip()], damage


def decompress(data: bytes) -> bytes:
    """All frames, by the zstd program; fails on a stream that is cut."""
    done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def zstd_frames(pieces: list[bytes], level: int = 1, flush: bool = True) -> bytes:
    """Each piece a frame of its own, or with `flush` a block of one frame."""
    if not flush:
        return b"".join(zstandard.compress(piece, level) for piece in pieces)
    frame = zstandard.ZstdCompressor(level=level, write_checksum=True).compressobj()
    blocks = [frame.compress(piece) + frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for piece in pieces]
    return b"".join((*blocks, frame.flush()))


def gzip_members(pieces: list[bytes]) -> bytes:
    return b"".join(gzip.compress(piece, 1) for piece in pieces)


FORMATS: dict[str, Callable[[list[bytes]], bytes]] = {
    "zstd, a frame a row": lambda pieces: zstd_frames(pieces, flush=False),
    "zstd, one frame": zstd_frames,
    "gzip": gzip_members,
    "plain": b"".join,
}
