"""Multiple choice: the letter of an answer, and what the options of the problem stand for."""

import re
from collections.abc import Callable
from functools import lru_cache

from r1tool.grading.math.reading.notation import normalize

_LETTERS = "A-J"
_BARE = re.compile(rf"[(\[]?\s*[«]?\s*[(\[]?\s*([{_LETTERS}])\s*[)\]]?\s*[»]?\s*[)\]]?\s*[.:]?")
_LEADING = re.compile(
    rf"(?:(?:option|choice|answer)\s*)?(?:[(\[]\s*«?([{_LETTERS}])»?\s*[)\]]|«\(?([{_LETTERS}])\)?[).:]?»\s*[).:]?|([{_LETTERS}])\s*[).:])\s*(?:[:.,\-]\s*)?(.*)",
    re.DOTALL | re.IGNORECASE,
)
_NAMED = re.compile(rf"(?:«\s*)?(?:option|choice)\s*(?:»\s*)?[(\[]?«?([{_LETTERS}])»?[)\]]?\.?", re.IGNORECASE)
_OPTION = re.compile(
    rf"(?:\\(?:textbf|mathrm|text|mathbf|textrm|bf|rm)\s*\{{?\s*|^|(?<=[\s$}}>,;.?:~]))"
    rf"[(\[]\s*([{_LETTERS}])\s*[)\]]\s*\}}?[).:]?\s*"
)
_OPTION_DOTTED = re.compile(rf"(?:^|\n|\s\s+|\\q?quad\s*)(?:\*\*)?([{_LETTERS}])[.:)]\s+")
_SEVERAL = re.compile(rf"[{_LETTERS}](?:\s*(?:,|and|;|、|和)?\s*[{_LETTERS}])+")
_TRIM = re.compile(r"(?:\s|\\q?quad|\\\\|\\ |\\hfill|\\hspace\*?\{[^{}]*\}|~|\$|\\[()]|[,;.])+$")


Compare = Callable[[str, str], bool | None]


def compare(gold: str, answer: str, problem: str | None, compare_texts: Compare) -> bool | None:
    """A letter against a letter, or against the value of an option of the problem; None where neither side is one."""
    mine, theirs = letter(gold), letter(answer)
    if mine and theirs:
        return mine[0] == theirs[0]
    if mine:
        name, text = mine
        return (compare_texts(text, answer) or None) if text else _is_option(name, answer, problem, compare_texts)
    if theirs:
        name, text = theirs
        return compare_texts(gold, text) if text else _is_option(name, gold, problem, compare_texts)
    several, others = letters(gold), letters(answer)
    return several == others if several and others else None


def _is_option(name: str, value: str, problem: str | None, compare_texts: Compare) -> bool | None:
    """Whether this option of the problem, and no other, is the value; None where the problem has no such option."""
    texts = options(problem) if problem else {}
    if name not in texts:
        return None
    return [other for other, text in texts.items() if compare_texts(text, value)] == [name]


@lru_cache(maxsize=4096)
def letter(answer: str) -> tuple[str, str] | None:
    r"""The option an answer names and the text after it: `\textbf{(C)} 12` is ("C", "12"), `C` is ("C", "")."""
    text = normalize(answer).strip()
    if match := _BARE.fullmatch(text) or _NAMED.fullmatch(text):
        return match[1].upper(), ""
    if match := _LEADING.fullmatch(text):
        name = match[1] or match[2] or match[3]
        if name.isupper():
            return name, match[4].strip()
    return None


def letters(answer: str) -> frozenset[str] | None:
    """Several options, as in `ABD` or `A, C`."""
    text = normalize(answer).replace("«", "").replace("»", "").strip(" .()")
    if _SEVERAL.fullmatch(text):
        found = re.findall(f"[{_LETTERS}]", text)
        if len(set(found)) == len(found):
            return frozenset(found)
    return None


@lru_cache(maxsize=512)
def options(problem: str) -> dict[str, str]:
    """Letter and text of each option in a problem; empty where fewer than two run on from A."""
    for pattern in (_OPTION, _OPTION_DOTTED):
        found = list(pattern.finditer(problem))
        runs: list[list[re.Match[str]]] = []
        for match in found:
            if match[1] == "A":
                runs.append([match])
            elif runs and ord(match[1]) == ord(runs[-1][-1][1]) + 1:
                runs[-1].append(match)
        runs = [run for run in runs if len(run) > 1]
        if not runs:
            continue
        run = runs[-1]
        ends = [match.start() for match in run[1:]] + [len(problem)]
        texts = {}
        for match, end in zip(run, ends, strict=True):
            text = problem[match.end() : end].split("\n\n", 1)[0]
            texts[match[1]] = _balanced(_TRIM.sub("", text.strip()))
        return texts
    return {}


def _balanced(text: str) -> str:
    """Without the `$` or `}` that the cut between two options left over."""
    text = re.sub(r"^(?:\\[ ,;:!]|\\hspace\*?\{[^{}]*\}|~|\\q?quad|\s|\})+", "", text)
    text = re.sub(r"\\(?:textbf|mathrm|text|mathbf|textrm|bf)\s*\{?$", "", text)
    if text.count("$") % 2:
        text = text.replace("$", "")
    text = _TRIM.sub("", text) if not text.endswith("$") else text
    if text.count("{") < text.count("}"):
        text = text.rstrip("}")
    return text.strip()
