"""The thought of a generation and its answer: `<think>...</think>answer`."""

OPEN, CLOSE = "<think>", "</think>"


def split(text: str) -> tuple[str, str]:
    """The thought, without its tags, and what follows the last `</think>`.

    A text without tags is all answer; one whose thought was opened and never closed is all thought.
    """
    thought, close, answer = text.rpartition(CLOSE)
    if close:
        return thought.strip().removeprefix(OPEN).strip(), answer.strip()
    if text.lstrip().startswith(OPEN):
        return text.lstrip().removeprefix(OPEN).strip(), ""
    return "", text.strip()


def restore(content: str, reasoning: str | None = None, *, opened: bool = False) -> str:
    """The whole generation, whatever the server made of it.

    `reasoning` is what its reasoning parser took out; `opened` says that the chat template had put `<think>` in front,
    which a bare `</think>` in the content shows as well.
    """
    if reasoning:
        return (
            f"{OPEN}\n{reasoning.strip()}\n{CLOSE}\n\n{content.lstrip()}"
            if content
            else f"{OPEN}\n{reasoning.lstrip()}"
        )
    if content.lstrip().startswith(OPEN):
        return content
    if opened or CLOSE in content:
        return f"{OPEN}\n{content.lstrip()}"
    return content


def is_complete(text: str, finish_reason: str | None) -> bool:
    """The thought is closed if it was opened, an answer follows, and the model stopped by itself (None: unknown)."""
    return finish_reason in ("stop", None) and text.count(OPEN) <= text.count(CLOSE) and bool(split(text)[1])
