"""r1tool sample: ask a model for reasoning traces."""

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from r1tool.client.options import ClientOptions
from r1tool.commands.expand import text_or_file
from r1tool.errors import USAGE, R1Error
from r1tool.sample.options import TEMPLATE, SampleOptions
from r1tool.serving.options import ServingOptions
from r1tool.stream.options import StreamOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from r1tool.engines.engine import Engine
    from r1tool.records.row import Row

HELP = """Ask a model for N reasoning traces of every problem.

Rows with a `problem` come in; they go out as each is done, with new `generations`, `finish_reasons`, `token_counts`,
`is_reasoning_complete` and `sampling` (model, engine, seeds, GPU seconds). Every finished generation is kept in a
journal, by default beside `-o FILE`: run the same command again after whatever ended it, and only what is missing is
asked for; answers that were under way are continued.

Cost: N generations a problem, minutes of a GPU each; memory for the requests in flight, 2,000 of them in 500 MB,
and 300 bytes a generation in the journal; disk for a journal of about twice the generations. Without a GPU the
embedded engine shows how it works, and solves little.

\b
Example:
  r1tool sample hf://datasets/AI-MO/NuminaMath-1.5 -n 2 --engine vllm -m deepseek-ai/DeepSeek-R1 --tp 8 -o r1.zst
  r1tool sample problems.jsonl --url http://gpu1:8000 --url http://gpu2:8000 | r1tool verify -o verified.jsonl.zst
"""


def run(
    stream: StreamOptions,
    serving: ServingOptions,
    client: ClientOptions,
    *,
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Generations a problem.")] = 2,
    temperature: Annotated[
        float, typer.Option("--temperature", metavar="T", min=0, help="Sampling temperature.")
    ] = 0.6,
    top_p: Annotated[float, typer.Option("--top-p", metavar="P", min=0, max=1, help="Nucleus sampling.")] = 0.95,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", metavar="N", min=1, help="Longest generation, in tokens.")
    ] = 16384,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="What every request's seed is derived from.")] = 0,
    prompt_template: Annotated[
        str | None,
        typer.Option(
            "--prompt-template", metavar="TEXT|@FILE", help="Holds {problem}; default: R1's instruction before it."
        ),
    ] = None,
    system: Annotated[str | None, typer.Option("--system", metavar="TEXT", help="System message.")] = None,
    completion: Annotated[bool, typer.Option("--completion", help="Send the prompt without a chat template.")] = False,
    problem_field: Annotated[
        str | None, typer.Option("--problem-field", metavar="NAME", help="Column of the problem.")
    ] = None,
    id_field: Annotated[str | None, typer.Option("--id-field", metavar="NAME", help="Column of the id.")] = None,
    sample_index_offset: Annotated[
        int,
        typer.Option(
            "--sample-index-offset", metavar="N", min=0, help="Index of the first sample; seeds depend on it."
        ),
    ] = 0,
    until_correct: Annotated[
        int | None,
        typer.Option("--until-correct", metavar="K", min=1, help="Sample on until K are right; takes --max-n."),
    ] = None,
    max_n: Annotated[
        int | None,
        typer.Option("--max-n", metavar="N", min=1, help="Most generations a problem with --until-correct."),
    ] = None,
    thinking_budget: Annotated[
        int | None, typer.Option("--thinking-budget", metavar="T", min=1, help="End a thought after T tokens.")
    ] = None,
    wait: Annotated[
        int,
        typer.Option("--wait", metavar="K", min=0, help="Tell a model that has finished thinking to go on, K times."),
    ] = 0,
    journal: Annotated[
        str | None,
        typer.Option(
            "--journal", metavar="FILE", help="Where finished generations are kept; default: OUTPUT.journal."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Ask only for what journal and output lack, or start over.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the first request and stop.")] = False,
    demo: Annotated[
        int | None,
        typer.Option("--demo", metavar="N", min=1, help="N built-in problems instead of an input."),
    ] = None,
) -> int:
    from r1tool.sample.options import check
    from r1tool.sample.run import sample
    from r1tool.serving.launch import choose
    from r1tool.stream.concurrent import run_async
    from r1tool.stream.journal import Journal, journal_path
    from r1tool.stream.outputs import keep_apart, keep_input
    from r1tool.stream.stage import Stage

    options = SampleOptions(
        n=n,
        temperature=temperature,
        top_p=top_p,
        max_tokens=max_tokens,
        seed=seed,
        template=_template(prompt_template),
        system=system,
        completion=completion,
        offset=sample_index_offset,
        until_correct=until_correct,
        max_n=max_n,
        thinking_budget=thinking_budget,
        wait=wait,
        problem_field=problem_field,
        id_field=id_field,
    )
    check(options)
    source = _demo(demo, stream.inputs, seed) if demo else None
    if demo:
        stream = replace(stream, limit=min(demo, demo if stream.limit is None else stream.limit))
    engine = choose(serving)
    if dry_run:
        return _dry_run(stream, serving, options, engine, source)
    path = journal or journal_path(stream.output)
    keep_apart(stream.rejects, [path])
    keep_apart(path, [*stream.inputs, stream.output], "--journal")
    keep_input(stream.output, stream.inputs)
    with ExitStack() as stack:
        kept = stack.enter_context(Journal(path, resume=resume)) if path else None
        stage = stack.enter_context(Stage("sample", stream, source=source, drain=False))
        output = stream.output if resume and journal_path(stream.output) else None
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


def _template(given: str | None) -> str:
    if given is None:
        return TEMPLATE
    given = text_or_file("--prompt-template", given)
    if "{problem}" not in given:
        raise R1Error("--prompt-template must hold {problem}", USAGE)
    return given


def _demo(n: int, inputs: list[str], seed: int) -> "Iterator[Row]":
    from r1tool.demo import problems
    from r1tool.records.row import Row

    if inputs:
        raise R1Error("give inputs or --demo, not both", USAGE)
    return (Row(dict(problem)) for problem in problems(n, seed))
