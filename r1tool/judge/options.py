"""What the judge is asked, and how a run goes about it."""

from dataclasses import dataclass, field
from typing import Annotated

from r1tool.judge.prompt import default_template
from r1tool.judge.questions import Which
from r1tool.option import Option


@dataclass(frozen=True)
class JudgeOptions:
    """What is asked, and how often; `constrained` None is only on the embedded engine, which cannot keep a form.

    `template` holds {answer}, {generation} and, if it is to be seen, {problem}.
    """

    which: Annotated[Which, Option("--which", help="Ask about what the rules rejected, or all answers.")] = "wrong"
    votes: Annotated[int, Option("--votes", metavar="N", min=1, help="Votes a generation, the majority counts.")] = 1
    template: Annotated[
        str, Option("--prompt", metavar="@FILE", help="Own prompt with {problem}, {answer}, {generation}.")
    ] = field(default_factory=default_template)
    constrained: Annotated[
        bool | None,
        Option("--constrained/--free", help="Force the reply's form; default: on the embedded engine."),
    ] = None


@dataclass(frozen=True)
class RunOptions:
    """What changes no verdict: when the server starts, and where verdicts are kept."""

    spool: Annotated[bool, Option("--spool", help="Wait until upstream has ended before the server starts.")] = False
    journal: Annotated[
        str | None, Option("--journal", metavar="FILE", help="Where verdicts are kept; default: OUTPUT.journal.")
    ] = None
    resume: Annotated[
        bool, Option("--resume/--no-resume", help="Ask only for what the journal lacks, or start over.")
    ] = True
