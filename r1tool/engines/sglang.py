"""SGLang: `python -m sglang.launch_server`, as the user's environment provides it, never imported."""

import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from r1tool.engines.engine import Engine, MetricNames, ServerSpec, served_model_name
from r1tool.errors import R1Error

SIGNATURES = [
    (
        r"Not enough memory\. Please try to increase --mem-fraction-static|memory capacity is unbalanced",
        "too little GPU memory for the weights and the KV cache; use more GPUs with --tp, or -- --mem-fraction-static",
    ),
    (r"invalid device ordinal", "too few GPUs: --tp times --pp needs more than there are"),
    (r"launch_server(?:\.py)?: error: (?P<what>[^\n]+)", "{what}"),
    (r"No accelerator[^\n]*is available|No CUDA GPUs are available", "it found no GPU; is the driver installed?"),
]


def program() -> list[str]:
    """The Python that has SGLang: this one, or that of the first `sglang` on the PATH. Raises R1Error if none has."""
    if find_spec("sglang"):
        return [sys.executable, "-m", "sglang.launch_server"]
    if script := shutil.which("sglang"):
        return [str(Path(script).with_name("python")), "-m", "sglang.launch_server"]
    raise R1Error("SGLang is not installed; install it with: pip install 'r1tool[sglang]'")


def check(model: str | None) -> None:
    """Raises R1Error where it is not installed."""
    program()


def command(spec: ServerSpec) -> list[str]:
    """The command line of a server on one node; the user's arguments come last, so that they win."""
    line = [*program(), "--model-path", str(spec.model), "--host", spec.host, "--port", str(spec.port)]
    line += ["--enable-metrics"]
    if spec.reward:
        line += ["--is-embedding"]
    if spec.tp > 1:
        line += ["--tp-size", str(spec.tp)]
    if spec.pp > 1:
        line += ["--pp-size", str(spec.pp)]
    return [*line, *spec.arguments]


def over_nodes(line: Sequence[str], nodes: int, address: str, port: int) -> list[str]:
    """The command line of one rank of a server over `nodes`; srun tells each its rank."""
    ranks = ["--nnodes", str(nodes), "--dist-init-addr", f"{address}:{port}"]
    return ["sh", "-c", 'exec "$@" --node-rank "$SLURM_PROCID"', "sglang", *line, *ranks]


ENGINE = Engine(
    "sglang",
    "SGLang",
    owned_by="sglang",
    version_route=("/server_info", "version"),
    metrics=MetricNames(
        running="sglang:num_running_reqs",
        waiting="sglang:num_queue_reqs",
        kv_use=("sglang:full_token_usage", "sglang:token_usage"),
        generation_tokens="sglang:generation_tokens_total",
    ),
    continues_by=("prefix",),
    # it cannot count the tokens of a text that it goes on from
    counts_every_event=True,
    command=command,
    check=check,
    served_model=served_model_name,
    over_nodes=over_nodes,
    reward_route="/classify",
    signatures=SIGNATURES,
)
