"""verify: check each answer against the reference."""

from typing import Annotated, Literal

import typer

from r1tool.grading.verifier import VERIFIERS
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage
from r1tool.verify.run import VerifierPool

HELP = """Check each answer against the reference.

Reads rows with `generations` and `answer`, and adds to each row, aligned with its generations: `verdicts` (correct,
wrong, no_answer, gold_unparsable, timeout, error), `extracted_answers` and `correctness_math_verify`; besides
`correctness_count` and `verification`, which lets a second run pass verified rows through.

The answer is the last \\boxed{} behind </think>. It is compared as text and number first, then by a small reader of
mathematics, and by Math-Verify only where both are unsure. An answer that takes longer than --timeout or 1 GiB has
verdict timeout and holds no other row up. Nothing in an answer is executed.

Cost: 0.3 to 1 ms of CPU a generation, on all cores (-j); memory does not grow with the stream.

\b
Example:
  r1tool verify traces.jsonl.zst -o verified.jsonl.zst
  r1tool sample problems.jsonl -n 4 | r1tool verify | r1tool stats
"""


def run(
    stream: StreamOptions,
    *,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, help="Seconds a verdict.")] = 2.0,
    gold: Annotated[
        str, typer.Option("--gold", metavar="FIELD", help="The column of the reference answer.")
    ] = "answer",
    gold_from_solution: Annotated[
        bool, typer.Option("--gold-from-solution", help="Where that is empty, take the box of `solution`.")
    ] = False,
    answers: Annotated[
        Literal["any", "box"], typer.Option("--answers", help="box: an answer that is not boxed is no answer.")
    ] = "any",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say on stderr how each answer was read and what decided.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Verify again what this version verified with these options.")
    ] = False,
) -> int:
    verifier = VERIFIERS["math"](gold=gold, gold_from_solution=gold_from_solution, answers=answers)
    with (  # the pool forks: before the stage starts threads
        VerifierPool(verifier, timeout=timeout, workers=stream.workers, overwrite=overwrite) as pool,
        Stage("verify", stream) as stage,
    ):
        talk = stage.warn if explain else None
        for row in pool.verify(stage.rows(), reject=stage.reject, idle=stage.flush, explain=talk):
            stage.write(row)
    return stage.status
