"""`push` of 100,000 rows of 20 KB into a folder, beside `datasets`: peak memory, CPU time, size."""

import os
import random
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROWS = 100_000
GENERATION_CHARACTERS = 9500
"""Of each of two generations: about 20 KB a row."""
POOL_CHARACTERS = 3_000_000
MB = 1e6

DATASETS = """
import sys, datasets
datasets.disable_progress_bars()
source, cache, target = sys.argv[1:]
rows = datasets.load_dataset("json", data_files=source, split="train", cache_dir=cache)
rows.to_parquet(target)
"""


def make_rows(path: Path, count: int = ROWS) -> None:
    """Write rows whose generations are cut out of one pool of random words."""
    import orjson
    import zstandard

    draw = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(4000)] + ["\\frac{1}{2}", "\n\n"]
    pool = " ".join(draw.choices(words, k=POOL_CHARACTERS // 6))

    def text(size: int) -> str:
        start = draw.randrange(len(pool) - size)
        return pool[start : start + size]

    with path.open("wb") as file, zstandard.ZstdCompressor(1).stream_writer(file) as writer:
        for number in range(count):
            row = {
                "problem": text(200),
                "solution": text(600),
                "answer": "7",
                "source": draw.choice(["olympiads", "cn_k12"]),
                "uuid": f"{number:032x}",
                "generations": [text(GENERATION_CHARACTERS) for _ in range(2)],
                "verdicts": ["correct", "wrong"],
                "correctness_math_verify": [True, False],
                "correctness_llama": None,
                "token_counts": [{"prompt": 50, "completion": draw.randrange(16000), "thinking": 9} for _ in range(2)],
                "sampling": {"model": "deepseek-ai/DeepSeek-R1", "temperature": 0.6, "gpu_seconds": 1.5},
            }
            writer.write(orjson.dumps(row) + b"\n")


def measure(name: str, command: list[str], made: Path) -> None:
    """Run the command and print its peak memory, its CPU time and the size of what it made."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed")
    size = sum(path.stat().st_size for path in made.rglob("*.parquet")) / MB
    peak, seconds = usage.ru_maxrss * 1024 / MB, usage.ru_utime + usage.ru_stime
    print(f"  {name:<32}{peak:>9.0f}{seconds:>8.1f}{size:>10.0f}")


def main() -> None:
    """Make the rows, measure, print."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="r1tool-bench-") as folder:
        source, made, other = (Path(folder, name) for name in ("rows.jsonl.zst", "made", "other"))
        make_rows(source)
        other.mkdir()
        print(f"{f'push, {ROWS:,} rows of 20 KB':<34}{'peak MB':>9}{'CPU s':>8}{'made MB':>10}")
        measure("r1tool push", [sys.executable, "-m", "r1tool", "push", "-q", str(source), str(made)], made)
        if find_spec("datasets"):
            script = Path(folder, "with_datasets.py")
            script.write_text(DATASETS)
            command = [sys.executable, str(script), str(source), str(Path(folder, "cache")), str(other / "0.parquet")]
            measure("datasets", command, other)
        print()


if __name__ == "__main__":
    main()
