"""r1tool stats: count and summarise."""

import sys

from r1tool.errors import R1Error
from r1tool.records.report import report
from r1tool.stats.majority import majority_is_right
from r1tool.stats.options import StatsOptions, parse_pass_at
from r1tool.stats.plot import check_plot, plot
from r1tool.stats.run import summarize
from r1tool.stats.text import to_text
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage

HELP = """Count rows, generations, verdicts and tokens, and print a table or, with --json, one JSON object.

A generation is right if verify or the judge says so. Tokens are completion tokens as counted by the server, never
estimated from the text. --pass-at K is the unbiased estimate over generations known to be right or wrong; rows with
fewer than K of them are left out, and the table says how many. --majority is the share of rows whose most frequent
answer, up to mathematical equality, is right.

Cost: only counters, one set per source and per value of --by, however long the input; about as fast as decompression,
on all cores if there are several files.

\b
Examples:
  r1tool stats out/*.jsonl.zst
  r1tool stats --pass-at 1,4,16 --by problem_type traces/ --json | jq .by
  r1tool stats traces/ --html report.html --plot report.svg
"""


def run(options: StatsOptions, stream: StreamOptions) -> int:
    pass_at = parse_pass_at(options.pass_at)
    if options.plot is not None:
        check_plot(options.plot)
    with Stage("stats", stream, writes=False) as stage:
        summary = summarize(stage, options.by, majority_is_right if options.majority else None)
    if not stage.completed:
        return stage.status
    result = report(summary, pass_at, options.majority, options.gpus)
    if options.json:
        import orjson

        sys.stdout.write(orjson.dumps(result).decode() + "\n")
    else:
        sys.stdout.write(to_text(result))
    # shown first: what was counted for an hour must not be lost over a picture
    sys.stdout.flush()
    if options.plot is not None:
        plot(summary, result, options.plot)
    if options.html is not None:
        from r1tool.stats.html import to_html

        try:
            options.html.write_text(to_html(summary, result), encoding="utf-8")
        except OSError as error:
            raise R1Error(f"{options.html}: cannot write: {error.strerror}") from None
    return stage.status
