"""`stats`: the rows of a stage, counted."""

from r1tool.errors import BadRow, R1Error
from r1tool.progress import counted
from r1tool.records.tally import Summary, Vote, counted_values
from r1tool.stats.count import count_all
from r1tool.stream.readers import Cancelled
from r1tool.stream.stage import Stage


def summarize(stage: Stage, by: str | None = None, vote: Vote | None = None) -> Summary:
    """Count the rows of `stage`, which must have begun: whole files on all cores, unless its options ask for each row.

    `by` is a column whose values are counted one by one, `vote` the judge of majorities. The stage is told what cannot
    be counted. Raises R1Error where an input cannot be read.
    """
    summary = Summary(by)
    options = stage.options
    if options.limit is not None or options.rejects or options.strict:
        _count_rows(stage, summary, vote)
    else:
        _count_files(stage, summary, vote)
    return summary


def _count_rows(stage: Stage, summary: Summary, vote: Vote | None) -> None:
    """One row after the other, as the limit, the rejects and --strict need it."""
    for row in stage.rows():
        try:
            summary.add(counted_values(row, summary.by), vote)
        except BadRow as error:
            stage.reject(row, str(error))


def _count_files(stage: Stage, summary: Summary, vote: Vote | None) -> None:
    try:
        for each in count_all(
            stage.sources, stage.options.workers, summary.by, vote, stage.stop, stage.progress.advance
        ):
            summary.merge(each.summary)
            stage.rows_in += each.rows + each.bad
            stage.rejected += each.bad
            name = each.source.name
            for what in each.damage:
                stage.fail(f"{name}: {what} after {counted(each.rows, 'row')}")
            if each.bad:
                stage.fail(f"{name}: {counted(each.bad, 'row')} could not be counted, the first in {each.first_bad}")
    except Cancelled:
        pass
    except OSError as error:
        raise R1Error(f"cannot read {error.filename or 'input'}: {error.strerror or error}") from None
