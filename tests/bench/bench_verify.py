"""`verify` beside Math-Verify: how often each is right, by category, and what a row costs.

    python tests/bench/bench_verify.py [DATA] [--speed DATA]

DATA is JSONL (.zst or not) of rows {problem, answer, generation, label, category}: labelled answers, for the accuracy.
--speed DATA is timed instead of DATA. Without DATA, rows are made here: answers with known labels, and for the timing
the same ones behind thoughts of R1's length.
"""

import argparse
import collections
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

THOUGHT_CHARS = 20_000
MADE_ROWS = 1_500
PEER_SECONDS = 5
"""Math-Verify's own default, for parsing and for comparing."""

Row = dict[str, Any]
Grader = Callable[[str, str, str], bool]


def read(path: str) -> list[Row]:
    import zstandard

    with open(path, "rb") as file:
        magic = file.read(4)
        file.seek(0)
        stream = zstandard.ZstdDecompressor().stream_reader(file) if magic == b"\x28\xb5\x2f\xfd" else file
        return [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8") if line.strip()]


def made() -> Iterator[Row]:
    """Labelled rows of several kinds, half of them wrong."""
    draw = random.Random(0)
    for index in range(MADE_ROWS):
        a, b, c = draw.randint(2, 99), draw.randint(2, 99), draw.choice((2, 3, 5, 7, 11))
        right = index % 2 == 0
        off = 0 if right else draw.choice((1, -1, 2))
        category, gold, answer = draw.choice(
            [
                ("integer", str(a * b), str(a * b + off)),
                ("integer", str(a * 1000), f"{a},{off:03d}" if off >= 0 else f"{a - 1},999"),
                ("integer+units", str(a), rf"{a + off} \text{{ cm}}"),
                ("fraction", rf"\frac{{{a}}}{{{b}}}", rf"\dfrac{{{2 * (a + off)}}}{{{2 * b}}}"),
                ("radical", rf"{a}\sqrt{{{c}}}", rf"\sqrt{{{(a + off) ** 2 * c}}}"),
                ("expression", f"(x+{a})(x-{b})", f"x^2 + {a - b + off}x - {a * b}".replace("+ -", "- ")),
                ("set", f"{a}, {a + b}", rf"\{{{a + b + off}, {a}\}}"),
                ("tuple", f"({a}, {b})", rf"\left({a}, {b + off}\right)"),
                ("interval", rf"({a}, \infty)", f"x > {a + off}"),
                ("equation", f"y = {a}x + {b}", f"{a}x - y + {b + off} = 0"),
                ("percent", rf"{a}\%", str(a + off)),
                ("text", r"\text{even}", "Even" if right else "odd"),
            ]
        )
        yield {
            "problem": "",
            "answer": gold,
            "generation": rf"The answer is $\boxed{{{answer}}}$.",
            "label": right,
            "category": category,
        }


def with_thoughts(rows: list[Row]) -> list[Row]:
    draw = random.Random(1)
    words = [
        "so",
        "we",
        "have",
        "the",
        "number",
        "of",
        "wait",
        "let me check",
        "$x$",
        r"\frac{a}{b}",
        "$n = 12$",
        "is right",
    ]

    def thought() -> str:
        return " ".join(draw.choices(words, k=THOUGHT_CHARS // 5))

    return [{**row, "generation": f"<think>\n{thought()}\n</think>\n\n{row['generation']}"} for row in rows]


def graders() -> dict[str, Grader]:
    """Verdicts by name. A gold is wrapped in `$` as Math-Verify asks for, but for open-r1 as it calls it."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

    from r1tool.grading import grade

    open_r1 = LatexExtractionConfig(
        normalization_config=NormalizationConfig(
            nits=False, malformed_operators=False, basic_latex=True, equations=True, boxed="all", units=True
        ),
        boxed_match_priority=0,
        try_extract_without_anchor=False,
    )
    lighteval = (ExprExtractionConfig(), LatexExtractionConfig(boxed_match_priority=0))

    def wrapped(gold: str) -> str:
        return gold if "$" in gold or "\\boxed" in gold else f"${gold}$"

    def by_open_r1(gold: str, generation: str) -> bool:
        reference = parse(gold, extraction_mode="first_match")
        answer = parse(generation, extraction_config=[open_r1], extraction_mode="first_match")
        return bool(reference) and verify(reference, answer)

    return {
        "r1tool": lambda gold, generation, problem: grade(gold, generation, problem).outcome == "correct",
        "Math-Verify defaults": lambda gold, generation, _: verify(parse(wrapped(gold)), parse(generation)),
        "open-r1": lambda gold, generation, _: by_open_r1(gold, generation),
        "open-r1, gold in $": lambda gold, generation, _: by_open_r1(wrapped(gold), generation),
        "lighteval": lambda gold, generation, _: verify(parse(wrapped(gold), lighteval), parse(generation, lighteval)),
    }


def accuracy(rows: list[Row]) -> None:
    import logging

    logging.disable(logging.CRITICAL)
    table: dict[str, dict[str, list[bool]]] = {}
    for name, right in graders().items():
        by_category: dict[str, list[bool]] = collections.defaultdict(list)
        positive = true_positive = called = 0
        for row in rows:
            verdict = right(row["answer"], row["generation"], row.get("problem") or "")
            by_category[row.get("category") or "all"].append(verdict == row["label"])
            positive += row["label"]
            called += verdict
            true_positive += verdict and row["label"]
        table[name] = by_category
        agreed = sum(sum(outcomes) for outcomes in by_category.values())
        print(
            f"{name:22} accuracy {agreed / len(rows):.4f}  precision {true_positive / max(called, 1):.4f}"
            f"  recall {true_positive / max(positive, 1):.4f}",
            flush=True,
        )
    print(f"\n{'accuracy by category':28}{'rows':>6}" + "".join(f"{name[:20]:>22}" for name in table))
    for category, outcomes in sorted(table["r1tool"].items()):
        cells = (sum(by[category]) / len(by[category]) for by in table.values())
        print(f"{category:28}{len(outcomes):6}" + "".join(f"{cell:22.3f}" for cell in cells))


BASELINE = """
import sys
from datasets import load_dataset
from latex2sympy2_extended import NormalizationConfig
from math_verify import LatexExtractionConfig, parse, verify
config = LatexExtractionConfig(
    normalization_config=NormalizationConfig(nits=False, malformed_operators=False, basic_latex=True, equations=True,
                                             boxed="all", units=True),
    boxed_match_priority=0, try_extract_without_anchor=False)
def check(row):
    gold = parse(row["answer"], extraction_mode="first_match")
    answer = parse(row["generations"][0], extraction_config=[config], extraction_mode="first_match")
    return {"correct": bool(gold) and verify(gold, answer)}
if __name__ == "__main__":
    rows = load_dataset("json", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
    if sys.argv[3] == "verify":
        rows = rows.map(check, num_proc=2)
    rows.to_json(sys.argv[2] + "/out.jsonl")
"""


def cpu_seconds(command: list[str]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{command[:4]} failed: {done.stderr.decode()[-2000:]}")
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def speed(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        with path.open("w") as file:
            for row in rows:
                columns = {name: row[name] for name in ("problem", "answer")}
                file.write(json.dumps({**columns, "generations": [row["generation"]]}) + "\n")
        script = Path(folder, "baseline.py")
        script.write_text(BASELINE)
        size = path.stat().st_size / len(rows)
        ours = [sys.executable, "-m", "r1tool", "verify", "-q", "-j", "2", "-o", f"{folder}/out.jsonl.zst"]
        peer = [sys.executable, str(script), str(path), folder]
        verify, start = cpu_seconds([*ours, str(path)]), cpu_seconds([*ours, "--limit", "0", str(path)])
        theirs, load = cpu_seconds([*peer, "verify"]), cpu_seconds([*peer, "load"])
        count = len(rows)
        print(f"\n{count} rows of {size / 1000:.1f} kB, CPU time of the whole command, start-up included")
        print(f"r1tool verify                     {verify:7.2f} s  {1000 * verify / count:7.3f} ms a row"
              f"  (start-up {start:.2f} s)")  # fmt: skip
        print(f"datasets.map, open-r1's settings  {theirs:7.2f} s  {1000 * theirs / count:7.3f} ms a row"
              f"  (without verifying {load:.2f} s)")  # fmt: skip
        print(f"ratio                             {theirs / verify:7.1f} x")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", metavar="DATA")
    parser.add_argument("--speed", metavar="DATA")
    options = parser.parse_args()
    rows = read(options.data) if options.data else list(made())
    labelled = [row for row in rows if "label" in row]
    if labelled:
        accuracy(labelled)
    if options.speed:
        speed(read(options.speed))
    else:
        speed(rows if options.data else with_thoughts(rows))


if __name__ == "__main__":
    main()
