"""Count whole inputs as fast as they can be decompressed: the generations are skipped, and files share the cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from r1tool.errors import BadRow, R1Error
from r1tool.records.row import Row
from r1tool.records.skim import ColumnReader
from r1tool.records.tally import LISTS, NEEDED, Summary, Vote, counted_values
from r1tool.stream.readers import Cancelled, StopSignal, lines
from r1tool.stream.sources import Source

FORK_BYTES = 16 << 20
"""Below this, all files together are counted before a second process has started."""
TICK_ROWS = 256
WAIT_SECONDS = 0.2


@dataclass
class Count:
    """What one source held: its summary, rows, and rows that could not be counted, with the reason of the first."""

    source: Source
    summary: Summary
    rows: int = 0
    bad: int = 0
    first_bad: str = ""
    damage: list[str] = field(default_factory=list)


def count(
    source: Source,
    by: str | None = None,
    vote: Vote | None = None,
    stop: StopSignal | None = None,
    tick: Callable[[int], None] | None = None,
) -> Count:
    """Count one source. `tick` is told of rows as they are read. Raises OSError, and Cancelled after `stop.set()`."""
    counted = Count(source, Summary(by))
    names = [*NEEDED, by] if by is not None else NEEDED
    read = ColumnReader(names)
    add = counted.summary.add
    number = since = 0
    for number, line in enumerate(lines(source, counted.damage.append, stop), 1):
        try:
            try:
                values = read(line)
            except orjson.JSONDecodeError:  # not JSON, or a number beyond a double, which a Row takes
                values = {}
            if not any(map(values.get, LISTS)):
                values = counted_values(_adopted(line), by)
            add(values, vote)
            counted.rows += 1
        except (ValueError, BadRow) as error:
            if line.strip(b" \t\r\xef\xbb\xbf"):
                counted.bad += 1
                counted.first_bad = counted.first_bad or f"line {number}: {error}"
        if tick is not None and number - since == TICK_ROWS:
            since = number
            tick(TICK_ROWS)
    if tick is not None:
        tick(number - since)
    return counted


def count_all(
    sources: Sequence[Source],
    workers: int | None = None,
    by: str | None = None,
    vote: Vote | None = None,
    stop: StopSignal | None = None,
    tick: Callable[[int], None] | None = None,
) -> Iterator[Count]:
    """Count each source, local files in up to `workers` processes (None: one per core), in any order."""
    shared = [source for source in sources if source.path is not None and not (source.is_remote or source.is_pipe)]
    cores = min(workers or len(os.sched_getaffinity(0)), len(shared))
    if cores < 2 or sum(os.path.getsize(source.path or "") for source in shared) < FORK_BYTES:
        shared = []
    for source in sources:
        if source not in shared:
            yield count(source, by, vote, stop, tick)
    if not shared:
        return
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait

    # the largest first, so that none is left to one process in the end
    shared.sort(key=lambda source: -os.path.getsize(source.path or ""))
    pool = ProcessPoolExecutor(cores, multiprocessing.get_context("fork"), _leave_signals)
    waiting = {pool.submit(count, source, by, vote) for source in shared}
    try:
        while waiting:
            done, waiting = wait(waiting, WAIT_SECONDS, FIRST_COMPLETED)
            if stop is not None and stop.is_set:
                raise Cancelled
            for counted in (each.result() for each in done):
                if tick is not None:
                    tick(counted.rows)
                yield counted
    except BrokenExecutor:
        raise R1Error("a worker process was killed; run the command again with fewer of them (-j)") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _adopted(line: bytes) -> Row:
    from r1tool.records.aliases import adopt

    return adopt(Row.parse(line))


def _leave_signals() -> None:
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
