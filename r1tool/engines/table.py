"""The engines, by name: a new one is a file beside this one and a line here."""

from collections.abc import Iterable

from r1tool.engines import llamacpp, openai, sglang, vllm
from r1tool.engines.engine import Engine

UNKNOWN = openai.ENGINE
"""What a server is taken for that nobody has recognised."""

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        vllm.ENGINE,
        sglang.ENGINE,
        llamacpp.ENGINE,
        openai.ENGINE,
    )
}
"""In the order in which an installed one is looked for, and in which --engine lists them."""


def startable() -> list[Engine]:
    """Those that r1tool can start."""
    return [engine for engine in ENGINES.values() if engine.command]


def owner(mark: object) -> Engine:
    """The engine whose `owned_by` in /v1/models is `mark`, else UNKNOWN."""
    return next((engine for engine in ENGINES.values() if engine.owned_by and engine.owned_by == mark), UNKNOWN)


def listed(engines: Iterable[Engine]) -> str:
    """Their titles in a sentence, such as `vLLM, SGLang or llama.cpp`."""
    *others, last = [engine.title or engine.name for engine in engines]
    return f"{', '.join(others)} or {last}" if others else last
