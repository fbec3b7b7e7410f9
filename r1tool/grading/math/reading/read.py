"""Text in, tree out: one answer in LaTeX or plain text, as it was found."""

import re

from r1tool.grading.math.reading.commands import COMMANDS
from r1tool.grading.math.reading.grammar import Parser
from r1tool.grading.math.reading.notation import MAX_NOTATION_CHARS, normalize
from r1tool.grading.math.reading.tokens import Unreadable, tidy, tokenize, without_thousands
from r1tool.grading.math.tree import Node

_NAMED = re.compile(r"[A-Za-z_«»\s\\'{}()]{1,60}=")


def read(text: str) -> Node:
    """Read one answer. Raises Unreadable."""
    if len(text) > MAX_NOTATION_CHARS:
        raise Unreadable("too long")
    text = tidy(normalize(text))
    if not text:
        raise Unreadable("empty")
    try:
        return _parse(text)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        named = _NAMED.match(text)
        if named and "=" not in text[named.end() :]:
            return _parse(text[named.end() :])
        raise


def _parse(text: str) -> Node:
    return Parser(tokenize(without_thousands(text)), COMMANDS).answer()
