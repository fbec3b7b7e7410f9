"""r1tool judge: ask a model about the answers the rules rejected."""

from contextlib import ExitStack
from dataclasses import replace

from r1tool.client.options import ClientOptions
from r1tool.commands.expand import text_or_file
from r1tool.judge.options import JudgeOptions, RunOptions
from r1tool.judge.prompt import check
from r1tool.judge.run import DEFAULT_MODEL, judge, with_default_model
from r1tool.serving.options import ServingOptions
from r1tool.stream.journal import Journal, journal_path
from r1tool.stream.options import StreamOptions
from r1tool.stream.outputs import keep_apart
from r1tool.stream.stage import Stage

HELP = f"""Ask a model whether answers that the rules rejected are right after all.

Judges complete generations that give an answer and have the verdict wrong, timeout, error or gold_unparsable. The
judge sees the problem, the reference answer and what follows the thought. Writes `judge_verdicts` (EQUIVALENT,
DIFFERENT, AMBIGUOUS, UNPARSABLE), `correctness_llama` (null where the judge was not asked) and `correctness_count`.
Generations that already have a verdict, in the row or in the journal next to `-o FILE`, are not judged again. Default
model: {DEFAULT_MODEL}. Everything after -- is passed to the engine.

Cost: one request per rejected generation, with a reply of some 100 tokens at temperature 0; up to 512 rows in memory.
--spool needs disk in TMPDIR, about a third of the rows' size. The embedded engine judges no better than chance.

\b
Example:
  r1tool verify traces.jsonl.zst | r1tool judge --spool --tp 8 -o judged.jsonl.zst
"""


def run(
    options: JudgeOptions,
    running: RunOptions,
    serving: ServingOptions,
    client: ClientOptions,
    stream: StreamOptions,
) -> int:
    from r1tool.serving.launch import choose
    from r1tool.stream.concurrent import run_async

    options = replace(options, template=check(text_or_file("--prompt", options.template)))
    engine = choose(serving)
    serving = with_default_model(serving, engine)
    path = running.journal or journal_path(stream.output)
    keep_apart(stream.rejects, [path])
    keep_apart(path, [*stream.inputs, stream.output], "--journal")
    with ExitStack() as stack:
        kept = stack.enter_context(Journal(path, resume=running.resume)) if path else None
        stage = stack.enter_context(Stage("judge", stream, spooled=running.spool))
        run_async(judge(stage, serving, client, options, engine, journal=kept))
    return stage.status
