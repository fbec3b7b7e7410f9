"""What is asked of the model."""

import math
from dataclasses import dataclass

from r1tool.errors import USAGE, R1Error

TEMPLATE = "Please reason step by step, and put your final answer within \\boxed{}.\n\n{problem}"
"""R1's own advice: no system message, the instruction in the user's turn."""


@dataclass(frozen=True)
class SampleOptions:
    """`n` generations a problem, or up to `max_n` until `until_correct` of them are right.

    `template` holds {problem}; `completion` sends it without the model's chat template. `offset` is the index of the
    first sample. `thinking_budget` is in tokens; `wait` is how often a model that has finished thinking is told to
    go on.
    """

    n: int = 2
    temperature: float = 0.6
    top_p: float = 0.95
    max_tokens: int = 16384
    seed: int = 0
    template: str = TEMPLATE
    system: str | None = None
    completion: bool = False
    until_correct: int | None = None
    max_n: int | None = None
    thinking_budget: int | None = None
    wait: int = 0
    offset: int = 0
    problem_field: str | None = None
    id_field: str | None = None


def check(options: SampleOptions) -> None:
    """Raise R1Error where the options do not go together."""
    if not (math.isfinite(options.temperature) and math.isfinite(options.top_p)):
        raise R1Error("--temperature and --top-p must be numbers", USAGE)
    if (options.until_correct is None) != (options.max_n is None):
        raise R1Error("--until-correct and --max-n go together", USAGE)
    if options.until_correct and options.max_n and options.max_n < max(options.n, options.until_correct):
        raise R1Error("--max-n must be at least -n and --until-correct", USAGE)
    if options.thinking_budget is not None and options.thinking_budget >= options.max_tokens:
        raise R1Error("--thinking-budget must be below --max-tokens, which counts the answer too", USAGE)
    if "{problem}" not in options.template:
        raise R1Error("the prompt template must hold {problem}", USAGE)
