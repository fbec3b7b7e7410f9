"""r1tool stats: count and summarise."""

import sys

from r1tool.errors import DONE, FAILED, USAGE, BadRow, R1Error
from r1tool.records.report import report
from r1tool.records.tally import Summary, Vote, plain
from r1tool.stats.count import count_all
from r1tool.stats.majority import majority_is_right
from r1tool.stats.options import StatsOptions
from r1tool.stats.plot import check_plot, plot
from r1tool.stats.text import table
from r1tool.stream.options import StreamOptions
from r1tool.stream.readers import Cancelled
from r1tool.stream.stage import Stage

HELP = """Count rows, generations, verdicts and tokens, and print a table or, with --json, one JSON object.

A generation is right if verify or the judge says so. Tokens are completion tokens as the server counted them, never
guessed from the text. --pass-at K is the unbiased estimate over the generations of which it is known whether they are
right; a row with fewer than K of them is left out and the table says how many were. --majority is the share of rows
whose most frequent answer, by mathematical equality, is right.

Cost: counters only, one set for each source and value of --by, whatever the length; about as fast as decompressing,
on all cores over several files.

\b
Examples:
  r1tool stats out/*.jsonl.zst
  r1tool stats --pass-at 1,4,16 --by problem_type traces/ --json | jq .by
  r1tool stats traces/ --html report.html --plot report.svg
"""


def run(options: StatsOptions, stream: StreamOptions) -> int:
    wanted = _numbers(options.pass_at)
    vote = majority_is_right if options.majority else None
    if options.plot is not None:
        check_plot(options.plot)
    summary = Summary(options.by)
    with Stage("stats", stream, writes=False) as stage:
        if stream.limit is not None or stream.rejects or stream.strict:
            _count_rows(stage, summary, vote)
        else:
            _count_files(stage, summary, vote)
    if stage.status not in (DONE, FAILED):
        return stage.status
    result = report(summary, wanted, options.majority, options.gpus)
    if options.json:
        import orjson

        sys.stdout.write(orjson.dumps(result).decode() + "\n")
    else:
        sys.stdout.write(table(result))
    # shown first: what was counted for an hour must not be lost over a picture
    sys.stdout.flush()
    if options.plot is not None:
        plot(summary, result, options.plot)
    if options.html is not None:
        from r1tool.stats.html import page

        try:
            options.html.write_text(page(summary, result), encoding="utf-8")
        except OSError as error:
            raise R1Error(f"{options.html}: cannot write there: {error.strerror}") from None
    return stage.status


def _count_rows(stage: Stage, summary: Summary, vote: Vote | None) -> None:
    """One row after the other, as the limit, the rejects and --strict need it."""
    for row in stage.rows():
        try:
            summary.add(plain(row, summary.by), vote)
        except BadRow as error:
            stage.reject(row, str(error))


def _count_files(stage: Stage, summary: Summary, vote: Vote | None) -> None:
    try:
        for counted in count_all(
            stage.sources, stage.options.workers, summary.by, vote, stage.stop, stage.progress.advance
        ):
            summary.merge(counted.summary)
            stage.rows_in += counted.rows + counted.bad
            stage.rejected += counted.bad
            name = counted.source.name
            for what in counted.damage:
                stage.fail(f"{name}: {what} after {counted.rows} rows")
            if counted.bad:
                stage.fail(f"{name}: {counted.bad} rows cannot be counted, the first in {counted.first_bad}")
    except Cancelled:
        pass
    except OSError as error:
        raise R1Error(f"{error.filename or 'input'}: cannot be read: {error.strerror or error}") from None


def _numbers(text: str | None) -> list[int]:
    if text is None:
        return []
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(numbers) < 1:
        raise R1Error(f"--pass-at {text}: give whole numbers from 1, such as 1,4,16", USAGE)
    return numbers
