"""Which engine, and the servers of it that a command's options ask for."""

import os
import shutil
import socket
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from r1tool.errors import USAGE, R1Error
from r1tool.serving import embedded, weights
from r1tool.serving.options import ServingOptions
from r1tool.serving.server import Server

Runner = Literal["generate", "reward"]
KEPT_LOG_SECONDS = 7 * 24 * 3600


def choose(options: ServingOptions, *, quiet: bool = False) -> str:
    """`url`, `vllm`, `sglang` or `embedded`; the last says on stderr that it is a demonstration.

    Auto is a URL if one is given (or R1TOOL_URL), else an installed engine where there is a GPU, else embedded.
    """
    if options.engine != "auto":
        if options.urls:
            raise R1Error(f"give --engine {options.engine} or --url (R1TOOL_URL), not both", USAGE)
        chosen: str = options.engine
    elif urls(options):
        chosen = "url"
    else:
        chosen = "embedded"
    if chosen == "embedded" and not quiet:
        print(f"r1tool: {embedded.NOTICE}", file=sys.stderr)
    return chosen


def urls(options: ServingOptions) -> list[str]:
    """The running servers to ask, without a final slash or /v1."""
    given = options.urls or os.environ.get("R1TOOL_URL", "").split()
    return [url.rstrip("/").removesuffix("/v1").rstrip("/") for url in given]


def make_servers(options: ServingOptions, *, runner: Runner = "generate", engine: str | None = None) -> list[Server]:
    """The servers of `engine` (default: what `choose` says), not started. Raises R1Error if they cannot be."""
    engine = engine or choose(options)
    if engine == "embedded":
        if runner == "reward":
            raise R1Error("the embedded engine has no reward model; give --url, or --engine vllm or sglang", USAGE)
        return _embedded(options)
    raise R1Error(f"there is no engine {engine!r}", USAGE)


def _embedded(options: ServingOptions) -> list[Server]:
    command = embedded.command(options, embedded.threads(options.replicas))
    return [
        Server(
            _name("embedded", index, options.replicas),
            "embedded",
            embedded.model(options),
            command,
            signatures=embedded.SIGNATURES,
            log=log_file(options, "embedded", index),
            ready_timeout=options.ready_timeout,
            ready_path="/health",
            environment=embedded.ENVIRONMENT,
            demonstration=options.model is None,
        )
        for index in range(options.replicas)
    ]


def _name(engine: str, index: int, replicas: int) -> str:
    return engine if replicas == 1 else f"{engine} {index + 1} of {replicas}"


def log_file(options: ServingOptions, engine: str, index: int) -> Path:
    """Where a replica's output goes: --server-log, numbered from the second replica on, or a file in the cache."""
    if options.server_log:
        file = Path(options.server_log)
        return file.with_name(f"{file.stem}-{index + 1}{file.suffix}") if index else file
    folder = weights.cache() / "logs"
    for old in folder.glob("*.log"):
        if old.stat().st_mtime < time.time() - KEPT_LOG_SECONDS:
            old.unlink(missing_ok=True)
    return folder / f"{engine}-{time.strftime('%Y%m%d-%H%M%S')}-{socket.gethostname()}-{os.getpid()}-{index}.log"
