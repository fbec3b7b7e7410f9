"""Reading, filtering, pipes, workers and start-up, each beside what a user would use instead.

CPU time of all processes, start-up included, as the median of rounds that alternate; the ratio is to the first line.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import orjson
from bench_stats import make_shard

ROUNDS = 5
SHARD_BYTES = 128_000_000
ROWS_TIMED = 60
ROW_SECONDS = 0.1
"""Between the rows whose way through a pipeline is timed."""
LATENCY_GOAL_SECONDS = 0.05

R1TOOL = f"{sys.executable} -m r1tool"
READ = """
import sys
from r1tool.stream.readers import lines
from r1tool.stream.sources import Source
print(sum(1 for _ in lines(Source("x", sys.argv[1]))))
"""
READ_TEXT = """
import io, sys, zstandard
with open(sys.argv[1], "rb") as file:
    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    print(sum(1 for _ in io.TextIOWrapper(reader)))
"""
FILTER_JSON = """
import io, json, sys, zstandard
reader = zstandard.ZstdDecompressor().stream_reader(sys.stdin.buffer, read_across_frames=True)
for line in io.TextIOWrapper(reader):
    row = json.loads(line)
    if row["source"]:
        print(json.dumps(row))
"""
DUCKDB = """
import duckdb, sys
duckdb.sql("SET threads = 1")
rows = duckdb.read_json(sys.argv[1], format="newline_delimited", maximum_object_size=10**8)
duckdb.sql("COPY (SELECT * FROM rows WHERE source IS NOT NULL) TO '/dev/stdout' (FORMAT json)")
"""
POLARS = """
import os, sys
os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl
pl.scan_ndjson(sys.argv[1]).filter(pl.col("source").is_not_null()).sink_ndjson("/dev/stdout")
"""


def cpu_seconds(command: str) -> float:
    """User and system time of a shell command and all it started. Raises CalledProcessError."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(title: str, commands: dict[str, str], rounds: int = ROUNDS) -> None:
    """Run the commands in turn and print the median CPU time of each and its ratio to the first."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            try:
                times[name].append(cpu_seconds(command))
            except subprocess.CalledProcessError as error:
                times[name].append(float("nan"))
                print(f"  {name}: exit status {error.returncode}", file=sys.stderr)
    medians = {name: statistics.median(each) for name, each in times.items()}
    first = next(iter(medians.values()))
    print(f"{title:<44}{'CPU s':>8}{'ratio':>8}")
    for name, seconds in medians.items():
        print(f"  {name:<42}{seconds:>8.3f}{seconds / first:>8.2f}", flush=True)
    print()


def script(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.py"
    path.write_text(text)
    return f"{sys.executable} {path}"


def reading(folder: Path, shard: Path) -> None:
    compare(
        "lines of a 128 MB shard",
        {
            "zstd -d": f"zstd -dqc {shard}",
            "r1tool's reader": f"{script(folder, 'read', READ)} {shard}",
            "zstdcat | wc -l": f"zstdcat {shard} | wc -l",
            "python-zstandard, io.TextIOWrapper": f"{script(folder, 'text', READ_TEXT)} {shard}",
        },
    )


def filtering(folder: Path, shard: Path) -> None:
    commands = {
        "r1tool split --keep verified": f"{R1TOOL} split -q --keep verified {shard} | cat",
        "python json": f"cat {shard} | {script(folder, 'filter', FILTER_JSON)} | cat",
    }
    if shutil.which("jq"):
        commands["zstdcat | jq -c 'select(...)'"] = f"zstdcat {shard} | jq -c 'select(.source)' | cat"
    for name, text in (("duckdb", DUCKDB), ("polars", POLARS)):
        if find_spec(name):
            commands[name] = f"{script(folder, f'{name}_', text)} {shard} | cat"
    compare("filter a shard into a pipe", commands)


def piping(shard: Path) -> None:
    def pipeline(options: str) -> str:
        stage = f"{R1TOOL} split -q {options}"
        return f"zstd -dqc {shard} | {stage} | {stage} | {stage} | cat"

    compare(
        "three stages",
        {
            "plain JSONL (-z none)": pipeline("-z none"),
            "r1tool's zstd": pipeline(""),
            "zstd level 1": pipeline("--level 1"),
            "zstd level 3": pipeline("--level 3"),
        },
        rounds=3,
    )


def latency() -> None:
    """From the moment a row is written into a pipeline to the moment it can be read at its end."""
    print(f"{'through two stages':<44}{'median ms':>10}{'max ms':>8}")
    for first in ("split", "verify"):
        for size in (46_000, 500):
            seconds = _seconds_through([first, "-q"], ["split", "-q", "-z", "none"], size)
            late = sum(each > LATENCY_GOAL_SECONDS for each in seconds)
            name = f"{first} | split, rows of {size:,} bytes"
            print(f"  {name:<42}{1000 * statistics.median(seconds):>10.1f}{1000 * max(seconds):>8.1f}  late: {late}")
    print(flush=True)


def _seconds_through(first: list[str], second: list[str], size: int) -> list[float]:
    read_end, write_end = os.pipe()
    r1tool = [sys.executable, "-m", "r1tool"]
    source = subprocess.Popen([*r1tool, *first], stdin=read_end, stdout=subprocess.PIPE, bufsize=0)
    sink = subprocess.Popen([*r1tool, *second], stdin=source.stdout, stdout=subprocess.PIPE)
    os.close(read_end)
    assert sink.stdout
    row = orjson.dumps({"problem": "p", "answer": "1", "generations": ["x" * size]}) + b"\n"
    sent: list[float] = []

    def send(rows: int) -> None:
        for _ in range(rows):
            sent.append(time.perf_counter())
            view = memoryview(row)
            while view:
                view = view[os.write(write_end, view) :]
            time.sleep(ROW_SECONDS)

    send(1)
    sink.stdout.readline()  # all have started
    thread = threading.Thread(target=send, args=(ROWS_TIMED,))
    thread.start()
    seconds = []
    for number in range(1, ROWS_TIMED + 1):
        sink.stdout.readline()
        seconds.append(time.perf_counter() - sent[number])
    thread.join()
    os.close(write_end)
    source.wait()
    sink.wait()
    return seconds


def _spin(step: bytes) -> bytes:
    end = time.thread_time() + 0.001  # process_time() moves in ticks where RLIMIT_CPU is set
    while time.thread_time() < end:
        pass
    return b"correct"


def _work(context: bytes, step: bytes) -> bytes:
    return _spin(step)


def workers(shard: Path) -> None:
    """What handing a row to a worker costs the parent."""
    import multiprocessing

    from r1tool.stream.readers import lines
    from r1tool.stream.sources import Source
    from r1tool.workers.pool import Pool, Task

    rows = []
    for line in lines(Source(str(shard), str(shard))):
        rows.append(line)
        if len(rows) == 1000:
            break

    def ours() -> None:
        with Pool(_work, workers=2, step_seconds=60) as pool:
            for _ in pool.map(Task(None, b"", [line]) for line in rows):
                pass

    def imap(chunk: int) -> Callable[[], None]:
        def run() -> None:
            with multiprocessing.get_context("fork").Pool(2) as pool:
                for _ in pool.imap(_spin, rows, chunk):
                    pass

        return run

    runs = {"r1tool's pool": ours, "multiprocessing imap": imap(1), "multiprocessing imap, chunks of 8": imap(8)}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            before = getrusage(RUSAGE_SELF)
            run()
            after = getrusage(RUSAGE_SELF)
            seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
            times[name].append(seconds / len(rows) * 1e6)
    size = sum(map(len, rows)) // len(rows) // 1000
    print(f"{f'1 ms of work on {size} KB rows, parent':<44}{'CPU us':>8}")
    for name, each in times.items():
        print(f"  {name:<42}{statistics.median(each):>8.0f}")
    print(flush=True)


def memory(shard: Path) -> None:
    """PSS of each stage of a long pipeline nobody reads the end of, at -j 2."""
    import psutil

    split, verify = f"{R1TOOL} split -q", f"{R1TOOL} verify -q -j 2"
    command = f"for i in 1 2 3 4; do cat {shard}; done | {split} | {verify} | {split} | sleep 45"
    shell = subprocess.Popen(["bash", "-c", command], stderr=subprocess.DEVNULL)
    peaks: dict[str, float] = {}
    for _ in range(40):
        time.sleep(1)
        for process in psutil.Process(shell.pid).children():
            try:
                name = " ".join(process.cmdline()[3:]) if "r1tool" in process.cmdline() else ""
                family = [process, *process.children(recursive=True)]
                total = sum(each.memory_full_info().pss for each in family) / 2**20
            except psutil.Error:
                continue
            if name:
                key = f"{name} ({process.pid})"
                peaks[key] = max(peaks.get(key, 0.0), total)
    shell.wait()
    print(f"{'the reader stalls':<44}{'PSS MiB':>8}")
    for key, total in peaks.items():
        print(f"  {key.rpartition(' ')[0]:<42}{total:>8.0f}")
    print(flush=True)


def starting(folder: Path) -> None:
    tiny = folder / "tiny.jsonl"
    tiny.write_bytes(b'{"problem":"p","generations":["a"],"verdicts":["correct"]}\n')
    compare(
        "start-up",
        {
            "python -c 'import typer'": f"{sys.executable} -c 'import typer'",
            "python -c pass": f"{sys.executable} -c pass",
            "r1tool --version": f"{R1TOOL} --version",
            "r1tool --help": f"{R1TOOL} --help",
            "r1tool verify --help": f"{R1TOOL} verify --help",
            "r1tool stats, one row": f"{R1TOOL} stats -q {tiny}",
            "r1tool split, one row": f"{R1TOOL} split -q {tiny}",
        },
        rounds=11,
    )


def main() -> None:
    """Make a shard, measure, print."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="r1tool-bench-") as name:
        folder = Path(name)
        shard = folder / "shard.jsonl.zst"
        rows = make_shard(shard, SHARD_BYTES)
        print(f"streams: {rows:,} rows of {SHARD_BYTES // rows // 1000} KB\n", flush=True)
        starting(folder)
        reading(folder, shard)
        filtering(folder, shard)
        piping(shard)
        latency()
        workers(shard)
        memory(shard)


if __name__ == "__main__":
    main()
