"""Words: the same but for case, articles and punctuation; a number word is its number, and ab are letters too."""

from r1tool.grading.math.tree import INFINITY, Node, kind_first, walk

_NUMBERS = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
).split()
_ARTICLES = ("the", "a", "an")


def applies(gold: Node, answer: Node) -> bool:
    return "word" in (gold[0], answer[0])


def compare(gold: Node, answer: Node) -> bool | None:
    if gold[0] == answer[0]:
        return _plain(gold[1]) == _plain(answer[1])
    (_, text), other = kind_first("word", gold, answer)
    if ("infinit" in text.lower() or "unbounded" in text.lower()) and INFINITY in walk(other):
        return None
    word = _plain(text)
    if other[0] in ("var", "mul", "const") and word == _letters(other).lower():
        return True
    return other[0] == "num" and word in _NUMBERS and bool(other[1] == _NUMBERS.index(word))


def _plain(text: str) -> str:
    words = text.lower().replace("-", " ").replace("'", "").replace('"', "").strip(" .,;:!").split()
    return " ".join(word for word in words if word not in _ARTICLES)


def _letters(node: Node) -> str:
    """A product of letters as a word; never equal to one where it is more."""
    match node:
        case ("var" | "const", name):
            return str(name)
        case ("mul", a, b):
            return _letters(a) + _letters(b)
    return "\0"
