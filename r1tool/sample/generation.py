"""One finished generation: what the journal keeps of it, and how a row is put together from several."""

from itertools import zip_longest
from typing import Any

import msgspec

from r1tool import __version__
from r1tool.client.reply import Reply
from r1tool.errors import BadRow
from r1tool.records import think
from r1tool.records.columns import COLUMNS
from r1tool.records.ids import problem_uuid
from r1tool.records.row import Row
from r1tool.sample.options import SampleOptions
from r1tool.sample.prompts import PromptBuilder

LATER = {"verify", "judge", "rank"}
SUPERSEDED = [
    column.name for column in COLUMNS if column.per_generation or LATER.issuperset(column.written_by.split(", "))
]
"""What speaks of the generations a row had before it was sampled again."""

ANSWER_OPTIONS = ("thinking_budget", "wait")
"""What of the method decides an answer ..."""
COUNT_OPTIONS = ("until_correct", "max_n")
"""... and what decides how many are asked for."""


class Generation(msgspec.Struct, omit_defaults=True):
    """A text and where it came from; `gpu_seconds` is None where nobody knows the number of GPUs."""

    text: str
    finish_reason: str
    seed: int
    model: str
    engine: str
    version: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int | None = None
    gpu_seconds: float | None = None

    @classmethod
    def of(cls, reply: Reply, seed: int) -> "Generation":
        return cls(
            text=reply.text.strip(),
            finish_reason=reply.finish_reason,
            seed=seed,
            model=reply.model,
            engine=reply.engine,
            version=reply.version,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            thinking_tokens=reply.thinking_tokens,
            gpu_seconds=reply.gpu_seconds,
        )


def fill(row: Row, generations: list[Generation], missing: int, prompts: PromptBuilder) -> Row:
    """Write the columns of `sample` into `row`; `missing` generations are counted in `sampling`."""
    if "generations" in row:
        for column in SUPERSEDED:
            if column in row:
                del row[column]
    if not row.get("uuid"):
        row["uuid"] = problem_uuid(row["problem"])
    row["generations"] = [each.text for each in generations]
    row["finish_reasons"] = [each.finish_reason for each in generations]
    row["is_reasoning_complete"] = [think.is_complete(each.text, each.finish_reason) for each in generations]
    row["token_counts"] = [
        {"prompt": each.prompt_tokens, "completion": each.completion_tokens, "thinking": each.thinking_tokens}
        for each in generations
    ]
    row["sampling"] = _provenance(generations, missing, prompts)
    return row


class _Made(msgspec.Struct):
    """What is read again of `sampling`."""

    seeds: list[int]
    model: str
    engine: str
    engine_version: str | None = None
    gpu_seconds: float | None = None


def taken(row: Row) -> dict[int, Generation]:
    """What `fill` wrote, by seed; nothing where somebody has edited the columns out of step."""
    try:
        made = msgspec.convert(row.get("sampling"), _Made)
        texts, reasons = row.get("generations", []), row.get("finish_reasons", [])
        counts = row.get("token_counts", [])
    except (BadRow, msgspec.ValidationError):
        return {}
    if not len(texts) == len(reasons) == len(made.seeds):
        return {}
    generations = {}
    for seed, text, reason, count in zip_longest(made.seeds, texts, reasons, counts[: len(texts)]):
        if reason is not None:
            generations[seed] = Generation(
                text=text,
                finish_reason=reason,
                seed=seed,
                model=made.model,
                engine=made.engine,
                version=made.engine_version,
                prompt_tokens=count.prompt if count else None,
                completion_tokens=count.completion if count else None,
                thinking_tokens=count.thinking if count else None,
                gpu_seconds=made.gpu_seconds / len(texts) if made.gpu_seconds is not None else None,
            )
    return generations


def _provenance(generations: list[Generation], missing: int, prompts: PromptBuilder) -> dict[str, Any]:
    options: SampleOptions = prompts.options
    known = [each.gpu_seconds for each in generations if each.gpu_seconds is not None]
    provenance: dict[str, Any] = {
        "model": generations[-1].model,
        "engine": generations[-1].engine,
        "engine_version": generations[-1].version,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_tokens": options.max_tokens,
        "seeds": [each.seed for each in generations],
        "template_sha": prompts.template_sha,
        "gpu_seconds": round(sum(known), 3) if known else None,
        "r1tool": __version__,
    }
    if missing:
        provenance["missing"] = missing
    return provenance | settings(options)


def settings(options: SampleOptions) -> dict[str, int]:
    """What `sampling` says of the method beyond the plain one."""
    return {name: value for name in ANSWER_OPTIONS + COUNT_OPTIONS if (value := getattr(options, name))}
