"""The engine for a machine without a GPU: llama.cpp's server with a very small model, for demonstrations and tests."""

import os
import sys
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from r1tool.engines import weights
from r1tool.errors import USAGE, R1Error
from r1tool.serving.options import ServingOptions

MODEL = "SmolLM2-135M-Instruct"
MAX_THREADS = 8
NOTICE = (
    f"the embedded engine runs {MODEL}, a demonstration model: it solves one-step problems about half of the time, "
    "and its judgements mean nothing"
)
# GNU OpenMP's threads spin while they wait, which makes a shared machine six times slower
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
SIGNATURES = [
    (r"libgomp\.so", "it needs the system's libgomp: apt-get install libgomp1"),
    (r"error: (?P<what>unrecognized arguments: .+|argument .+)", "{what}; it takes --slots, --context and --threads"),
    (r"failed to load model|error loading model", "the weights cannot be loaded; is it a GGUF file of llama.cpp?"),
]


def version() -> str:
    """Of the wheel: the server itself does not know."""
    return f"xllamacpp {metadata.version('xllamacpp')}"


def model(options: ServingOptions) -> str:
    """The name requests use."""
    return Path(options.model).stem if options.model else MODEL


def command(options: ServingOptions, threads: int) -> Callable[[int], list[str]]:
    """The command line for a port; --model may name another GGUF file. Raises R1Error where the engine is missing."""
    if not find_spec("xllamacpp"):
        raise R1Error("the embedded engine is not installed; install it with: pip install 'r1tool[embedded]'")
    if options.model and not Path(options.model).is_file():
        raise R1Error(
            f"the embedded engine cannot serve {options.model}: leave --model away for {MODEL}, or name a GGUF file",
            USAGE,
        )

    def for_port(port: int) -> list[str]:
        gguf = Path(options.model) if options.model else weights.find()
        return [
            *(sys.executable, "-P", str(Path(__file__).with_name("llamacpp_server.py"))),
            *("--model", str(gguf), "--alias", model(options), "--port", str(port), "--threads", str(threads)),
            *("--slots", str(max(4, min(8, 2 * threads)))),  # each reads the examples of a prompt anew
            *options.engine_arguments,
        ]

    return for_port


def threads(replicas: int) -> int:
    """Threads for each of `replicas` servers."""
    return max(1, min(MAX_THREADS, len(os.sched_getaffinity(0)) // replicas))
