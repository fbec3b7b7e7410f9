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

    which: Annotated[Which, Option("--which", help="Judge what the rules rejected, or all answers.")] = "wrong"
    votes: Annotated[
        int, Option("--votes", metavar="N", min=1, help="Votes per generation; the majority decides.")
    ] = 1
    template: Annotated[
        str, Option("--prompt", metavar="@FILE", help="Your own prompt with {problem}, {answer}, {generation}.")
    ] = field(default_factory=default_template)
    constrained: Annotated[
        bool | None,
        Option("--constrained/--free", help="Constrain the reply's form; default: only on the embedded engine."),
    ] = None


@dataclass(frozen=True)
class RunOptions:
    """What changes no verdict: when the server starts, and where verdicts are kept."""

    spool: Annotated[bool, Option("--spool", help="Start the server only after upstream has finished.")] = False
    journal: Annotated[
        str | None, Option("--journal", metavar="FILE", help="File that keeps verdicts; default: OUTPUT.journal.")
    ] = None
    resume: Annotated[
        bool, Option("--resume/--no-resume", help="Request only what the journal lacks, or start over.")
    ] = True
