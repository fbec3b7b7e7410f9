"""Asking the judge about one row."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from r1tool.errors import BadRow
from r1tool.judge.prompt import default_template, render
from r1tool.judge.questions import Which, record, to_ask
from r1tool.judge.verdict import SCHEMA, combine, parse
from r1tool.records.columns import JudgeVerdict
from r1tool.records.ids import row_id, sample_seed
from r1tool.records.row import Row
from r1tool.stream.journal import Journal, Key

if TYPE_CHECKING:
    from r1tool.client.client import Client

DEFAULT_MODEL = "meta-llama/Llama-3.3-70B-Instruct"
MAX_TOKENS = 1024
VOTING_TEMPERATURE = 0.6
"""Of more than one vote: at temperature 0 they would all be the same."""


@dataclass(frozen=True)
class JudgeSettings:
    """What is asked, and how often; `constrained` None is only where the engine cannot keep a form."""

    which: Which = "wrong"
    votes: int = 1
    template: str = field(default_factory=default_template)
    constrained: bool | None = None


class Judge:
    """A model that is asked about the generations of many rows at once.

    What `journal` holds is not asked again. A question the server refuses, or that fails too often, leaves null and is
    told to `failed`: the row is not lost.
    """

    def __init__(
        self,
        client: "Client",
        settings: JudgeSettings,
        journal: Journal | None = None,
        failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.client, self.settings, self.journal, self.failed = client, settings, journal, failed
        self.asked = self.kept = 0

    async def row(self, row: Row) -> Row:
        """Ask about every generation of `row` that needs it, all votes at once, and write down what was said."""
        indices = to_ask(row, self.settings.which)
        said = await asyncio.gather(*(self._judge(row, index) for index in indices))
        record(row, dict(zip(indices, said, strict=True)))
        return row

    async def _judge(self, row: Row, index: int) -> JudgeVerdict | None:
        text, settings = row["generations"][index], self.settings
        prompt = render(settings.template, problem=row["problem"], answer=row["answer"], generation=text)
        key = Key(row_id(row), index, self._sha(prompt))
        if self.journal and (kept := self.journal.finished(key)) is not None:
            self.kept += 1
            return _decode(kept)
        self.asked += 1
        try:
            votes = await asyncio.gather(*(self._vote(prompt, key, vote) for vote in range(settings.votes)))
        except BadRow as error:
            self.failed(f"{key.id}, generation {index}: {error}")
            return None
        verdict = combine(votes)
        if self.journal:
            self.journal.finish(key, verdict)
        return verdict

    async def _vote(self, prompt: str, key: Key, vote: int) -> JudgeVerdict:
        sampling: dict[str, Any] = {"max_tokens": MAX_TOKENS, "seed": sample_seed(0, f"{key.id}:{key.sample}", vote)}
        sampling["temperature"] = 0.0 if self.settings.votes == 1 else VOTING_TEMPERATURE
        constrained = self.settings.constrained
        if not self.client.engine.keeps_form if constrained is None else constrained:
            form = {"name": "verdict", "schema": SCHEMA}
            sampling["response_format"] = {"type": "json_schema", "json_schema": form}
        reply = await self.client.chat([{"role": "user", "content": prompt}], **sampling)
        return parse(reply.text)

    def _sha(self, prompt: str) -> str:
        asked = f"{self.client.served_model}\0{self.settings.votes}\0{self.settings.constrained}\0{prompt}"
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


_decode = msgspec.json.Decoder(JudgeVerdict).decode
