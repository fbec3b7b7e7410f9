"""Which engine, and the servers of it that a command's options ask for."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Literal

from r1tool.engines import llamacpp, sglang, vllm, weights
from r1tool.errors import USAGE, R1Error
from r1tool.serving import gpus, nodes
from r1tool.serving.options import ServingOptions
from r1tool.serving.server import Server, free_port

Runner = Literal["generate", "reward"]
DEFAULTS = ServingOptions()
OF_GPUS = {"tp": "--tp", "pp": "--pp", "nodes": "--nodes", "gpus": "--gpus"}
OF_OWN_SERVERS = {
    "replicas": "--replicas",
    "nodes": "--nodes",
    "gpus": "--gpus",
    "server_log": "--server-log",
    "engine_arguments": "what stands behind --",
}
REASONS = {
    "url": "is for servers that r1tool starts, and --url (or R1TOOL_URL) names one that runs already",
    "embedded": "is of no use to the embedded engine; for another, a GPU and vLLM or SGLang are needed, or --url",
}
OF_LISTENING = ("--host", "--port", "--uds")
KEPT_LOG_SECONDS = 7 * 24 * 3600


def choose(options: ServingOptions) -> str:
    """`url`, `vllm`, `sglang` or `embedded`. Raises R1Error where the other options do not go with it.

    Auto is a URL if one is given (or R1TOOL_URL), else an installed engine where there is a GPU, else embedded.
    """
    if options.engine != "auto":
        if options.urls:
            raise R1Error(f"give --engine {options.engine} or --url (R1TOOL_URL), not both", USAGE)
        chosen: str = options.engine
    elif urls(options):
        chosen = "url"
    else:
        chosen = _installed() if gpus.visible() else "embedded"
    useless = {"url": OF_OWN_SERVERS, "embedded": OF_GPUS}.get(chosen, {})
    for name, option in useless.items():
        if getattr(options, name) != getattr(DEFAULTS, name):
            raise R1Error(f"{option} {REASONS[chosen]}", USAGE)
    return chosen


def urls(options: ServingOptions) -> list[str]:
    """The running servers to ask, without a final slash or /v1. Raises R1Error for what is no URL."""
    given = ",".join(options.urls or [os.environ.get("R1TOOL_URL", "")]).replace(",", " ").split()
    for url in given:
        if not url.startswith(("http://", "https://")):
            shown = url.rpartition("@")[2]  # before it may stand a password
            raise R1Error(f"--url {shown}: that is no URL; it begins with http:// or https://", USAGE)
    return list(dict.fromkeys(url.rstrip("/").removesuffix("/v1").rstrip("/") for url in given))


def make_servers(options: ServingOptions, *, runner: Runner = "generate", engine: str | None = None) -> list[Server]:
    """The servers of `engine` (default: what `choose` says), not started. Raises R1Error if they cannot be."""
    engine = engine or choose(options)
    for argument in options.engine_arguments:
        if (name := argument.partition("=")[0]) in OF_LISTENING:
            raise R1Error(
                f"{name} behind --: r1tool chooses itself where its servers listen; leave it out, "
                "or start the server yourself and give --url",
                USAGE,
            )
    if engine == "embedded":
        if runner == "reward":
            raise R1Error("the embedded engine has no reward model; give --url, or --engine vllm or sglang", USAGE)
        return _embedded(options)
    if not options.model:
        raise R1Error(f"--engine {engine} needs --model, a name on the Hub or a folder", USAGE)
    return _external(options, options.model, runner, {"vllm": vllm, "sglang": sglang}[engine])


def with_thinking_budget(options: ServingOptions) -> ServingOptions:
    """The same, with own servers told how to end a thought at a budget, where the engine can be told (vLLM)."""
    if choose(options) != "vllm":
        return options
    return replace(options, engine_arguments=[*vllm.thinking_budget(), *options.engine_arguments])


def _installed() -> str:
    """vLLM or SGLang if there is one, else the embedded engine."""
    for engine in (vllm, sglang):
        try:
            engine.program()
        except R1Error:
            continue
        return engine.__name__.rpartition(".")[2]
    return "embedded"


def _external(options: ServingOptions, model: str, runner: Runner, engine: ModuleType) -> list[Server]:
    """vLLM's and SGLang's servers: over the GPUs of this machine, or over the nodes of a Slurm allocation."""
    engine.program()
    name = engine.__name__.rpartition(".")[2]
    size = options.tp * options.pp
    if size % options.nodes:
        raise R1Error(f"--tp {options.tp} times --pp {options.pp} is not divisible by --nodes {options.nodes}", USAGE)
    if options.nodes > 1:
        spans = nodes.share(options.replicas, options.nodes)
        devices = gpus.share(options.gpus, 1, size // options.nodes) * options.replicas
    else:
        spans = [[] for _ in range(options.replicas)]
        devices = gpus.share(options.gpus, options.replicas, size)
    return [
        Server(
            _name(name, index, options.replicas),
            name,
            _served_name(options.engine_arguments) or model,
            _command_line(options, model, runner, engine, span),
            signatures=engine.SIGNATURES,
            log=log_file(options, name, index),
            ready_timeout=options.ready_timeout,
            environment={"CUDA_VISIBLE_DEVICES": ",".join(chosen)} if chosen else {},
            host=_host(span),
            gpu_count=size if span or gpus.visible() else 0,
        )
        for index, (span, chosen) in enumerate(zip(spans, devices, strict=True))
    ]


def _command_line(
    options: ServingOptions, model: str, runner: Runner, engine: ModuleType, span: Sequence[str]
) -> Callable[[int], list[str]]:
    def for_port(port: int) -> list[str]:
        line: list[str] = engine.command(
            model,
            port,
            host=_host(span),
            reward=runner == "reward",
            tp=options.tp,
            pp=options.pp,
            arguments=options.engine_arguments,
        )
        if not span:
            return line
        rank = engine.over_nodes(line, len(span), nodes.address(span[0]), free_port())
        return nodes.command(span, rank)

    return for_port


def _host(span: Sequence[str]) -> str:
    """Where a server listens: on the loopback, unless its first rank runs on another node."""
    return "127.0.0.1" if not span or nodes.is_here(span[0]) else nodes.address(span[0])


def _served_name(arguments: Sequence[str]) -> str | None:
    for index, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--served-model-name":
            return value or " ".join(arguments[index + 1 : index + 2]) or None
    return None


def _embedded(options: ServingOptions) -> list[Server]:
    command = llamacpp.command(options, llamacpp.threads(options.replicas))
    return [
        Server(
            _name("embedded", index, options.replicas),
            "embedded",
            llamacpp.model(options),
            command,
            signatures=llamacpp.SIGNATURES,
            log=log_file(options, "embedded", index),
            ready_timeout=options.ready_timeout,
            ready_path="/health",
            version=llamacpp.version(),
            environment=llamacpp.ENVIRONMENT,
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
