"""Rows as verify and judge leave them, and the program to feed them to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import zstandard


def trace(number: int, verdicts: list[str | None], **columns: Any) -> dict[str, Any]:
    """A row with one generation for each verdict; None is a generation nobody has looked at."""
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


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(zstandard.compress(text) if path.suffix == ".zst" else text)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return parse(path.read_bytes())


def parse(data: bytes) -> list[dict[str, Any]]:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
        return [json.loads(line) for line in reader.read().splitlines()]


def r1tool(*arguments: object, stdin: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run `r1tool ARGUMENTS`; fails on a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "r1tool", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def ok(*arguments: object, stdin: bytes = b"", **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run `r1tool ARGUMENTS` and expect status 0."""
    done = r1tool(*arguments, stdin=stdin, **environment)
    assert done.returncode == 0, done.stderr.decode()
    return done
