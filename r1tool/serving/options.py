"""Which model answers, and on what."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from r1tool.engines.table import startable
from r1tool.option import Option

if TYPE_CHECKING:
    EngineName = str
else:  # the choices of --engine
    EngineName = Literal[("auto", *(engine.name for engine in startable()))]


@dataclass(frozen=True)
class ServingOptions:
    """A model server of one's own (`engine`, `model`, parallelism) or running ones (`urls`).

    `engine_arguments` is what followed `--` and goes to the engine unchanged. `gpus` is a list such as "0-3,6".
    """

    engine: Annotated[
        EngineName,
        Option("--engine", help="auto: --url if given, else an installed engine if there is a GPU, else embedded."),
    ] = "auto"
    urls: Annotated[
        list[str],
        Option("--url", metavar="URL", help="An OpenAI-compatible server; repeat to balance load over several."),
    ] = field(default_factory=list)
    model: Annotated[
        str | None, Option("-m", "--model", metavar="NAME_OR_PATH", help="Model to serve, or to request at --url.")
    ] = None
    tp: Annotated[
        int, Option("--tp", metavar="N", min=1, help="Tensor-parallel size; with --url, only to count GPU hours.")
    ] = 1
    pp: Annotated[int, Option("--pp", metavar="N", min=1, help="Pipeline-parallel size.")] = 1
    replicas: Annotated[
        int, Option("--replicas", metavar="N", min=1, help="Number of independent servers of the model.")
    ] = 1
    nodes: Annotated[
        int, Option("--nodes", metavar="N", min=1, help="Nodes per server, inside a Slurm allocation.")
    ] = 1
    gpus: Annotated[str | None, Option("--gpus", metavar="LIST", help="GPUs this command may use, such as 0-3.")] = (
        None
    )
    server_log: Annotated[
        str | None, Option("--server-log", metavar="FILE", help="Where the servers' output goes; default: the cache.")
    ] = None
    ready_timeout: Annotated[
        float,
        Option("--ready-timeout", metavar="S", min=1, help="Seconds to wait for a server to be ready; at --url: 30."),
    ] = 3600.0
    engine_arguments: Annotated[list[str], Option("--")] = field(default_factory=list)
