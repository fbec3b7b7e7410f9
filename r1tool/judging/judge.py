"""Asking the judge about one row."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from r1tool.errors import BadRow
from r1tool.judging.ask import Which, record, to_ask
from r1tool.judging.prompt import default_template, render
from r1tool.judging.verdict import SCHEMA, combine, parse
from r1tool.records.columns import JudgeVerdict
from r1tool.records.ids import row_id, sample_seed
from r1tool.records.row import Row

if TYPE_CHECKING:
    from r1tool.client.client import Client

DEFAULT_MODEL = "meta-llama/Llama-3.3-70B-Instruct"
MAX_TOKENS = 1024
VOTING_TEMPERATURE = 0.6
"""Of more than one vote: at temperature 0 they would all be the same."""


@dataclass(frozen=True)
class JudgeSettings:
    """What is asked, and how often; `constrained` None is only on the embedded engine, which cannot keep a form."""

    which: Which = "wrong"
    votes: int = 1
    template: str = field(default_factory=default_template)
    constrained: bool | None = None


async def judge_row(
    row: Row, client: "Client", settings: JudgeSettings, failed: Callable[[str], None] = lambda reason: None
) -> Row:
    """Ask about every generation of `row` that needs it, all votes at once, and write down what was said.

    A question the server refuses, or that fails too often, leaves null and is told to `failed`: the row is not lost.
    """
    indices = to_ask(row, settings.which)
    said = await asyncio.gather(*(_judge(row, index, client, settings, failed) for index in indices))
    record(row, dict(zip(indices, said, strict=True)))
    return row


async def _judge(
    row: Row, index: int, client: "Client", settings: JudgeSettings, failed: Callable[[str], None]
) -> JudgeVerdict | None:
    prompt = render(
        settings.template, problem=row["problem"], answer=row["answer"], generation=row["generations"][index]
    )
    try:
        votes = await asyncio.gather(
            *(_vote(prompt, client, settings, f"{row_id(row)}:{index}", vote) for vote in range(settings.votes))
        )
    except BadRow as error:
        failed(f"{row_id(row)}, generation {index}: {error}")
        return None
    return combine(votes)


async def _vote(prompt: str, client: "Client", settings: JudgeSettings, id_: str, vote: int) -> JudgeVerdict:
    sampling: dict[str, Any] = {"max_tokens": MAX_TOKENS, "seed": sample_seed(0, id_, vote)}
    sampling["temperature"] = 0.0 if settings.votes == 1 else VOTING_TEMPERATURE
    constrained = settings.constrained
    if client.engine == "embedded" if constrained is None else constrained:
        sampling["response_format"] = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA}}
    reply = await client.chat([{"role": "user", "content": prompt}], **sampling)
    return parse(reply.text)
