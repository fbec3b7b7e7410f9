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

    n: Annotated[int, Option("-n", metavar="N", min=1, help="Generations a problem.")] = 2
    temperature: Annotated[float, Option("--temperature", metavar="T", min=0, help="Sampling temperature.")] = 0.6
    top_p: Annotated[float, Option("--top-p", metavar="P", min=0, max=1, help="Nucleus sampling.")] = 0.95
    max_tokens: Annotated[int, Option("--max-tokens", metavar="N", min=1, help="Longest generation, in tokens.")] = (
        16384
    )
    seed: Annotated[int, Option("--seed", metavar="N", help="What every request's seed is derived from.")] = 0
    template: Annotated[
        str,
        Option(
            "--prompt-template",
            metavar="TEXT|@FILE",
            help="Holds {problem}; default: R1's instruction before it.",
            show_default=False,
        ),
    ] = TEMPLATE
    system: Annotated[str | None, Option("--system", metavar="TEXT", help="System message.")] = None
    completion: Annotated[bool, Option("--completion", help="Send the prompt without a chat template.")] = False
    problem_field: Annotated[str | None, Option("--problem-field", metavar="NAME", help="Column of the problem.")] = (
        None
    )
    id_field: Annotated[str | None, Option("--id-field", metavar="NAME", help="Column of the id.")] = None
    offset: Annotated[
        int,
        Option("--sample-index-offset", metavar="N", min=0, help="Index of the first sample; seeds depend on it."),
    ] = 0
    until_correct: Annotated[
        int | None,
        Option("--until-correct", metavar="K", min=1, help="Sample on until K are right; takes --max-n."),
    ] = None
    max_n: Annotated[
        int | None, Option("--max-n", metavar="N", min=1, help="Most generations a problem with --until-correct.")
    ] = None
    thinking_budget: Annotated[
        int | None, Option("--thinking-budget", metavar="T", min=1, help="End a thought after T tokens.")
    ] = None
    wait: Annotated[
        int,
        Option("--wait", metavar="K", min=0, help="Tell a model that has finished thinking to go on, K times."),
    ] = 0


@dataclass(frozen=True)
class RunOptions:
    """What changes no answer: where finished ones are kept, and what a run takes and does."""

    journal: Annotated[
        str | None,
        Option("--journal", metavar="FILE", help="Where finished generations are kept; default: OUTPUT.journal."),
    ] = None
    resume: Annotated[
        bool, Option("--resume/--no-resume", help="Ask only for what journal and output lack, or start over.")
    ] = True
    dry_run: Annotated[bool, Option("--dry-run", help="Print the first request and stop.")] = False
    demo: Annotated[
        int | None, Option("--demo", metavar="N", min=1, help="N built-in problems instead of an input.")
    ] = None


def check(options: SampleOptions) -> None:
    """Raise R1Error where the options do not go together."""
    if "{problem}" not in options.template:
        raise R1Error("--prompt-template must hold {problem}", USAGE)
    if not (math.isfinite(options.temperature) and math.isfinite(options.top_p)):
        raise R1Error("--temperature and --top-p must be numbers", USAGE)
    if (options.until_correct is None) != (options.max_n is None):
        raise R1Error("--until-correct and --max-n go together", USAGE)
    if options.until_correct and options.max_n and options.max_n < max(options.n, options.until_correct):
        raise R1Error("--max-n must be at least -n and --until-correct", USAGE)
    if options.thinking_budget is not None and options.thinking_budget >= options.max_tokens:
        raise R1Error("--thinking-budget must be below --max-tokens, which counts the answer too", USAGE)
