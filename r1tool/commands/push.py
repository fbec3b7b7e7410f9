"""r1tool push: publish as a dataset with a card."""

from dataclasses import replace

from r1tool.errors import USAGE, R1Error
from r1tool.push.options import PushOptions
from r1tool.push.run import publish
from r1tool.push.targets import parse_target
from r1tool.stream.options import StreamOptions

HELP = """Publish rows as a dataset: Parquet files, a card, and the YAML that load_dataset reads.

The last argument is the target: OWNER/NAME on the Hugging Face Hub, or a folder (./DIR, /DIR, ~/DIR, or an existing
one). The arguments before it are the inputs; default: stdin.

Each input file becomes a config named after it, without shard numbers; train, test and validation are splits of the
config 'default'. Configs with the same columns also get their union, 'all'. A first pass finds one type per column:
the columns of OpenR1-Math-220k and of r1tool have fixed types, others take the type of their values. Where the values
have no common type, the column holds their JSON text, and a line on stderr says so.

A second run writes the same files and uploads only what the Hub does not have yet. A README.md without r1tool's mark
is kept unless --card is given.

Cost: two passes over the rows, under 350 MB of memory; for the Hub, the Parquet files are first written to TMPDIR.

\b
Examples:
  r1tool push out/ ./dataset
  r1tool push out/ me/my-math-220k --private --recipe sft
  r1tool push --config default='good-*' --config extended='easy-*' traces/ me/my-math-220k
"""


def run(options: PushOptions, stream: StreamOptions) -> int:
    if not stream.inputs:
        raise R1Error("the last argument must be the target: OWNER/NAME on the Hub, or ./FOLDER", USAGE)
    *inputs, target = stream.inputs
    return publish(parse_target(target), replace(stream, inputs=inputs), options)
