r"""Where the answer of a generation is: the last box after `</think>`, or what else announces it, in linear time."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

TAIL_CHARS = 4000
"""Announcements such as "the answer is" are looked for in the end of the text only."""

SHORT_CHARS = 80
THOUGHT_TAIL_CHARS = 1000
MAX_BOX_CHARS = 200_000
MAX_JOINED = 64

Answers = Literal["any", "box"]


class Extracted(NamedTuple):
    """The answer as it was written, and how it was found: box, boxes, phrase, formula or number."""

    text: str
    how: str


MAX_WORDS = 3
_WORD = re.compile(
    r"(?<![\\a-zA-Z])(?:[A-Za-z]{3,}|is|of|no|to|in|at|be|it|we|an|by|so|if|Is|It|We|In|No|So|If)(?![a-zA-Z])"
)
_IDEOGRAPH = re.compile("[\u4e00-\u9fff]")
_COMMAND = re.compile(r"\\[a-zA-Z]+")

_BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])\s*")
_CONNECTIVE = re.compile(
    r"(?:\s|[$,;.:]|\\[()\[\],;!]|\\q?quad|\\\\|&|\\ |(?:\b[a-z]{1,12}\s+)?\b(?:and|or|as well as|for part|part)\b"
    r"|\\(?:text|mbox|textrm)\s*\{"
    r"|\}|\([a-z\d]\)|\b[A-Za-z](?:_\{?\w\}?)?\s*=|[和或与，、；]|\*\*)*"
)
_PHRASE = re.compile(
    r"(?:final\s+answer|correct\s+answer|answer|correct\s+(?:option|choice)|ANSWER|Answer)\s*(?:\([^()]{0,40}\))?[*_]{0,2}\s*"
    r"(?:(?:to|of|for)\s[^.\n:]{0,120}?\s)?(?:is|are|was|would be|will be|=|:|：|\*\*)\s*[*_]{0,2}\s*:?\s*",
    re.IGNORECASE,
)
_HASHES = re.compile(r"####\s*([^\n]+)")
_A_LINE = re.compile(r"(?:^|\n)\s*\**(?:A|Ans|ANS)\.?\**\s*[:：]\s*\**([^\n]+)")
_CHINESE = re.compile(r"(?:最终答案|正确答案|答案|故选|所以选|应选|选项)(?:应该)?(?:是|为|：|:|选)?\s*[:：]?\s*")
_DISPLAY = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|(?<!\\)\$((?:\\\$|[^$\n])+?)(?<!\\)\$", re.DOTALL)
_PERCENT = re.compile(r"\s*(?:\\?%|percent|pct)")
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?\s*%?")
_HEDGE = re.compile(
    r"\s*\$?\.?\s*(?:I hope (?:it|this) is correct|I hope it's correct"
    r"|<\|im_end\|>|<\|im_start\|>|<\|eot_id\|>|</s>|<\|endoftext\|>)",
    re.IGNORECASE,
)
_FINAL = re.compile(r"[Ff]inal [Aa]nswer(?::? The final answer)? is:? *(\$[^\n]+?\$)")


def answer_part(generation: str) -> str:
    """What follows the last `</think>`; all where there is no such tag; nothing if `<think>` was never closed."""
    at = generation.rfind("</think>")
    if at >= 0:
        return generation[at + 8 :]
    if generation.lstrip()[:7] == "<think>":
        return ""
    return generation


def extract(generation: str, answers: Answers = "any") -> str | None:
    r"""The final answer of a generation as it was written, or None.

    The last `\boxed{…}` after `</think>`, joined with its neighbours where one sentence boxes several parts. With
    `answers="any"` and nothing boxed: "the answer is …", "#### …", 答案是…, the last formula, the last number.
    """
    found = locate(generation, answers)
    return found.text if found else None


def locate(generation: str, answers: Answers = "any") -> Extracted | None:
    """As extract, and how the answer was found."""
    text = answer_part(generation)
    boxes = last_boxes(text)
    if boxes:
        stated = _FINAL.search(text, text.rfind("\\boxed")) if answers == "any" and "inal" in text[-200:] else None
        if stated and (answer := _sentence(stated[1])):
            return Extracted(answer, "phrase")
        if len(boxes) == 1:
            return Extracted(_inner(boxes[0]), "box")
        return Extracted(", ".join(boxes), "boxes")
    if answers == "box" or not text.strip():
        return None
    tail = _without_hedge(text[-TAIL_CHARS:])
    return _phrase(tail) or _thought_box(generation, text) or _unannounced(tail)


def _inner(box: str) -> str:
    """A box that holds a sentence with an announcement of its own."""
    if "nswer" in box and (found := _phrase(_without_hedge(box))):
        return found.text
    return _without_hedge(box) if "I hope" in box else box


def _thought_box(generation: str, answer: str) -> Extracted | None:
    """The box a closed thought ends with, where the answer after it boxes and announces nothing."""
    if len(answer) == len(generation):
        return None
    thought = generation[: len(generation) - len(answer)]
    boxes = last_boxes(thought[-THOUGHT_TAIL_CHARS:])
    return Extracted(", ".join(boxes), "box" if len(boxes) == 1 else "boxes") if boxes else None


def all_boxes(generation: str, limit: int) -> list[str]:
    """The last `limit` distinct boxes of the answer, in their order."""
    found: list[str] = []
    text = answer_part(generation)
    end = len(text)
    for _ in range(4 * limit):
        at = _box_before(text, end)
        if at is None:
            break
        end = at
        content = _content(text, at)
        if content is not None and content[0] not in found:
            found.append(content[0])
            if len(found) == limit:
                break
    return found[::-1]


def last_boxes(text: str) -> list[str]:
    """The last box, with those right before it that only a comma or an "and" separates from it."""
    end = len(text)
    last: list[str] = []
    start = end
    failures = 0
    while len(last) < MAX_JOINED:
        at = _box_before(text, end)
        if at is None:
            break
        content = _content(text, at)
        if content is None:
            failures += 1
            if last or failures > 8:
                break
            end = at
            continue
        answer, close = content
        if last:
            between = text[close:start]
            if (
                close > start
                or len(between) > 60
                or _CONNECTIVE.fullmatch(between) is None
                or "." in between.strip("$ .*")
            ):
                break
            if not any(c.isalnum() or c in ",;、，和或与&" for c in between) or answer in last or "\n\n" in between:
                break
        last.insert(0, answer)
        end = start = at
    return last


def _box_before(text: str, end: int) -> int | None:
    at = max(text.rfind("\\boxed", 0, end), text.rfind("\\fbox", 0, end))
    return at if at >= 0 else None


def _content(text: str, at: int) -> tuple[str, int] | None:
    """What the box at `at` holds and where it ends; None where it is empty or never closed."""
    match = _BOX.match(text, at)
    if not match:
        return None
    start = match.end()
    if text[start : start + 1] != "{":
        one = re.compile(r"\\?[\w.\-]+|\S").match(text, start)
        return (one[0], one.end()) if one and match.end() > match.start() else None
    depth, position = 0, start
    limit = min(len(text), start + MAX_BOX_CHARS)
    for brace in _BRACES.finditer(text, start, limit):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                content = text[start + 1 : brace.start()].strip()
                return (content, brace.end()) if content else None
        position = brace.end()
    return _unclosed(text, start, position)


_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)


def _unclosed(text: str, start: int, position: int) -> tuple[str, int] | None:
    """A box whose brace is missing ends with its line or its formula, if that comes soon."""
    match = re.compile(r"[^\n$]{1,200}").match(text, start + 1)
    if not match or match.end() >= len(text) + 1:
        return None
    content = match[0].strip().removesuffix("\\]").removesuffix("\\)").strip().rstrip(".")
    return (content, match.end()) if content and "\\boxed" not in content and len(match[0]) < 200 else None


def _without_hedge(text: str) -> str:
    """Without "I hope it is correct" and what a model writes after its end of text."""
    hedge = _HEDGE.search(text)
    if not hedge:
        return text
    return text[: hedge.start()] + ("$" if text[: hedge.start()].count("$") % 2 else "")


def _phrase(tail: str) -> Extracted | None:
    """The last "the answer is …"."""
    for pattern in (_PHRASE, _CHINESE):
        phrase = None
        for phrase in pattern.finditer(tail):  # noqa: B007
            pass
        if phrase is not None and (answer := _sentence(tail[phrase.end() :])):
            return Extracted(answer, "phrase")
    for pattern in (_HASHES, _A_LINE):
        found = pattern.findall(tail)
        if found and (answer := _sentence(found[-1])):
            return Extracted(answer, "phrase")
    return None


def _unannounced(tail: str) -> Extracted | None:
    """The last formula, or the number after it; all of a short text without formulas."""
    tail = tail.strip()
    formulas = list(_DISPLAY.finditer(tail))
    if not formulas:
        if len(tail) <= SHORT_CHARS and "\n" not in tail and "\\boxed" not in tail and not is_prose(tail):
            return Extracted(_sentence(tail), "phrase") if _sentence(tail) else None
    else:
        last = formulas[-1]
        content = next(group for group in last.groups() if group is not None).strip()
        behind = tail[last.end() :]
        if _PERCENT.match(behind):
            return Extracted(content + " \\%", "formula")
        if not _NUMBER.search(behind):
            return Extracted(content, "formula") if content else None
        tail = behind
    numbers = _NUMBER.findall(tail)
    return Extracted(numbers[-1].strip(), "number") if numbers else None


def _sentence(text: str) -> str:
    """The answer at the start of `text`: a formula, or the words up to the end of the sentence."""
    text = text.strip().lstrip("*_:： ").strip()
    if text.startswith(("\\[", "\\(", "$")):
        formulas = []
        position = 0
        while match := _DISPLAY.match(text, position):
            formulas.append(next(group for group in match.groups() if group is not None).strip())
            position = match.end()
            joint = re.compile(r"\s*(?:,|and|or|和|或)\s*(?=\$|\\\(|\\\[)").match(text, position)
            if not joint:
                break
            position = joint.end()
        if formulas:
            return ", ".join(formulas) + (" \\%" if _PERCENT.match(text, position) else "")
    line = text.split("\n", 1)[0]
    end = re.search(r"(?<=[^\d\s])\.(?:\s|$)|(?<=\d)\.(?:\s|$)|[。！？]|(?<=\w)[!?](?:\s|$)", line)
    if end and not re.fullmatch(r"\(?[A-Z]\)?", line[: end.start()].strip()):
        line = line[: end.start()]
    return line.strip().strip("*").strip().rstrip(".。").strip()


@lru_cache(maxsize=1024)
def is_prose(text: str) -> bool:
    """A sentence instead of an answer."""
    text = _COMMAND.sub(" ", text)
    return len(_WORD.findall(text)) > MAX_WORDS or len(_IDEOGRAPH.findall(text)) > MAX_WORDS
