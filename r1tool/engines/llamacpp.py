"""The engine for a machine without a GPU: llama.cpp's server with a very small model, for demonstrations and tests."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from r1tool.engines.engine import Engine, MetricNames, ServerSpec
from r1tool.errors import USAGE, R1Error

MODEL = "SmolLM2-135M-Instruct"
MAX_THREADS = 8
NOTICE = (
    f"the embedded engine runs {MODEL}, a demonstration model: it gets about two out of three one-step problems "
    "right, and its judgments are meaningless"
)
# GNU OpenMP's threads spin while they wait, which makes a shared machine six times slower
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
SIGNATURES = [
    (r"libgomp\.so", "it needs the system's libgomp: apt-get install libgomp1"),
    (
        r"error: (?P<what>unrecognized arguments: .+|argument .+)",
        "{what}; it accepts --slots, --context and --threads",
    ),
    (r"failed to load model|error loading model", "the weights cannot be loaded; is it a GGUF file for llama.cpp?"),
]


def version() -> str:
    """Of the wheel: the server itself does not know."""
    from importlib import metadata

    return f"xllamacpp {metadata.version('xllamacpp')}"


def served_model(model: str | None, arguments: Sequence[str] = ()) -> str:
    """The name requests use."""
    return Path(model).stem if model else MODEL


def check(model: str | None) -> None:
    """Raises R1Error where the engine is missing, or `model` is no GGUF file."""
    if not find_spec("xllamacpp"):
        raise R1Error("the embedded engine is not installed; install it with: pip install 'r1tool[embedded]'")
    if model and not Path(model).is_file():
        raise R1Error(
            f"the embedded engine cannot serve {model}: omit --model to use {MODEL}, or name a GGUF file", USAGE
        )


def command(spec: ServerSpec) -> list[str]:
    """The command line, which listens on the loopback; the demonstration model's weights are fetched if need be."""
    from r1tool.engines import weights

    gguf = Path(spec.model) if spec.model else weights.find()
    own = threads(spec.replicas)
    return [
        *(sys.executable, "-P", str(Path(__file__).with_name("llamacpp_server.py"))),
        *("--model", str(gguf), "--alias", served_model(spec.model), "--port", str(spec.port), "--threads", str(own)),
        *("--slots", str(max(4, min(8, 2 * own)))),  # each reads the examples of a prompt again
        *spec.arguments,
    ]


def threads(replicas: int) -> int:
    """Threads for each of `replicas` servers."""
    return max(1, min(MAX_THREADS, len(os.sched_getaffinity(0)) // replicas))


ENGINE = Engine(
    "embedded",
    "llama.cpp",
    owned_by="llamacpp",
    version_route=("/props", "build_info"),
    metrics=MetricNames(
        running="llamacpp:requests_processing",
        waiting="llamacpp:requests_deferred",
        kv_use=("llamacpp:kv_cache_usage_ratio",),
        generation_tokens="llamacpp:tokens_predicted_total",
    ),
    continues_by=("apply-template",),
    keeps_connections=False,
    # a CPU gains nothing by more, and every slot has to read the prompt once
    requests_at_once=2,
    keeps_form=False,
    command=command,
    check=check,
    served_model=served_model,
    uses_gpus=False,
    default_model=MODEL,
    ready_path="/health",
    installed_version=version,
    environment=ENVIRONMENT,
    starts_quickly=True,
    notice=NOTICE,
    signatures=SIGNATURES,
)
