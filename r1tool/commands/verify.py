"""r1tool verify: check each answer against the reference."""

from r1tool.grading.verifier import VERIFIERS
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage
from r1tool.verify.options import VerifyOptions
from r1tool.verify.run import VerifierPool

HELP = """Check each answer against the reference.

Reads rows with `generations` and `answer` and adds one entry per generation to `verdicts` (correct, wrong, no_answer,
gold_unparsable, timeout, error), `extracted_answers` and `correctness_math_verify`, as well as `correctness_count` and
`verification`, by which a second run recognizes rows that are already verified.

The answer is the last \\boxed{} after </think>. It is compared first as text and as a number, then by a small reader
of mathematical notation, and by Math-Verify only if both are unsure. An answer that takes more time than --timeout or
more memory than 1 GiB gets the verdict timeout and does not delay other rows. Nothing in an answer is executed.

Cost: 0.3 to 1 ms of CPU per generation, on all cores (-j); memory does not grow with the stream.

\b
Examples:
  r1tool verify traces.jsonl.zst -o verified.jsonl.zst
  r1tool sample problems.jsonl -n 4 | r1tool verify | r1tool stats
"""


def run(options: VerifyOptions, stream: StreamOptions) -> int:
    verifier = VERIFIERS["math"](
        gold=options.gold, gold_from_solution=options.gold_from_solution, answers=options.answers
    )
    with (  # the pool forks: before the stage starts threads
        VerifierPool(verifier, timeout=options.timeout, workers=stream.workers, overwrite=options.overwrite) as pool,
        Stage("verify", stream) as stage,
    ):
        explain = stage.warn if options.explain else None
        found = False
        for row in pool.verify(stage.rows(), rejected=stage.reject, idle=stage.flush, explain=explain):
            found = found or options.gold in row
            stage.write(row)
        if stage.rows_out and not found and not options.gold_from_solution:
            stage.note(f"no row has the column {options.gold!r} to check against; --gold names another")
    return stage.status
