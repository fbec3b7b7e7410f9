"""Rows of any shape, ways to compress them, and pipelines of real commands."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import zstandard
from hypothesis import settings
from hypothesis import strategies as st

from r1tool.stream.readers import lines
from r1tool.stream.sources import Source

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
rows = st.dictionaries(text, value, max_size=4)
dumps: list[Callable[[Any], bytes]] = [
    lambda row: json.dumps(row).encode(),
    lambda row: json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode(),
    lambda row: json.dumps(row, ensure_ascii=False, separators=(" ,  ", "\t: ")).encode(),
]
line = st.builds(lambda row, dump: dump(row), rows, st.sampled_from(dumps))


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


def read(path: Path) -> tuple[list[bytes], list[str]]:
    """The lines of a file, and what was said of its damage."""
    damage: list[str] = []
    return [each for each in lines(Source(str(path), str(path)), damage.append) if each.strip()], damage


def decompress(data: bytes) -> bytes:
    """All frames; fails on a stream that is cut."""
    done = subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


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


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "r1tool", *map(str, arguments)]


ENVIRONMENT = {**os.environ, "R1TOOL_PROGRESS": "0"}


class Pipeline:
    """Real processes, joined by pipes, in a process group of their own, as a shell starts them."""

    def __init__(self, *commands: list[str], stdin: Any = subprocess.DEVNULL, stdout: Any = subprocess.PIPE) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        for number, each in enumerate(commands):
            last = number == len(commands) - 1
            process = subprocess.Popen(
                each,
                stdin=stdin,
                stdout=stdout if last else subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
                process_group=self.processes[0].pid if self.processes else 0,
            )
            if number:
                assert self.processes[-1].stdout
                self.processes[-1].stdout.close()
            self.processes.append(process)
            stdin = process.stdout

    @property
    def output(self) -> Any:
        return self.processes[-1].stdout

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.killpg(self.processes[0].pid, signal.SIGINT)

    def finish(self, timeout: float = 60) -> tuple[bytes, list[int], list[str]]:
        """The last one's remaining output, every exit status and every stderr."""
        output = self.output.read() if self.output else b""
        try:
            statuses = [process.wait(timeout) for process in self.processes]
        except subprocess.TimeoutExpired:
            os.killpg(self.processes[0].pid, signal.SIGKILL)
            raise
        errors = [process.stderr.read().decode() for process in self.processes if process.stderr]
        for process in self.processes:
            for file in (process.stdout, process.stderr):
                if file:
                    file.close()
        return output, statuses, errors


@contextmanager
def endless(*, seconds: float = 0.0, characters: int = 46_000) -> Iterator[list[str]]:
    """A command that writes plain rows until nobody reads them, one each `seconds`."""
    program = (
        "import sys, time, itertools, orjson, signal\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from streams import long_row\n"
        "for n in itertools.count():\n"
        f"    sys.stdout.buffer.write(orjson.dumps(long_row(n, {characters})) + b'\\n'); sys.stdout.flush()\n"
        f"    time.sleep({seconds})\n"
    )
    yield [sys.executable, "-c", program]


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(zstd_frames([orjson.dumps(row) + b"\n" for row in rows]))
    return path
