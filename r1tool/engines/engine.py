"""What r1tool knows of one engine: each has a file of its own, which ends in its `Engine`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Way = Literal["apply-template", "tokenize", "prefix"]
"""How a server continues a text: after the prompt that /apply-template renders (llama.cpp), after the tokens that
/tokenize makes of a chat (vLLM), or as the last message of the chat, which it continues itself (SGLang)."""
Signature = tuple[str, str]
"""A pattern in an engine's log, and what it means in one sentence; groups of the pattern are filled in."""

FinishReason = Literal["stop", "length"]
"""Why a model stopped, in the words of OpenAI, which a row keeps."""
FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "eos": "stop",
    "eos_token": "stop",
    "tool_calls": "stop",
}


class MetricNames(NamedTuple):
    """Names in Prometheus' text of /metrics; `kv_use` is a share from 0 to 1, by its present and its former names."""

    running: str
    waiting: str
    kv_use: tuple[str, ...]
    generation_tokens: str


class ServerSpec(NamedTuple):
    """A server to be started: `arguments` are the user's own; `replicas` are how many share this machine."""

    model: str | None
    port: int
    host: str = "127.0.0.1"
    reward: bool = False
    tp: int = 1
    pp: int = 1
    replicas: int = 1
    arguments: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Engine:
    """One engine. Only `name` is needed: the defaults are those of a server of which nothing is known.

    name: in --engine, in messages and in the column `sampling`. title: what its makers call it.

    How it is recognised and looked at
    owned_by: its mark in /v1/models. version_route: path and field of its version.
    metrics: names of its counters, None where it has none. death_signs: what it says once its engine has died.

    How it is asked
    continues_by: how a text can be continued, tried in this order.
    counts_every_event: whether it is asked for the count of tokens in each event, not at the end alone.
    finish_reasons: what it sends, in the words of OpenAI.
    keeps_connections: False where it closes a connection after a few requests without saying so.
    requests_at_once: how many one server gains by, None where that is found out.
    refuses_beyond_context: whether it refuses a max_tokens that its context has no room for.
    lifts_limit: what makes it give answers more tokens than the model's generation_config.json does.
    has_thinking_budget: whether it may know `thinking_token_budget`.
    keeps_form: whether its models keep the form of a reply that the prompt asks for.
    may_be_gateway: whether any error may stand for a route that is not there.

    How it is started
    command: the command line of a server on one node; None where r1tool does not start it.
    check: raises R1Error where it is not installed, or cannot serve the model.
    served_model: the name that requests use, of --model and the user's arguments.
    over_nodes: the command line of each rank, of that for one node, the number of nodes, and the head's address and
    port; srun tells each its rank. budget_arguments: what makes a server ready for a thinking budget.
    default_model: what it serves without --model, a demonstration model that answers examples and little else.
    reward_route: where a reward model answers, None where it cannot serve one.
    ready_path: what answers 200 once it is ready. starts_quickly: whether a start is not worth a word.
    installed_version: where a running server does not know it. notice: said whenever it is chosen.
    signatures: what its log says, in the order of a diagnosis.
    """

    name: str
    title: str = ""

    owned_by: str | None = None
    version_route: tuple[str, str] | None = None
    metrics: MetricNames | None = None
    death_signs: tuple[str, ...] = ()

    continues_by: tuple[Way, ...] = ()
    counts_every_event: bool = False
    finish_reasons: Mapping[str, FinishReason] = field(default_factory=lambda: FINISH_REASONS)
    keeps_connections: bool = True
    requests_at_once: int | None = None
    refuses_beyond_context: bool = False
    lifts_limit: str | None = None
    has_thinking_budget: bool = False
    keeps_form: bool = True
    may_be_gateway: bool = False

    command: Callable[[ServerSpec], list[str]] | None = None
    check: Callable[[str | None], None] = lambda model: None
    served_model: Callable[[str | None, Sequence[str]], str] = lambda model, arguments: model or ""
    over_nodes: Callable[[Sequence[str], int, str, int], list[str]] | None = None
    budget_arguments: Callable[[], list[str]] = list
    uses_gpus: bool = True
    default_model: str | None = None
    reward_route: str | None = None
    ready_path: str = "/v1/models"
    installed_version: Callable[[], str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    starts_quickly: bool = False
    notice: str | None = None
    signatures: Sequence[Signature] = ()

    def demonstrates(self, model: str | None) -> bool:
        """Whether its demonstration model answers where --model is `model`."""
        return model is None and self.default_model is not None


def served_model_name(model: str | None, arguments: Sequence[str]) -> str:
    """The name given as --served-model-name, else the model's own: vLLM and SGLang share that option."""
    for index, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--served-model-name" and (value := value or " ".join(arguments[index + 1 : index + 2])):
            return value
    return model or ""
