"""SGLang: `python -m sglang.launch_server`, as the user's environment provides it, never imported."""

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from r1tool.errors import R1Error

SIGNATURES = [
    (
        r"Not enough memory\. Please try to increase --mem-fraction-static|memory capacity is unbalanced",
        "too little GPU memory for the weights and the KV cache; use more GPUs with --tp, or -- --mem-fraction-static",
    ),
    (r"invalid device ordinal", "too few GPUs: --tp times --pp asks for more than there are"),
    (r"launch_server(?:\.py)?: error: (?P<what>[^\n]+)", "{what}"),
    (r"No accelerator[^\n]*is available|No CUDA GPUs are available", "it finds no GPU; is the driver installed?"),
]


def program() -> list[str]:
    """The Python that has SGLang: this one, or that of the first `sglang` on the PATH. Raises R1Error if none has."""
    if find_spec("sglang"):
        return [sys.executable, "-m", "sglang.launch_server"]
    if script := shutil.which("sglang"):
        return [str(Path(script).with_name("python")), "-m", "sglang.launch_server"]
    raise R1Error("SGLang is not installed; install it with: pip install 'r1tool[sglang]'")


def command(
    model: str, port: int, *, host: str, reward: bool, tp: int, pp: int, arguments: Sequence[str] = ()
) -> list[str]:
    """The command line of a server on one node; `arguments` come last, so that the user's word stands."""
    line = [*program(), "--model-path", model, "--host", host, "--port", str(port), "--enable-metrics"]
    if reward:
        line += ["--is-embedding"]
    if tp > 1:
        line += ["--tp-size", str(tp)]
    if pp > 1:
        line += ["--pp-size", str(pp)]
    return [*line, *arguments]


def over_nodes(line: Sequence[str], nodes: int, address: str, port: int) -> list[str]:
    """The command line of one rank of a server over `nodes`; srun tells each its rank."""
    ranks = ["--nnodes", str(nodes), "--dist-init-addr", f"{address}:{port}"]
    return ["sh", "-c", 'exec "$@" --node-rank "$SLURM_PROCID"', "sglang", *line, *ranks]
