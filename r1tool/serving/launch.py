"""Which engine, and the servers of it that a command's options ask for."""

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from r1tool.cache import cache
from r1tool.engines.engine import Engine, ServerSpec
from r1tool.engines.table import ENGINES, listed, startable
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
    "engine_arguments": "anything after --",
}
OF_LISTENING = ("--host", "--port", "--uds")
KEPT_LOG_SECONDS = 7 * 24 * 3600


def choose(options: ServingOptions) -> Engine | None:
    """The engine to start; None where servers run already. Raises R1Error where the other options do not go with it.

    Auto is a URL if one is given (or R1TOOL_URL), else an installed engine where there is a GPU, else one for the CPU.
    """
    if options.engine != "auto":
        if options.urls:
            raise R1Error(f"give either --engine {options.engine} or --url (R1TOOL_URL), not both", USAGE)
        if options.engine not in [engine.name for engine in startable()]:
            raise R1Error(f"--engine {options.engine}: r1tool cannot start this engine", USAGE)
        chosen = ENGINES[options.engine]
    elif urls(options):
        _refuse(
            options,
            OF_OWN_SERVERS,
            "is only for servers that r1tool starts, but --url (or R1TOOL_URL) names one that is already running",
        )
        return None
    else:
        chosen = _installed()
    if not chosen.uses_gpus:
        others = listed(engine for engine in startable() if engine.uses_gpus)
        _refuse(
            options,
            OF_GPUS,
            f"does not apply to the {chosen.name} engine; others need a GPU and {others}, or --url",
        )
    return chosen


def _refuse(options: ServingOptions, useless: Mapping[str, str], reason: str) -> None:
    for name, option in useless.items():
        if getattr(options, name) != getattr(DEFAULTS, name):
            raise R1Error(f"{option} {reason}", USAGE)


def urls(options: ServingOptions) -> list[str]:
    """The running servers to ask, without a final slash or /v1. Raises R1Error for what is no URL."""
    given = ",".join(options.urls or [os.environ.get("R1TOOL_URL", "")]).replace(",", " ").split()
    for url in given:
        if not url.startswith(("http://", "https://")):
            shown = url.rpartition("@")[2]  # before it may stand a password
            raise R1Error(f"--url {shown}: not a URL; it must begin with http:// or https://", USAGE)
    return list(dict.fromkeys(url.rstrip("/").removesuffix("/v1").rstrip("/") for url in given))


def make_servers(
    options: ServingOptions, *, runner: Runner = "generate", engine: Engine | None = None
) -> list[Server]:
    """The servers of `engine` (default: what `choose` says), not started. Raises R1Error if they cannot be.

    They share out the GPUs of this machine, or the nodes of a Slurm allocation.
    """
    engine = engine or choose(options)
    assert engine, "servers at --url are not started"
    for argument in options.engine_arguments:
        if (name := argument.partition("=")[0]) in OF_LISTENING:
            raise R1Error(
                f"{name} after --: r1tool chooses the address of its own servers; omit it, "
                "or start the server yourself and give --url",
                USAGE,
            )
    if runner == "reward" and engine.reward_route is None:
        others = " or ".join(other.name for other in startable() if other.reward_route)
        raise R1Error(f"the {engine.name} engine has no reward model; use --url, or --engine {others}", USAGE)
    if not options.model and engine.default_model is None:
        raise R1Error(f"--engine {engine.name} needs --model: a name on the Hub, or a folder", USAGE)
    engine.check(options.model)
    spans, devices = _places(options, engine)
    return [
        Server(
            engine.name if options.replicas == 1 else f"{engine.name} {index + 1} of {options.replicas}",
            engine,
            engine.served_model(options.model, options.engine_arguments),
            _command_line(options, runner, engine, span),
            log=log_file(options, engine.name, index),
            ready_timeout=options.ready_timeout,
            environment={**engine.environment, **({"CUDA_VISIBLE_DEVICES": ",".join(chosen)} if chosen else {})},
            host=_host(span),
            gpu_count=options.tp * options.pp if engine.uses_gpus and (span or gpus.visible()) else 0,
            version=engine.installed_version() if engine.installed_version else None,
        )
        for index, (span, chosen) in enumerate(zip(spans, devices, strict=True))
    ]


def with_thinking_budget(options: ServingOptions, engine: Engine | None) -> ServingOptions:
    """The same, with own servers of `engine` told how to end a thought at a budget, where it can be told."""
    if engine is None:
        return options
    return replace(options, engine_arguments=[*engine.budget_arguments(), *options.engine_arguments])


def _installed() -> Engine:
    """The first engine that is installed, on a machine with GPUs; else the one for the CPU."""
    for engine in startable() if gpus.visible() else []:
        with suppress(R1Error):
            if engine.uses_gpus:
                engine.check(None)
                return engine
    return next(engine for engine in startable() if not engine.uses_gpus)


def _places(options: ServingOptions, engine: Engine) -> tuple[list[list[str]], list[list[str] | None]]:
    """The nodes of each replica, none for this machine, and its GPUs, None where the engine chooses."""
    here: list[list[str]] = [[] for _ in range(options.replicas)]
    if not engine.uses_gpus:
        return here, [None] * options.replicas
    size = options.tp * options.pp
    if size % options.nodes:
        raise R1Error(f"--tp {options.tp} times --pp {options.pp} must be divisible by --nodes {options.nodes}", USAGE)
    if options.nodes > 1:
        spans = nodes.share(options.replicas, options.nodes)
        return spans, gpus.share(options.gpus, 1, size // options.nodes) * options.replicas
    return here, gpus.share(options.gpus, options.replicas, size)


def _command_line(
    options: ServingOptions, runner: Runner, engine: Engine, span: Sequence[str]
) -> Callable[[int], list[str]]:
    def for_port(port: int) -> list[str]:
        assert engine.command
        line = engine.command(
            ServerSpec(
                options.model,
                port,
                host=_host(span),
                reward=runner == "reward",
                tp=options.tp,
                pp=options.pp,
                replicas=options.replicas,
                arguments=options.engine_arguments,
            )
        )
        if not span:
            return line
        assert engine.over_nodes
        rank = engine.over_nodes(line, len(span), nodes.address(span[0]), free_port())
        return nodes.command(span, rank)

    return for_port


def _host(span: Sequence[str]) -> str:
    """Where a server listens: on the loopback, unless its first rank runs on another node."""
    return "127.0.0.1" if not span or nodes.is_here(span[0]) else nodes.address(span[0])


def log_file(options: ServingOptions, engine: str, index: int) -> Path:
    """Where a replica's output goes: --server-log, numbered from the second replica on, or a file in the cache."""
    if options.server_log:
        file = Path(options.server_log)
        return file.with_name(f"{file.stem}-{index + 1}{file.suffix}") if index else file
    folder = cache() / "logs"
    for old in folder.glob("*.log"):
        if old.stat().st_mtime < time.time() - KEPT_LOG_SECONDS:
            old.unlink(missing_ok=True)
    return folder / f"{engine}-{time.strftime('%Y%m%d-%H%M%S')}-{socket.gethostname()}-{os.getpid()}-{index}.log"
