"""r1tool sample: ask a model for reasoning traces."""

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from r1tool.client.options import ClientOptions
from r1tool.commands.expand import text_or_file
from r1tool.errors import USAGE, R1Error
from r1tool.sample.options import RunOptions, SampleOptions, check
from r1tool.serving.options import ServingOptions
from r1tool.stream.options import StreamOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from r1tool.engines.engine import Engine
    from r1tool.records.row import Row

HELP = """Sample N reasoning traces per problem from a model.

Reads rows with a `problem` and writes each one as soon as it is done, with new `generations`, `finish_reasons`,
`token_counts`, `is_reasoning_complete` and `sampling` (model, engine, seeds, GPU seconds). Every finished generation
is kept in a journal, by default next to `-o FILE`. However a run ended, run the same command again: it requests only
what is missing and continues partial generations. Everything after -- is passed to the engine.

Cost: N generations per problem, each taking minutes on a GPU; memory for the requests in flight (500 MB for 2,000) and
300 bytes per generation in the journal; disk for a journal of about twice the size of the generations. Without a GPU,
the embedded engine demonstrates the command but solves little.

\b
Examples:
  r1tool sample hf://datasets/AI-MO/NuminaMath-1.5 -n 2 --engine vllm -m deepseek-ai/DeepSeek-R1 --tp 8 -o r1.zst
  r1tool sample problems.jsonl --engine vllm -m Qwen/QwQ-32B --tp 2 -o traces.jsonl.zst -- --max-model-len 20480
  r1tool sample problems.jsonl --url http://gpu1:8000 --url http://gpu2:8000 | r1tool verify -o verified.jsonl.zst
"""


def run(
    options: SampleOptions,
    running: RunOptions,
    serving: ServingOptions,
    client: ClientOptions,
    stream: StreamOptions,
) -> int:
    from r1tool.sample.run import sample
    from r1tool.serving.launch import choose
    from r1tool.stream.concurrent import run_async
    from r1tool.stream.journal import Journal, journal_path
    from r1tool.stream.outputs import keep_apart, keep_input
    from r1tool.stream.stage import Stage

    options = replace(options, template=text_or_file("--prompt-template", options.template))
    check(options)
    source = None
    if running.demo:
        from r1tool.demo import problems
        from r1tool.records.row import Row

        if stream.inputs:
            raise R1Error("give inputs or --demo, not both", USAGE)
        source = (Row(problem) for problem in problems(running.demo, options.seed))
        stream = replace(stream, limit=running.demo if stream.limit is None else min(running.demo, stream.limit))
    engine = choose(serving)
    if running.dry_run:
        return _dry_run(stream, serving, options, engine, source)
    path = running.journal or journal_path(stream.output)
    keep_apart(stream.rejects, [path])
    keep_apart(path, [*stream.inputs, stream.output], "--journal")
    keep_input(stream.output, stream.inputs)
    with ExitStack() as stack:
        kept = stack.enter_context(Journal(path, resume=running.resume)) if path else None
        stage = stack.enter_context(Stage("sample", stream, source=source, drain=False))
        output = stream.output if running.resume and journal_path(stream.output) else None
        run_async(sample(stage, serving, client, options, engine, journal=kept, output=output))
    return stage.status


def _dry_run(
    stream: StreamOptions,
    serving: ServingOptions,
    options: SampleOptions,
    engine: "Engine | None",
    source: "Iterator[Row] | None",
) -> int:
    import orjson

    from r1tool.sample.run import first_request
    from r1tool.stream.stage import Stage

    with Stage("sample", replace(stream, output=None, quiet=True), writes=False, source=source) as stage:
        request = first_request(stage.rows(), serving, options, engine)
    print(orjson.dumps(request, option=orjson.OPT_INDENT_2).decode())
    return stage.status
