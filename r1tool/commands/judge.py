"""r1tool judge: ask a model about the answers the rules rejected."""

from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated, Literal

import typer

from r1tool.client.options import ClientOptions
from r1tool.commands.expand import text_or_file
from r1tool.errors import FAILED
from r1tool.judge.prompt import check, default_template
from r1tool.judge.run import DEFAULT_MODEL, Judge, JudgeSettings
from r1tool.serving.options import ServingOptions
from r1tool.stream.journal import Journal, journal_path
from r1tool.stream.options import StreamOptions
from r1tool.stream.outputs import keep_apart
from r1tool.stream.stage import Stage

HELP = f"""Ask a model whether answers that the rules rejected are right after all.

Asks about complete generations whose verdict is wrong, timeout, error or gold_unparsable and that do answer something;
the judge sees the problem, the reference answer and what follows the thought. Writes `judge_verdicts` (EQUIVALENT,
DIFFERENT, AMBIGUOUS, UNPARSABLE), `correctness_llama` (null where nobody was asked) and `correctness_count`. What was
judged before is not asked again, nor what the journal beside `-o FILE` holds. Default model: {DEFAULT_MODEL}.

Cost: one request of some 100 tokens' answer a rejected generation, at temperature 0; up to 512 rows in memory. --spool
costs disk in TMPDIR, about a third of the rows' size. The embedded engine judges no better than chance.

\b
Example:
  r1tool verify traces.jsonl.zst | r1tool judge --spool --tp 8 -o judged.jsonl.zst
"""

ROWS_IN_FLIGHT = 512


def run(
    stream: StreamOptions,
    serving: ServingOptions,
    client: ClientOptions,
    *,
    which: Annotated[
        Literal["wrong", "all"], typer.Option("--which", help="Ask about what the rules rejected, or all answers.")
    ] = "wrong",
    votes: Annotated[
        int, typer.Option("--votes", metavar="N", min=1, help="Votes a generation, the majority counts.")
    ] = 1,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", metavar="@FILE", help="Own prompt with {problem}, {answer}, {generation}."),
    ] = None,
    constrained: Annotated[
        bool | None,
        typer.Option("--constrained/--free", help="Force the reply's form; default: on the embedded engine."),
    ] = None,
    spool: Annotated[
        bool, typer.Option("--spool", help="Wait until upstream has ended before the server starts.")
    ] = False,
    journal: Annotated[
        str | None,
        typer.Option("--journal", metavar="FILE", help="Where verdicts are kept; default: OUTPUT.journal."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Ask only for what the journal lacks, or start over.")
    ] = True,
) -> int:
    from r1tool.client.client import ANSWER_SECONDS, connect
    from r1tool.serving.launch import choose
    from r1tool.stream.concurrent import map_rows, run_async

    template = default_template() if prompt is None else check(text_or_file("--prompt", prompt))
    settings = JudgeSettings(which, votes, template, constrained)
    engine = choose(serving)
    if serving.model is None and engine and engine.default_model is None:
        serving = replace(serving, model=DEFAULT_MODEL)

    path = journal or journal_path(stream.output)

    async def main(stage: Stage, kept: Journal | None) -> None:
        def failed(reason: str) -> None:
            stage.status = stage.status or FAILED
            stage.warn(reason)

        async with connect(serving, client, engine, note=stage.note) as servers:
            if servers.served_model is None:
                await servers.answers_within(ANSWER_SECONDS)
            judge = Judge(servers, settings, kept, failed)
            await map_rows(stage, judge.row, in_flight=ROWS_IN_FLIGHT, ordered=True)
        stage.note(f"{judge.asked} generations asked about, {judge.kept} taken from the journal")

    keep_apart(stream.rejects, [path])
    keep_apart(path, [*stream.inputs, stream.output], "--journal")
    with ExitStack() as stack:
        kept = stack.enter_context(Journal(path, resume=resume)) if path else None
        stage = stack.enter_context(Stage("judge", stream, spooled=spool))
        run_async(main(stage, kept))
    return stage.status
