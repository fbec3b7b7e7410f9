"""`judge`: rows in, rows with what a model says of their generations out."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from r1tool.client.options import ClientOptions
from r1tool.errors import BadRow
from r1tool.judge.options import JudgeOptions
from r1tool.judge.prompt import render
from r1tool.judge.questions import record, to_ask
from r1tool.judge.verdict import SCHEMA, combine, parse
from r1tool.progress import counted
from r1tool.records.columns import JudgeVerdict
from r1tool.records.ids import row_id, sample_seed
from r1tool.records.row import Row
from r1tool.serving.options import ServingOptions
from r1tool.stream.journal import Journal, Key

if TYPE_CHECKING:
    from r1tool.client.client import Client
    from r1tool.engines.engine import Engine
    from r1tool.stream.stage import Stage

DEFAULT_MODEL = "meta-llama/Llama-3.3-70B-Instruct"
ROWS_IN_FLIGHT = 512
MAX_TOKENS = 1024
VOTING_TEMPERATURE = 0.6
"""Of more than one vote: at temperature 0 they would all be the same."""


def with_default_model(serving: ServingOptions, engine: "Engine | None") -> ServingOptions:
    """The options with DEFAULT_MODEL where `engine` needs a model and none is named."""
    if serving.model is None and engine and engine.default_model is None:
        return replace(serving, model=DEFAULT_MODEL)
    return serving


async def judge(
    stage: "Stage",
    serving: ServingOptions,
    client: ClientOptions,
    options: JudgeOptions,
    engine: "Engine | None",
    *,
    journal: Journal | None = None,
) -> None:
    """Ask about the generations of every row of `stage` and write it with the verdicts.

    `engine` is what `launch.choose` says of `serving`. What `journal` holds is not asked again. Raises R1Error if no
    server can be had.
    """
    from r1tool.client.client import ANSWER_SECONDS, connect
    from r1tool.stream.concurrent import map_rows

    async with connect(serving, client, engine, note=stage.note) as servers:
        if servers.served_model is None:
            await servers.answers_within(ANSWER_SECONDS)
        asker = Judge(servers, options, journal, stage.fail)
        await map_rows(stage, asker.row, in_flight=ROWS_IN_FLIGHT, ordered=True)
    stage.note(f"asked about {counted(asker.asked, 'generation')}, {asker.kept:,} taken from the journal")


class Judge:
    """A model that is asked about the generations of many rows at once.

    What `journal` holds is not asked again. A question the server refuses, or that fails too often, leaves null and is
    reported to `failed`: the row is not lost.
    """

    def __init__(
        self,
        client: "Client",
        options: JudgeOptions,
        journal: Journal | None = None,
        failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.client, self.options, self.journal, self.failed = client, options, journal, failed
        self.asked = self.kept = 0

    async def row(self, row: Row) -> Row:
        """Ask about every generation of `row` that needs it, all votes at once, and write down what was said."""
        indices = to_ask(row, self.options.which)
        said = await asyncio.gather(*(self._judge(row, index) for index in indices))
        record(row, dict(zip(indices, said, strict=True)))
        return row

    async def _judge(self, row: Row, index: int) -> JudgeVerdict | None:
        text, options = row["generations"][index], self.options
        prompt = render(options.template, problem=row["problem"], answer=row["answer"], generation=text)
        key = Key(row_id(row), index, self._sha(prompt))
        if self.journal and (kept := self.journal.finished(key)) is not None:
            self.kept += 1
            return _decode(kept)
        self.asked += 1
        try:
            votes = await asyncio.gather(*(self._vote(prompt, key, vote) for vote in range(options.votes)))
        except BadRow as error:
            self.failed(f"{key.id}, generation {index}: {error}")
            return None
        verdict = combine(votes)
        if self.journal:
            self.journal.finish(key, verdict)
        return verdict

    async def _vote(self, prompt: str, key: Key, vote: int) -> JudgeVerdict:
        sampling: dict[str, Any] = {"max_tokens": MAX_TOKENS, "seed": sample_seed(0, f"{key.id}:{key.sample}", vote)}
        sampling["temperature"] = 0.0 if self.options.votes == 1 else VOTING_TEMPERATURE
        constrained = self.options.constrained
        if not self.client.engine.keeps_form if constrained is None else constrained:
            form = {"name": "verdict", "schema": SCHEMA}
            sampling["response_format"] = {"type": "json_schema", "json_schema": form}
        reply = await self.client.chat([{"role": "user", "content": prompt}], **sampling)
        return parse(reply.text)

    def _sha(self, prompt: str) -> str:
        asked = f"{self.client.served_model}\0{self.options.votes}\0{self.options.constrained}\0{prompt}"
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


_decode = msgspec.json.Decoder(JudgeVerdict).decode
