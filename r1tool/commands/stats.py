"""r1tool stats: count and summarise."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from r1tool.errors import DONE, FAILED, USAGE, BadRow, R1Error
from r1tool.stats.count import count_all
from r1tool.stats.majority import majority_is_right
from r1tool.stats.plot import check_plot, plot
from r1tool.stats.report import report
from r1tool.stats.tally import Summary, Vote, plain
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


def run(
    stream: StreamOptions,
    *,
    by: Annotated[str | None, typer.Option("--by", metavar="FIELD", help="Count each value of FIELD apart.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    pass_at: Annotated[
        str | None, typer.Option("--pass-at", metavar="K,...", help="Estimate pass@K, such as 1,4,16.")
    ] = None,
    majority: Annotated[
        bool, typer.Option("--majority", help="Share of rows whose most frequent answer is right.")
    ] = False,
    gpus: Annotated[
        int | None, typer.Option("--gpus", metavar="N", min=1, help="Hours on N GPUs, generations an hour and GPU.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw charts into FILE.png or .svg; takes the extra 'plot'."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page that needs no other.")
    ] = None,
) -> int:
    wanted = _numbers(pass_at)
    vote = majority_is_right if majority else None
    if picture is not None:
        check_plot(picture)
    summary = Summary(by)
    with Stage("stats", stream, writes=False) as stage:
        if stream.limit is not None or stream.rejects or stream.strict:
            _count_rows(stage, summary, vote)
        else:
            _count_files(stage, summary, vote)
    if stage.status not in (DONE, FAILED):
        return stage.status
    result = report(summary, wanted, majority, gpus)
    if as_json:
        import orjson

        sys.stdout.write(orjson.dumps(result).decode() + "\n")
    else:
        sys.stdout.write(table(result))
    # shown first: what was counted for an hour must not be lost over a picture
    sys.stdout.flush()
    if picture is not None:
        plot(summary, result, picture)
    if html is not None:
        from r1tool.stats.html import page

        try:
            html.write_text(page(summary, result), encoding="utf-8")
        except OSError as error:
            raise R1Error(f"{html}: cannot write there: {error.strerror}") from None
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
