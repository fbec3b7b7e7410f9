"""The registry of columns: each column of a row, its type, who writes it and what it means.

Type checks on reading, Parquet types, the card's descriptions and docs/row.md all come from this one table.
"""

from typing import Annotated, Any, Literal, NamedTuple, TypedDict, get_args

import msgspec

Outcome = Literal["correct", "wrong", "no_answer", "gold_unparsable", "timeout", "error"]
Opinion = Literal["EQUIVALENT", "DIFFERENT", "AMBIGUOUS", "UNPARSABLE"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)


class TokenCounts(msgspec.Struct):
    """Tokens of one generation; `thinking` is the part before </think>."""

    prompt: int | None = None
    completion: int | None = None
    thinking: int | None = None


class JudgeVerdict(msgspec.Struct):
    """What the judge said of one generation."""

    verdict: Opinion
    votes: dict[Opinion, int] | None = None
    explanation: str | None = None


class Message(msgspec.Struct):
    """One turn of a conversation."""

    role: str
    content: str


class PublishedMessage(TypedDict):
    """A turn with its keys in the order of OpenR1-Math-220k."""

    content: str
    role: str


class Sampling(TypedDict):
    """The keys of `sampling` that every row has; it may hold more."""

    model: str
    engine: str
    engine_version: str
    temperature: float
    top_p: float
    max_tokens: int
    seeds: list[int]
    template_sha: str
    gpu_seconds: float
    r1tool: str


class Verification(TypedDict):
    """The keys of `verification`."""

    version: int
    settings: str
    crc32: int


class Column(NamedTuple):
    """One column of a row.

    `type` is what a value is read as; `Annotated[T, S]` is read as T and published with the keys of S. `written_by`
    names the commands, or the input.
    `per_generation`: it holds one entry for each of `generations`. `checked` is False where other datasets have
    columns of that name with another type, so that any value passes.
    """

    name: str
    type: Any
    written_by: str
    meaning: str
    per_generation: bool = False
    checked: bool = True

    @property
    def description(self) -> str:
        """The meaning, as a card or a page tells it."""
        return f"per generation: {self.meaning}" if self.per_generation else self.meaning


_TEXT = str | None
_TEXTS = list[str | None] | None
_FLAGS = list[bool | None] | None
_COUNTS = list[TokenCounts | None] | None
_VERDICTS = list[JudgeVerdict | None] | None
_MESSAGES = list[Annotated[Message, PublishedMessage]] | None
_ANSWERS = "the model's answers: `<think>…</think>` and what follows"
_TOKENS = "tokens of prompt, completion and thought"
_COMPLETE = "whether the thought is closed and an answer follows"
_JUDGED = "whether the judge finds it right; null where it was not asked"
_OUTCOMES = "correct, wrong, no_answer, gold_unparsable, timeout or error"
_SAID = "the judge's verdict, votes and explanation"
_REASONS = "`stop`, or `length` if it was truncated"
_RULES = "version and settings of the rules, and a checksum of what they checked"

COLUMNS = (
    Column("problem", _TEXT, "input", "the problem, without any instruction"),
    Column("solution", _TEXT, "input", "the reference solution"),
    Column("answer", _TEXT, "input", "the reference answer"),
    Column("problem_type", _TEXT, "input", "field of mathematics"),
    Column("question_type", _TEXT, "input", "kind of question"),
    Column("source", _TEXT, "input", "collection the problem comes from"),
    Column("uuid", _TEXT, "input, sample", "id of the row"),
    Column("is_reasoning_complete", _FLAGS, "sample", _COMPLETE, per_generation=True),
    Column("generations", list[str] | None, "sample", _ANSWERS),
    Column("correctness_math_verify", _FLAGS, "verify", "whether the rules find it right", per_generation=True),
    Column("correctness_llama", _FLAGS, "judge", _JUDGED, per_generation=True),
    Column("finish_reasons", _TEXTS, "sample", _REASONS, per_generation=True),
    Column(
        "correctness_count",
        int | None,
        "verify, judge",
        "number of generations found right by rules or judge",
    ),
    Column("messages", _MESSAGES, "rank", "the problem and the chosen generation, for fine-tuning"),
    Column("token_counts", _COUNTS, "sample", _TOKENS, per_generation=True),
    Column("sampling", Annotated[dict[str, Any], Sampling] | None, "sample", "model, engine and sampling parameters"),
    Column("verdicts", list[Outcome | None] | None, "verify", _OUTCOMES, per_generation=True),
    Column("extracted_answers", _TEXTS, "verify", "the answer that was compared", per_generation=True),
    Column("judge_verdicts", _VERDICTS, "judge", _SAID, per_generation=True),
    Column("scores", dict[str, list[float | None]] | None, "rank", "per scorer: one score per generation"),
    Column("verification", Annotated[dict[str, Any], Verification] | None, "verify", _RULES),
    Column("prompt", list[Message], "split", "the problem as a conversation", checked=False),
    Column("chosen", list[Message], "split", "a right generation", checked=False),
    Column("rejected", list[Message], "split", "a wrong generation", checked=False),
    Column("completion", list[Message], "split", "a generation", checked=False),
    Column("label", bool, "split", "whether the completion is right", checked=False),
)
"""Every column r1tool writes or looks at, in the order `push` writes them.

First those of open-r1/OpenR1-Math-220k, then r1tool's own, then those of a trainer (`split --as`).
"""

TYPES: dict[str, Any] = {column.name: column.type for column in COLUMNS if column.checked}
"""What a column is read as, by name."""

ALIGNED = tuple(column.name for column in COLUMNS if column.per_generation)
"""Columns that hold one entry for each of `generations`."""
