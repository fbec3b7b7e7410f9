"""What is asked of the model, and how a run goes about it."""

import math
from dataclasses import dataclass
from typing import Annotated

from r1tool.errors import USAGE, R1Error
from r1tool.option import Option

TEMPLATE = "Please reason step by step, and put your final answer within \\boxed{}.\n\n{problem}"
"""R1's own advice: no system message, the instruction in the user's turn."""


@dataclass(frozen=True)
class SampleOptions:
    """`n` generations a problem, or up to `max_n` until `until_correct` of them are right.

    `template` holds {problem}; `completion` sends it without the model's chat template. `offset` is the index of the
    first sample. `thinking_budget` is in tokens; `wait` is how often a model that has finished thinking is told to
    go on.
    """

    n: Annotated[int, Option("-n", metavar="N", min=1, help="Generations per problem.")] = 2
    temperature: Annotated[float, Option("--temperature", metavar="T", min=0, help="Sampling temperature.")] = 0.6
    top_p: Annotated[float, Option("--top-p", metavar="P", min=0, max=1, help="Nucleus sampling threshold.")] = 0.95
    max_tokens: Annotated[
        int, Option("--max-tokens", metavar="N", min=1, help="Maximum length of a generation, in tokens.")
    ] = 16384
    seed: Annotated[int, Option("--seed", metavar="N", help="Base from which every request's seed is derived.")] = 0
    template: Annotated[
        str,
        Option(
            "--prompt-template",
            metavar="TEXT|@FILE",
            help="Prompt with {problem}; default: R1's instruction, then the problem.",
            show_default=False,
        ),
    ] = TEMPLATE
    system: Annotated[str | None, Option("--system", metavar="TEXT", help="System message.")] = None
    completion: Annotated[bool, Option("--completion", help="Send the prompt without a chat template.")] = False
    problem_field: Annotated[
        str | None, Option("--problem-field", metavar="NAME", help="Column that holds the problem.")
    ] = None
    id_field: Annotated[str | None, Option("--id-field", metavar="NAME", help="Column that holds the id.")] = None
    offset: Annotated[
        int,
        Option("--sample-index-offset", metavar="N", min=0, help="Index of the first generation; seeds depend on it."),
    ] = 0
    until_correct: Annotated[
        int | None,
        Option("--until-correct", metavar="K", min=1, help="Keep sampling until K are right; needs --max-n."),
    ] = None
    max_n: Annotated[
        int | None, Option("--max-n", metavar="N", min=1, help="Maximum generations per problem with --until-correct.")
    ] = None
    thinking_budget: Annotated[
        int | None, Option("--thinking-budget", metavar="T", min=1, help="End the thought after T tokens.")
    ] = None
    wait: Annotated[
        int,
        Option("--wait", metavar="K", min=0, help="Make a model that has finished thinking continue, K times."),
    ] = 0


@dataclass(frozen=True)
class RunOptions:
    """What changes no answer: where finished ones are kept, and what a run takes and does."""

    journal: Annotated[
        str | None,
        Option("--journal", metavar="FILE", help="File that keeps finished generations; default: OUTPUT.journal."),
    ] = None
    resume: Annotated[
        bool, Option("--resume/--no-resume", help="Request only what journal and output lack, or start over.")
    ] = True
    dry_run: Annotated[bool, Option("--dry-run", help="Print the first request and exit.")] = False
    demo: Annotated[
        int | None, Option("--demo", metavar="N", min=1, help="Use N built-in problems instead of an input.")
    ] = None


def check(options: SampleOptions) -> None:
    """Raise R1Error where the options do not go together."""
    if "{problem}" not in options.template:
        raise R1Error("--prompt-template must contain {problem}", USAGE)
    if not (math.isfinite(options.temperature) and math.isfinite(options.top_p)):
        raise R1Error("--temperature and --top-p must be finite numbers", USAGE)
    if (options.until_correct is None) != (options.max_n is None):
        raise R1Error("--until-correct and --max-n must be given together", USAGE)
    if options.until_correct and options.max_n and options.max_n < max(options.n, options.until_correct):
        raise R1Error("--max-n must be at least -n and --until-correct", USAGE)
    if options.thinking_budget is not None and options.thinking_budget >= options.max_tokens:
        raise R1Error("--thinking-budget must be less than --max-tokens, which includes the answer", USAGE)
