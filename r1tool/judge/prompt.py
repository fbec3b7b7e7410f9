"""What the judge is asked.

prompt.txt is the prompt with which Llama-3.3-70B-Instruct judged OpenR1-Math-220k, from Open R1's published account.
"""

import re
from importlib.resources import files

from r1tool.errors import USAGE, R1Error
from r1tool.records.think import split

_HOLE = re.compile(r"\{\{|\}\}|\{(problem|answer|generation)\}")


def default_template() -> str:
    """The prompt of Open R1's judge, with the holes {problem}, {answer} and {generation}."""
    return files("r1tool.judge").joinpath("prompt.txt").read_text(encoding="utf-8").strip()


def render(template: str, *, problem: str, answer: str, generation: str) -> str:
    """The judge's prompt; of the generation only what follows its thought.

    `{{` and `}}` stand for braces, any other brace of the template for itself; what fills a hole is never read again.
    """
    texts = {"problem": problem.strip(), "answer": answer.strip(), "generation": split(generation)[1]}
    return _HOLE.sub(lambda hole: texts[hole[1]] if hole[1] else hole[0][0], template)


def check(template: str) -> str:
    """Raise R1Error where a template would not tell the judge what to compare; return it."""
    for name in ("answer", "generation"):
        if f"{{{name}}}" not in template:
            raise R1Error(f"--prompt must contain {{{name}}}, or the judge would not see it", USAGE)
    return template
