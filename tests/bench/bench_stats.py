"""`stats` beside what else counts a zstd JSONL shard: CPU time, start-up included, as ratios in one run."""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

SHARD_BYTES = 128_000_000
ROW_WORDS = 7200
"""Of both generations: about 46 KB a row."""
ROUNDS = 7
SHARDS = 8

JQ = (
    "jq -n 'reduce inputs as $r ({}; .rows += 1 | .generations += ($r.generations | length)"
    " | .right += ([$r.correctness_math_verify[] | select(.)] | length)"
    " | .tokens += ([$r.token_counts[].completion] | add))'"
)
DUCKDB = """
import duckdb
columns = {"source": "VARCHAR", "correctness_math_verify": "BOOLEAN[]", "verdicts": "VARCHAR[]",
           "token_counts": "STRUCT(completion BIGINT)[]"}
duckdb.sql("SET threads = 1")
rows = duckdb.read_json(FILES, format="newline_delimited", columns=columns, maximum_object_size=10**8)
print(duckdb.sql("SELECT source, count(*), sum(len(list_filter(correctness_math_verify, lambda x: x))),"
                 " sum(len(verdicts)), sum(list_sum([t.completion for t in token_counts])) FROM rows GROUP BY 1"))
"""
POLARS = """
import os
os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl
schema = {"source": pl.String, "correctness_math_verify": pl.List(pl.Boolean), "verdicts": pl.List(pl.String),
          "token_counts": pl.List(pl.Struct({"completion": pl.Int64}))}
rows = pl.scan_ndjson(FILES, schema=schema)
print(rows.group_by("source").agg(pl.len(), pl.col("correctness_math_verify").list.sum().sum(),
                                  pl.col("verdicts").list.len().sum()).collect())
"""


def make_shard(path: Path, size: int = SHARD_BYTES, seed: int = 0) -> int:
    """Write rows of random words until they are `size` bytes of JSON; return how many."""
    import zstandard

    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(4000)]
    words += ["\\frac{1}{2}", "$x^2$", '"so"', "\n\n", "="]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    rows = written = 0
    with path.open("wb") as file, zstandard.ZstdCompressor(3).stream_writer(file) as writer:
        while written < size:
            texts = [" ".join(draw.choices(words, weights, k=ROW_WORDS // 2)) for _ in range(2)]
            row = {
                "problem": " ".join(draw.choices(words, k=40)),
                "solution": " ".join(draw.choices(words, k=120)),
                "answer": str(draw.randrange(1000)),
                "source": draw.choice(["olympiads", "cn_k12", "aops_forum"]),
                "uuid": f"{rows:032x}",
                "generations": [f"<think>\n{text}\n</think>\n\n\\boxed{{7}}" for text in texts],
                "finish_reasons": ["stop", "length"],
                "is_reasoning_complete": [True, False],
                "token_counts": [
                    {"prompt": 50, "completion": draw.randrange(500, 16000), "thinking": 400} for _ in range(2)
                ],
                "sampling": {"model": "deepseek-ai/DeepSeek-R1", "gpu_seconds": 1150.5},
                "correctness_math_verify": [True, False],
                "verdicts": ["correct", "wrong"],
                "extracted_answers": ["7", "8"],
                "correctness_llama": None,
                "correctness_count": 1,
            }
            line = json.dumps(row).encode() + b"\n"
            writer.write(line)
            written += len(line)
            rows += 1
    return rows


def cpu_seconds(command: str) -> float:
    """User and system time of a shell command and all it started. Raises CalledProcessError."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(title: str, commands: dict[str, str]) -> None:
    """Run the commands in turn, ROUNDS times, and print the median CPU time of each and its ratio to the first."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(cpu_seconds(command))
    medians = {name: statistics.median(each) for name, each in times.items()}
    first = next(iter(medians.values()))
    ours = medians["r1tool stats"]
    print(f"{title:<34}{'CPU s':>8}{'x zstd -d':>11}{'x r1tool':>10}")
    for name, seconds in medians.items():
        print(f"  {name:<32}{seconds:>8.3f}{seconds / first:>11.2f}{seconds / ours:>10.2f}")
    print()


def main() -> None:
    """Make the shards, measure, print."""
    python = sys.executable
    # bytecode is part of an installation; without it only compiling would be measured
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="r1tool-bench-") as folder:
        shard = Path(folder, "shard-0.jsonl.zst")
        rows = make_shard(shard)
        copies = [shard, *(Path(folder, f"shard-{number}.jsonl.zst") for number in range(1, SHARDS))]
        for copy in copies[1:]:
            os.link(shard, copy)
        subprocess.run([python, "-m", "r1tool", "stats", "-q", shard], check=True, stdout=subprocess.DEVNULL)
        print(f"stats: {rows:,} rows of {SHARD_BYTES // rows // 1000} KB a shard, median of {ROUNDS} rounds\n")
        one = {"zstd -d": f"zstd -dqc {shard}", "r1tool stats": f"{python} -m r1tool stats -q {shard}"}
        if shutil.which("jq"):
            one["zstdcat | jq"] = f"zstdcat {shard} | {JQ}"
        scripts = {"duckdb": DUCKDB, "polars": POLARS}
        for name, script in scripts.items():
            if find_spec(name):
                path = Path(folder, f"{name}_.py")
                path.write_text(script.replace("FILES", repr([str(shard)])))
                one[name] = f"{python} {path}"
        compare("one shard of 128 MB", one)
        every = " ".join(map(str, copies))
        compare(
            f"{SHARDS} shards, 1 GB",
            {"zstd -d": f"zstd -dqc {every}", "r1tool stats": f"{python} -m r1tool stats -q {every}"},
        )


if __name__ == "__main__":
    main()
