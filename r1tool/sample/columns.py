"""The columns that `sample` writes, and reads again of an earlier run."""

from itertools import zip_longest
from typing import Any

import msgspec

from r1tool import __version__
from r1tool.client.generation import Generation
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
"""Options that change an answer, and are named in `sampling` where they were given."""
COUNT_OPTIONS = ("until_correct", "max_n")
"""The same for those that change how many answers there are."""


def write_columns(row: Row, generations: list[Generation], missing: int, prompts: PromptBuilder) -> Row:
    """Put `generations` into `row` and return it; how many are `missing` is told in `sampling`."""
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


class _Provenance(msgspec.Struct):
    """What is read again of `sampling`."""

    seeds: list[int]
    model: str
    engine: str
    engine_version: str | None = None
    gpu_seconds: float | None = None


def read_columns(row: Row) -> dict[int, Generation]:
    """What `write_columns` wrote, by seed; nothing where somebody has edited the columns out of step."""
    try:
        made = msgspec.convert(row.get("sampling"), _Provenance)
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
    options = prompts.options
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
    return provenance | method(options)


def method(options: SampleOptions) -> dict[str, int]:
    """What `sampling` says of the method beyond the plain one."""
    return {name: value for name in ANSWER_OPTIONS + COUNT_OPTIONS if (value := getattr(options, name))}
