"""Running `r1tool sample` as a user would, and reading what it wrote."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import zstandard
from fake_openai import Running

from r1tool.records.ids import problem_uuid, sample_seed


def problems(path: Path, count: int, **more: Any) -> Path:
    """A file of `count` problems."""
    rows = [{"problem": f"What is {number}?", "answer": str(number)} | more for number in range(count)]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "r1tool", "sample", *map(str, arguments)]


def sample(*arguments: object, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run it to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("R1TOOL_")}
    more = {"stdin": subprocess.DEVNULL, "env": environment} | more
    return subprocess.run(command(*arguments), capture_output=True, timeout=120, **more)


def rows(source: bytes | Path) -> list[dict[str, Any]]:
    """The rows of some output."""
    data = source.read_bytes() if isinstance(source, Path) else source
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        return [orjson.loads(line) for line in reader.read().splitlines()]


def seeds(row: dict[str, Any], n: int, seed: int = 0) -> list[int]:
    """What the requests of a row's `n` generations are seeded with."""
    return [sample_seed(seed, row.get("uuid") or problem_uuid(row["problem"]), index) for index in range(n)]


def wait_for_tokens(server: Running, tokens: int) -> None:
    for _ in range(600):
        if server.counters["tokens"] >= tokens:
            return
        time.sleep(0.05)
    raise AssertionError(f"the server has not made {tokens} tokens in 30 s")
