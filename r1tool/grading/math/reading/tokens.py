"""Normalised text as the tokens of mathematics: numbers, commands, letters, words and signs."""

import re
from itertools import pairwise

from r1tool.grading.math.reading.units import is_unit

MAX_TOKENS = 5000
MAX_DIGITS = 2000

Token = tuple[str, str]
"""Its kind (num, quote, cmd, letter, op) and its text; a quote is words, as text sets them or as they stand."""


class Unreadable(Exception):
    """This reader does not know how to read the answer; another may."""


_NAMES = "sin cos tan cot sec csc asin acos atan sinh cosh tanh ln log exp"
_OTHER_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "tg": "tan", "ctg": "cot", "lg": "log10"}
FUNCTIONS = {name: name for name in _NAMES.split()} | _OTHER_NAMES
_SHORT_WORDS = frozenset("no is in it to at of if we by so as am".split())
SEPARATORS = frozenset(("and", "or", "和", "或", "与", "或者", "以及", "及"))
CONSTANTS = {
    **dict.fromkeys(("pi", "Pi"), ("const", "pi")),
    **dict.fromkeys(("infty", "inf", "infinity", "Infinity", "oo"), ("const", "oo")),
}

_TOKEN = re.compile(
    r"(?P<num>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+(?![\d.]))?)|(?P<quote>«[^»]*»)|(?P<cmd>\\[a-zA-Z]+|\\[{}|\\])|(?P<word>[A-Za-z]+)|(?P<han>[\u4e00-\u9fff]+)"
    r"|(?P<op>\*\*|<=|>=|!=|==|=>|->|[^\sA-Za-z\d])"
)
_QUOTED_SEPARATOR = re.compile(r"(,|\band\b|\bor\b)")
_HAN_SEPARATOR = re.compile("(或者|以及|[和或与及])")
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_BRACKET = re.compile(r"[(\[{]")
_ORDINAL = re.compile(r"(?<=\d)\s*(?:\^\s*\{?\s*«?(?:st|nd|rd|th)»?\s*\}?|«?(?:st|nd|rd|th)»?(?![a-z]))")
_QUALIFIER = re.compile(r"(?<=.)[,;]?\s*«?\s*\b(?:for (?:all|any|every|each|some)|where|with)\b.*$")
_APPROXIMATE = re.compile(r"^(?:\\approx|\\sim|~|=)\s*")


def tokenize(text: str) -> list[Token]:
    """The tokens of a normalised text. Raises Unreadable beyond MAX_TOKENS or MAX_DIGITS."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, value = match.lastgroup or "", match[0]
        if kind == "num" and len(value) > MAX_DIGITS:
            raise Unreadable("a very long number")
        if kind == "quote":
            parts = _QUOTED_SEPARATOR.split(value[1:-1])
            tokens += [("op", ",") if part == "," else ("quote", part.strip()) for part in parts if part.strip()]
        elif kind == "word":
            _add_word(tokens, value)
        elif kind == "han":
            tokens += [("quote", part) for part in _HAN_SEPARATOR.split(value) if part]
        else:
            tokens.append((kind, value))
        if len(tokens) > MAX_TOKENS:
            raise Unreadable("too long")
    return tokens


def tidy(text: str) -> str:
    """A normalised answer without ordinals, conditions ("where …"), and signs at its ends that mean nothing."""
    text = _QUALIFIER.sub("", _ORDINAL.sub("", text))
    text = text.replace('"', "").replace("``", "").strip().lstrip(",;: ")
    text = (text[:-3] + "\\ldots" if text.endswith("...") else text).rstrip(".,;: ")
    text = _APPROXIMATE.sub("", text)
    while text.endswith("}") and text.count("}") > text.count("{"):
        text = text[:-1].rstrip("\\ ")
    return text


def without_thousands(text: str) -> str:
    """1,234,567 is one number where no bracket makes it a list."""
    if "," in text and not _BRACKET.search(text):
        text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    return text


def _add_word(tokens: list[Token], word: str) -> None:
    """A run of letters: a function, a constant, a unit or a word; or else letters multiplied."""
    lower = word.lower()
    if word in FUNCTIONS or lower in ("sqrt", "cbrt", "frac", "abs") or word in CONSTANTS:
        tokens.append(("cmd", "\\" + word))
    elif lower in SEPARATORS or lower in ("pm", "union", "cup", "mod"):
        tokens.append(("quote", lower) if lower in SEPARATORS else ("cmd", "\\" + lower))
    elif len(word) == 1:
        tokens.append(("letter", word))
    elif tokens and tokens[-1][0] == "num" and is_unit(word):
        tokens.append(("quote", word))
    elif (len(word) == 2 and lower not in _SHORT_WORDS) or (
        len(word) > 2 and word.islower() and all(a < b for a, b in pairwise(word)) and not is_unit(word)
    ):
        tokens += [("letter", c) for c in word]
    else:
        tokens.append(("quote", word))
