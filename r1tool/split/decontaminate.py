"""Drop problems that share words with a benchmark: n-gram overlap as s1 and open-r1 measure it.

Both collapse white space, lower the case and call a problem contaminated if it shares one word 8-gram with any
benchmark problem (s1 data/decontaminate_util.py, open-r1 scripts/decontaminate.py).
"""

from collections.abc import Iterable

from r1tool.errors import BadRow, R1Error
from r1tool.records.aliases import BENCHMARK_PROBLEM
from r1tool.records.row import Row
from r1tool.split.rules import Rule
from r1tool.split.words import ngrams
from r1tool.stream.readers import lines
from r1tool.stream.sources import expand

NGRAM = 8


def benchmark_problem(row: Row) -> str | None:
    """The problem of one row of a benchmark, None where no column of BENCHMARK_PROBLEM holds a text."""
    names = {name.lower(): name for name in reversed(list(row))}
    for field in BENCHMARK_PROBLEM:
        if field in names and isinstance(value := row[names[field]], str):
            return value
    return None


def read_benchmark(name: str) -> list[str]:
    """The problems of a file, folder, hf:// dataset or whatever else a command reads. Raises R1Error."""
    problems = []
    for source in expand([name]):
        for number, line in enumerate(lines(source), 1):
            try:
                problem = benchmark_problem(Row.parse(line)) if line.strip() else None
            except BadRow as error:
                raise R1Error(f"{source.name}:{number}: {error}") from None
            if problem is not None:
                problems.append(problem)
    if not problems:
        raise R1Error(f"{name}: no column of problems found (problem, question, ...)")
    return problems


def uncontaminated(benchmarks: Iterable[tuple[str, Iterable[str]]], size: int = NGRAM) -> Rule:
    """The rule that drops a problem sharing an n-gram with a benchmark, given as names and problems.

    Memory: about 150 bytes a word of the benchmarks. A problem of fewer than `size` words is never dropped.
    """
    seen = {gram: name for name, problems in benchmarks for problem in problems for gram in ngrams(problem, size)}

    def rule(row: Row) -> str | None:
        for gram in ngrams(row.get("problem", ""), size):
            if gram in seen:
                return f"in {seen[gram]}"
        return None

    return rule
