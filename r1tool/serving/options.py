"""Which model answers, and on what."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from r1tool.engines.table import startable

if TYPE_CHECKING:
    EngineName = str
else:  # the choices of --engine
    EngineName = Literal[("auto", *(engine.name for engine in startable()))]


@dataclass(frozen=True)
class ServingOptions:
    """A model server of one's own (`engine`, `model`, parallelism) or running ones (`urls`).

    `engine_arguments` is what stood behind `--` and goes to the engine unchanged. `gpus` is a list such as "0-3,6".
    """

    engine: EngineName = "auto"
    urls: list[str] = field(default_factory=list)
    model: str | None = None
    tp: int = 1
    pp: int = 1
    replicas: int = 1
    nodes: int = 1
    gpus: str | None = None
    server_log: str | None = None
    ready_timeout: float = 3600.0
    engine_arguments: list[str] = field(default_factory=list)
