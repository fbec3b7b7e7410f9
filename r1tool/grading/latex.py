r"""A small reader of mathematical answers: normalised LaTeX or plain text in, a tree of tuples out.

Trees: `("num", Fraction, decimals)` (decimals: digits behind the point, -1 for an integer), `("var", name)`,
`("const", "pi" | "e" | "i" | "oo")`, `("add" | "mul" | "div" | "pow", a, b)`, `("neg" | "fact" | "abs" | "floor" | "ceil", a)`,
`("fn", name, argument[, base or index])`, `("binom", n, k)`, `("pm" | "mp", a | None, b)`, `("percent" | "degree", a)`,
`("seq", open, close, items)` for brackets with commas, `("set", items)`, `("list", items)` for bare commas,
`("rel", operators, sides)`, `("ratio", items)`, `("union" | "inter" | "minus", a, b)`, `("matrix", rows)`, `("word", text)`,
`("unit", a, text)`, `("based", digits, base)`, `("all",)`, `("empty",)`, `("apply", name, argument)`, `("mod", a, b)`.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

from r1tool.grading.notation import normalize
from r1tool.grading.units import UNITS, is_unit

MAX_TOKENS = 5000
MAX_DEPTH = 60
MAX_DIGITS = 2000
MAX_UNIT_WORDS = 4

Node = tuple[Any, ...]


class Unreadable(Exception):
    """This reader does not know how to read the answer; another may."""


_TOKEN = re.compile(
    r"(?P<num>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+(?![\d.]))?)|(?P<quote>«[^»]*»)|(?P<cmd>\\[a-zA-Z]+|\\[{}|\\])|(?P<word>[A-Za-z]+)|(?P<han>[\u4e00-\u9fff]+)"
    r"|(?P<op>\*\*|<=|>=|!=|==|=>|->|[^\sA-Za-z\d])"
)

FUNCTIONS = {
    name: name
    for name in ["sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "tanh", "ln", "log", "exp"]
} | {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "tg": "tan", "ctg": "cot", "lg": "log10"}  # fmt: skip
_RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", r"\le": "<=", r"\ge": ">=", r"\ne": "!=",
    r"\approx": "~", r"\in": "in", r"\equiv": "==", r"\simeq": "~", r"\sim": "~", r"\cong": "~", r"\to": "=", "->": "=",
}  # fmt: skip
_QUOTED_SEPARATOR = re.compile(r"(,|\band\b|\bor\b)")
_HAN_SEPARATOR = re.compile("(或者|以及|[和或与及])")
_GREEK_FUNCTIONS = frozenset(("Gamma", "zeta", "phi", "Phi", "psi", "Psi", "sigma", "tau", "mu"))
_GREEK = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "rho",
        "sigma",
        "tau",
        "upsilon",
        "phi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
        "ell",
        "hbar",
    ]
)
_SEPARATORS = frozenset(("and", "or", "和", "或", "与", "或者", "以及", "及"))
_IDENTITIES = {"pi": ("const", "pi"), "Pi": ("const", "pi"), "infty": ("const", "oo"), "inf": ("const", "oo"),
               "infinity": ("const", "oo"), "Infinity": ("const", "oo"), "oo": ("const", "oo")}  # fmt: skip
_APPROXIMATELY = frozenset(("approximately", "about", "approx", "roughly", "around", "exactly"))
_NOT_UNITS = frozenset(
    [
        "no",
        "not",
        "none",
        "never",
        "or",
        "less",
        "more",
        "least",
        "most",
        "if",
        "when",
        "where",
        "except",
        "cannot",
        "impossible",
        "is",
        "are",
        "was",
        "because",
        "so",
        "then",
    ]
)


@lru_cache(maxsize=4096)
def read(text: str) -> Node:
    """Read one answer. Raises Unreadable."""
    text = _tidy(normalize(text))
    if not text:
        raise Unreadable("empty")
    try:
        return _Parser(_tokens(_without_thousands(text))).answer()
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        named = _NAMED.match(text)
        if named and "=" not in text[named.end() :]:
            return _Parser(_tokens(_without_thousands(text[named.end() :]))).answer()
        raise


_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_BRACKET = re.compile(r"[(\[{]")
_NAMED = re.compile(r"[A-Za-z_«»\s\\'{}()]{1,60}=")


_ORDINAL = re.compile(r"(?<=\d)\s*(?:\^\s*\{?\s*«?(?:st|nd|rd|th)»?\s*\}?|«?(?:st|nd|rd|th)»?(?![a-z]))")
_QUALIFIER = re.compile(r"(?<=.)[,;]?\s*«?\s*\b(?:for (?:all|any|every|each|some)|where|with)\b.*$")
_APPROXIMATE = re.compile(r"^(?:\\approx|\\sim|~|=)\s*")


def _tidy(text: str) -> str:
    text = _QUALIFIER.sub("", _ORDINAL.sub("", text))
    text = text.replace('"', "").replace("``", "").strip().lstrip(",;: ")
    text = (text[:-3] + "\\ldots" if text.endswith("...") else text).rstrip(".,;: ")
    text = _APPROXIMATE.sub("", text)
    while text.endswith("}") and text.count("}") > text.count("{"):
        text = text[:-1].rstrip("\\ ")
    return text


def _without_thousands(text: str) -> str:
    """1,234,567 is one number where no bracket makes it a list."""
    if "," in text and not _BRACKET.search(text):
        text = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text)
    return text


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
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


def _add_word(tokens: list[tuple[str, str]], word: str) -> None:
    """A run of letters: a function, a constant, a unit or a word; or else letters multiplied."""
    lower = word.lower()
    if word in FUNCTIONS or lower in ("sqrt", "cbrt", "frac", "abs") or word in _IDENTITIES:
        tokens.append(("cmd", "\\" + word))
    elif lower in _SEPARATORS or lower in ("pm", "union", "cup", "mod"):
        tokens.append(("quote", lower) if lower in _SEPARATORS else ("cmd", "\\" + lower))
    elif len(word) == 1:
        tokens.append(("letter", word))
    elif tokens and tokens[-1][0] == "num" and is_unit(word):
        tokens.append(("quote", word))
    elif (
        len(word) == 2
        and lower
        not in (
            "no",
            "is",
            "in",
            "it",
            "to",
            "at",
            "of",
            "if",
            "we",
            "by",
            "so",
            "as",
            "am",
        )
    ) or (
        len(word) > 2
        and word.islower()
        and all(a < b for a, b in zip(word, word[1:], strict=False))
        and not is_unit(word)
    ):
        tokens += [("letter", c) for c in word]
    else:
        tokens.append(("quote", word))


class _Parser:
    """Recursive descent over the tokens; one method a level of precedence."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.bars = 0

    def answer(self) -> Node:
        node = self.listing()
        if self.at < len(self.tokens):
            raise Unreadable(f"{self.value!r} is not expected")
        return node

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else "end"

    @property
    def value(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def peek(self, offset: int = 1) -> tuple[str, str]:
        return self.tokens[self.at + offset] if self.at + offset < len(self.tokens) else ("end", "")

    def take(self, *values: str) -> bool:
        if self.kind in ("op", "cmd") and self.value in values:
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.take(value):
            raise Unreadable(f"{value!r} is missing")

    def separator(self) -> bool:
        found = False
        while True:
            if (
                (self.kind == "op" and self.value in (",", ";"))
                or (self.kind == "quote" and self.value.lower().strip(" ,;.") in _SEPARATORS)
                or (self.kind == "cmd" and self.value in (r"\wedge", r"\vee") and self.depth == 0)
            ):
                self.at += 1
            else:
                return found
            found = True

    def listing(self) -> Node:
        """Relations separated by commas, semicolons or words; `;` above `,` makes a list of lists."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        groups: list[list[Node]] = [[self.relation()]]
        while self.kind != "end":
            semicolon = self.kind == "op" and self.value == ";"
            if not self.separator():
                break
            if self.kind == "end" or (self.kind == "op" and self.value in ")]}"):
                break
            if self.kind == "cmd" and self.value == r"\ldots":
                self.at += 1
                groups[-1].append(("word", "..."))
                continue
            if semicolon:
                groups.append([self.relation()])
            else:
                groups[-1].append(self.relation())
        self.depth -= 1
        if len(groups) > 1:
            if any(len(group) > 1 for group in groups):
                return ("list", tuple(g[0] if len(g) == 1 else ("list", tuple(g)) for g in groups))
            groups = [[group[0] for group in groups]]
        return groups[0][0] if len(groups[0]) == 1 else ("list", tuple(groups[0]))

    def relation(self) -> Node:
        sides, operators = [self.ratio()], []
        while self.kind in ("op", "cmd") and (operator := _RELATIONS.get(self.value)):
            self.at += 1
            if operator == "<" and self.take("="):
                operator = "<="
            elif operator == ">" and self.take("="):
                operator = ">="
            operators.append(operator)
            if sides == [("const", "i")] or sides == [("const", "e")]:
                sides = [("var", sides[0][1])]
            sides.append(self.ratio())
        return ("rel", tuple(operators), tuple(sides)) if operators else sides[0]

    def ratio(self) -> Node:
        parts = [self.union()]
        while self.kind == "op" and self.value == ":":
            self.at += 1
            parts.append(self.union())
        return ("ratio", tuple(parts)) if len(parts) > 1 else parts[0]

    def union(self) -> Node:
        node = self.sum()
        while self.kind == "cmd" and self.value in (r"\cup", r"\cap", r"\setminus", r"\union"):
            operator = {r"\cup": "union", r"\union": "union", r"\cap": "inter", r"\setminus": "minus"}[self.value]
            self.at += 1
            node = (operator, node, self.sum())
        return node

    def sum(self) -> Node:
        node: Node
        if self.take(r"\pm"):
            node = ("pm", None, self.term())
        elif self.take(r"\mp"):
            node = ("mp", None, self.term())
        else:
            node = self.term()
        while True:
            if self.take("+"):
                if self.take("-"):  # 1+-2
                    node = ("pm" if self.kind == "end" else "add", node, ("neg", self.term()))
                else:
                    node = ("add", node, self.term())
            elif self.take("-"):
                node = ("add", node, ("neg", self.term()))
            elif self.take(r"\pm"):
                node = ("pm", node, self.term())
            elif self.take(r"\mp"):
                node = ("mp", node, self.term())
            else:
                return node

    def term(self) -> Node:
        if self.take("-"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise Unreadable("nested too deeply")
            node: Node = ("neg", self.term())
            self.depth -= 1
            return node
        if self.take("+"):
            return self.term()
        node = self.power()
        if node[0] == "word" and (self.starts_factor() or (self.kind == "quote" and not self._at_separator())):
            if _plain_word(node[1]) not in _APPROXIMATELY:
                raise Unreadable("words among the mathematics")
            node = self.power()
        while True:
            if self.take("*", r"\cdot", r"\times"):
                node = ("mul", node, self.signed_power())
            elif self.take("/"):
                node = ("div", node, self.signed_power())
            elif self.take(r"\bmod", r"\mod", r"\pmod"):
                if self.tokens[self.at - 1][1] != r"\bmod":
                    self.power()
                    continue  # 5 (mod 17) is 5
                node = ("mod", node, self.power())
            elif self.kind == "quote" and not self._at_separator():
                node = self.unit(node)
            elif self.starts_factor():
                side_by_side = self.kind == "num" and node[0] == "num"
                right = self.power()
                if side_by_side:
                    if not self.take("/"):
                        raise Unreadable("two numbers side by side")
                    right = ("div", right, self.power())
                    if not _mixed(node, right):
                        raise Unreadable("two numbers side by side")
                if right[0] == "percent" and (mixed := _mixed(node, right[1])):
                    node = ("percent", mixed)
                    continue
                node = _mixed(node, right) or ("mul", node, right)
            else:
                return node

    def signed_power(self) -> Node:
        if self.take("-"):
            return ("neg", self.power())
        self.take("+")
        return self.power()

    def starts_factor(self) -> bool:
        kind, value = self.kind, self.value
        if kind in ("num", "letter"):
            return True
        if kind == "op":
            return value in "([{" or (value == "|" and not self.bars)
        if kind == "cmd":
            return value not in _RELATIONS and value[1:] in _FACTORS
        return False

    def unit(self, node: Node) -> Node:
        """Words behind a value: its unit, with powers and slashes, as one text."""
        words: list[str] = []
        while True:
            if self.kind == "quote" and not self._at_separator():
                words.append(self.value)
                self.at += 1
            elif self.kind == "op" and self.value == "^" and words:
                self.at += 1
                braces = self.take("{")
                minus = "-" if self.take("-") else ""
                if self.kind != "num":
                    raise Unreadable("an odd power of a unit")
                words.append("^" + minus + self.value)
                self.at += 1
                if braces:
                    self.expect("}")
            elif self.kind in ("op", "cmd") and self.value in ("/", r"\cdot") and self._is_unit_next():
                words.append("/" if self.value == "/" else " ")
                self.at += 1
                if self.kind == "letter":
                    words.append(self.value)
                    self.at += 1
            else:
                break
        if len(" ".join(words).split()) > MAX_UNIT_WORDS or _NOT_UNITS & set(" ".join(words).lower().split()):
            raise Unreadable("a sentence behind a value")
        return ("unit", node, "".join(w if w[0] in "^/" else f" {w}" for w in words).strip().strip(" ,.;"))

    def _is_unit_next(self) -> bool:
        kind, value = self.peek()
        return kind == "quote" or (kind == "letter" and value in UNITS)

    def _at_separator(self) -> bool:
        return self.value.lower().strip(" ,;.") in _SEPARATORS

    def power(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        node = self.postfix(self.primary())
        if self._takes_prime():
            node = ("var", node[1] + "'") if node[0] == "var" else self._fail("a prime behind a value")
        if self.take("^", "**"):
            minus = self.take("-")
            exponent = self.power()
            node = ("pow", node, ("neg", exponent) if minus else exponent)
            node = self.postfix(node)
        self.depth -= 1
        return node

    def _takes_prime(self) -> bool:
        r"""`^{\prime}` or `^\prime`."""
        if self.value != "^":
            return False
        braced = self.peek(1)[1] == "{" and self.peek(2)[1] == r"\prime" and self.peek(3)[1] == "}"
        if braced or self.peek(1)[1] == r"\prime":
            self.at += 4 if braced else 2
            return True
        return False

    def _fail(self, reason: str) -> Node:
        raise Unreadable(reason)

    def postfix(self, node: Node) -> Node:
        while True:
            if self.kind == "op" and self.value == "!":
                self.at += 1
                if self.take("!"):
                    raise Unreadable("a double factorial")
                node = ("fact", node)
            elif self.kind == "op" and self.value == "%":
                self.at += 1
                node = ("percent", node)
            elif self.kind == "op" and self.value == "°":
                self.at += 1
                if self.kind == "letter" and self.value in "CF":
                    self.at += 1
                node = ("degree", node)
            elif self.kind == "op" and self.value == "'":
                self.at += 1
                if node[0] != "var":
                    raise Unreadable("a prime behind a value")
                node = ("var", node[1] + "'")
            else:
                return node

    def primary(self) -> Node:
        kind, value = self.kind, self.value
        self.at += 1
        if kind == "num":
            return self.number(value)
        if kind == "letter":
            return self.letter(value)
        if kind == "quote":
            return self.words(value)
        if kind == "cmd":
            return self.command(value)
        if kind == "op":
            if value in "([":
                return self.bracket(value)
            if value == "{":
                node = self.listing()
                self.expect("}")
                return ("set", node[1]) if node[0] == "list" else node
            if value == "|":
                return self.absolute("|")
        raise Unreadable(f"{value or 'the end'!r} is not expected")

    def number(self, digits: str) -> Node:
        mantissa, e, exponent = digits.lower().partition("e")
        if e:
            if len(exponent) > 4 or abs(int(exponent)) > MAX_DIGITS:
                raise Unreadable("a very large number")
            decimals = len(mantissa.partition(".")[2]) - int(exponent)
            return ("num", Fraction(digits), decimals if decimals > 0 else -1)
        if (recurring := self.recurring(digits)) is not None:
            return ("num", recurring, -1)
        point = digits.find(".")
        decimals = -1 if point < 0 else len(digits) - point - 1
        if self.kind == "op" and self.value == "_":
            self.at += 1
            base = self.script()
            if base[0] == "num" and decimals < 0 and 2 <= base[1] <= 36:
                return ("based", digits, int(base[1]))
            if base == ("var", "b") and decimals < 0:
                return ("num", Fraction(digits), -1)
            raise Unreadable("a subscript behind a number")
        return ("num", Fraction(digits), decimals)

    def recurring(self, digits: str) -> Fraction | None:
        """0.1666 repeating, 0.333…: the last digit goes on."""
        if "." not in digits:
            return None
        word = self.kind == "quote" and self.value.lower() in ("repeating", "recurring")
        dots = self.value == r"\ldots" or [self.peek(i)[1] for i in range(3)] == [".", ".", "."]
        if not word and not (dots and digits[-1] == digits[-2]):
            return None
        self.at += 1 if word or self.value == r"\ldots" else 3
        return Fraction(digits) + Fraction(int(digits[-1]), 9 * 10 ** len(digits.split(".")[1]))

    def script(self) -> Node:
        """What stands behind ^ or _: one token or a group."""
        if self.take("{"):
            if self.kind == "cmd" and self.peek()[1] == "}" and self.value[1:].isalpha():
                self.at += 2
                return ("var", self.tokens[self.at - 2][1][1:])
            node = self.listing()
            self.expect("}")
            return node
        kind, value = self.kind, self.value
        self.at += 1
        if kind == "num":
            return ("num", Fraction(value), -1)
        if kind in ("letter", "quote"):
            return ("var", value)
        if kind == "cmd":
            return ("var", value[1:]) if value[1:].isalpha() and value[1:] != "frac" else self._fail("an odd script")
        raise Unreadable("an odd script")

    def letter(self, name: str) -> Node:
        if self.value == "^" and self.peek()[0] in ("num", "letter") and self.peek(2)[1] == "_":  # v^2_0 is v_0^2
            exponent = self.peek()
            del self.tokens[self.at : self.at + 2]
            node = self.letter(name)
            return ("pow", node, self.number(exponent[1]) if exponent[0] == "num" else ("var", exponent[1]))
        if self.kind == "op" and self.value == "_":
            self.at += 1
            subscript = self.script()
            if name in "CA" and self.value == "^" and subscript[0] in ("num", "var"):
                at = self.at
                self.at += 1
                upper = self.script()
                if subscript[0] == "var" or (upper[0] == "num" and upper[1] <= subscript[1]):
                    return self.chosen(name, upper, subscript)
                self.at = at
            name = f"{name}_{flat(subscript)}"
        elif name == "e":
            return ("const", "e")
        elif name in "i":
            return ("const", "i")
        elif name in "fghFGHSP" and self.kind == "op" and self.value == "(":
            self.at += 1
            return ("apply", name, self.bracket("("))
        return ("var", name)

    def chosen(self, name: str, upper: Node, lower: Node) -> Node:
        """C_n^k and A_n^k as they are written in China and Russia."""
        if name == "C":
            return ("binom", lower, upper)
        return ("div", ("fact", lower), ("fact", ("add", lower, ("neg", upper))))

    def words(self, first: str) -> Node:
        words = [first]
        while self.kind == "quote" and self.value.lower() not in _SEPARATORS:
            words.append(self.value)
            self.at += 1
        return ("word", " ".join(words))

    def bracket(self, opening: str) -> Node:
        bars, self.bars = self.bars, 0
        if self.kind == "cmd" and self.value in (r"\bmod", r"\mod", r"\pmod"):
            raise Unreadable("a modulus alone")
        node = self.listing()
        self.bars = bars
        closing = self.value
        if self.kind != "op" or closing not in (")", "]"):
            raise Unreadable("a bracket is not closed")
        self.at += 1
        if node[0] == "list":
            return ("seq", opening, closing, node[1])
        if opening == "[" and closing == "]":
            return ("seq", "[", "]", (node,)) if node[0] == "matrix" else ("group", node)
        if (opening, closing) != ("(", ")"):
            raise Unreadable("brackets that do not match")
        return node if node[0] in ("num", "matrix", "word", "seq", "const") else ("group", node)

    def absolute(self, closing: str) -> Node:
        self.bars += 1
        node = self.sum()
        self.expect(closing)
        self.bars -= 1
        return ("abs", node)

    def group(self) -> Node:
        """A command's argument: {…} or one token."""
        if self.take("{"):
            bars, self.bars = self.bars, 0
            node = self.listing()
            self.bars = bars
            self.expect("}")
            return node
        kind, value = self.kind, self.value
        if kind == "num" and len(value) > 1 and value.isdigit():  # \frac12 is 1/2
            self.tokens[self.at] = (kind, value[1:])
            return ("num", Fraction(value[0]), -1)
        self.at += 1
        if kind == "num":
            return ("num", Fraction(value), -1 if value.isdigit() else len(value.split(".")[1]))
        if kind == "letter":
            return ("const", value) if value in "ei" else ("var", value)
        if kind == "cmd":
            return self.command(value)
        if kind == "op" and value == "(":
            return self.bracket("(")
        raise Unreadable("an argument is missing")

    def command(self, command: str) -> Node:
        name = command[1:]
        if name in _IDENTITIES:
            return _IDENTITIES[name]
        if name == "frac":
            numerator = self.group()
            return ("div", numerator, self.group())
        if name == "sqrt":
            index = None
            if self.take("["):
                index = self.listing()
                self.expect("]")
            if self.kind == "op" and self.value == "(":
                self.at += 1
                node = self.bracket("(")
            elif self.kind == "num":  # √12 in plain text is the root of 12; \sqrt12 is rare enough
                node = self.number(self._next())
            else:
                node = self.group()
            return ("fn", "sqrt", node, index) if index else ("fn", "sqrt", node)
        if name == "cbrt":
            return ("fn", "sqrt", self.primary(), ("num", Fraction(3), -1))
        if name == "abs":
            return ("abs", self.primary())
        if name == "binom":
            upper = self.group()
            return ("binom", upper, self.group())
        if name in FUNCTIONS:
            return self.function(FUNCTIONS[name])
        if name in _GREEK:
            return self.greek(name)
        if name in ("{",):
            return self.braces()
        if name == "lfloor":
            return self.between("floor", r"\rfloor")
        if name == "lceil":
            return self.between("ceil", r"\rceil")
        if name == "|":
            return self.absolute(r"\|")
        if name in ("sum", "prod"):
            return self.series(name)
        if name == "emptyset":
            return ("empty",)
        if name == "mathbb":
            letter = self.group()
            if letter == ("var", "R"):
                return ("all",)
            return ("word", f"mathbb {letter[-1]}")
        if name == "begin":
            return self.environment()
        if name == "angle":
            return ("var", "angle_" + "".join(self._letters()))
        raise Unreadable(f"\\{name} is not known")

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _letters(self) -> list[str]:
        letters = []
        while self.kind in ("letter", "quote"):
            letters.append(self._next())
        if not letters:
            raise Unreadable("an angle without a name")
        return letters

    def greek(self, name: str) -> Node:
        if self.kind == "op" and self.value == "_":
            self.at += 1
            name = f"{name}_{flat(self.script())}"
        elif name in _GREEK_FUNCTIONS and self.kind == "op" and self.value == "(":
            raise Unreadable(f"\\{name} of something")
        return ("var", name)

    def series(self, name: str) -> Node:
        r"""\sum_{k=1}^{n} of the product that follows: ("sum", k, from, to, term)."""
        self.expect("_")
        self.expect("{")
        start = self.listing()
        self.expect("}")
        self.expect("^")
        end = self.script()
        if start[0] != "rel" or start[1] != ("=",) or start[2][0][0] not in ("var", "const"):
            raise Unreadable("a sum over something else")
        return (name, str(start[2][0][1]), start[2][1], end, self.term())

    def between(self, kind: str, closing: str) -> Node:
        node = self.sum()
        self.expect(closing)
        return (kind, node)

    def function(self, name: str) -> Node:
        """sin x, sin^2 x, log_2 8, sin(x)y: the argument ends at a sign, a function or a closing bracket."""
        base = exponent = None
        for _ in range(2):
            if self.take("_"):
                base = self.script()
            elif self.take("^"):
                exponent = self.script()
        if self.kind == "op" and self.value in "([":
            self.at += 1
            argument = self.bracket(self.tokens[self.at - 1][1])
            if self.take("^"):
                exponent = self.script()
        else:
            minus = self.take("-")
            argument = self.power()
            while self.starts_factor() and not (self.kind == "cmd" and self.value[1:] in FUNCTIONS):
                if self.kind == "op" and self.value in "([":
                    break
                argument = ("mul", argument, self.power())
            if self.kind == "op" and self.value == "/" and self.peek()[0] == "num" and argument[0] != "num":
                self.at += 1
                argument = ("div", argument, self.power())
            if minus:
                argument = ("neg", argument)
        if argument[0] in ("seq", "list", "rel", "set"):
            raise Unreadable("a function of several arguments")
        if exponent == ("neg", ("num", Fraction(1), -1)):
            inverse = {"sin": "asin", "cos": "acos", "tan": "atan"}.get(name)
            if not inverse:
                raise Unreadable("an inverse function")
            return ("fn", inverse, argument)
        node: Node = ("fn", name, argument, base) if base else ("fn", name, argument)
        return ("pow", node, exponent) if exponent else node

    def braces(self) -> Node:
        if self.take(r"\}"):
            return ("empty",)
        if property_ := self._property():
            self.at += property_
            node = self.listing()
            self.expect(r"\}")
            return node
        bars, self.bars = self.bars, 1
        node = self.listing()
        self.bars = bars
        if self.take("|", ":"):
            node = ("list", (node, self.listing()))
            self.expect(r"\}")
            return node
        self.expect(r"\}")
        return ("set", node[1] if node[0] == "list" else (node,))

    def _property(self) -> int:
        """The tokens of `x |`, `x :` or `x in R |` that open a set by its property."""
        if self.kind != "letter":
            return 0
        if self.peek()[1] in ("|", ":"):
            return 2
        if self.peek()[1] == r"\in":
            return next((i + 1 for i in range(2, 8) if self.peek(i)[1] in ("|", ":")), 0)
        return 0

    def environment(self) -> Node:
        name = "".join(self._braced())
        if name == "cases":
            return self.cases()
        if name not in ("pmatrix", "bmatrix", "matrix", "array", "Bmatrix", "smallmatrix", "psmallmatrix"):
            raise Unreadable(f"an environment {name}")
        if name == "array":
            self._braced()
        rows: list[list[Node]] = [[]]
        while True:
            if self.take(r"\end"):
                self._braced()
                break
            if self.take(r"\\"):
                rows.append([])
            elif self.take("&"):
                pass
            elif self.kind == "end":
                raise Unreadable("an environment is not closed")
            else:
                rows[-1].append(self.relation())
        return ("matrix", tuple(tuple(row) for row in rows if row))

    def cases(self) -> Node:
        """A system of equations as a list; a function by cases is not read."""
        rows = [self.relation()]
        while not self.take(r"\end"):
            if not self.take(r"\\", ","):
                raise Unreadable("a function by cases")
            if self.value != r"\end":
                rows.append(self.relation())
        self._braced()
        return ("list", tuple(rows))

    def _braced(self) -> list[str]:
        self.expect("{")
        content = []
        while not self.take("}"):
            if self.kind == "end":
                raise Unreadable("a brace is not closed")
            content.append(self._next())
        return content


_FACTORS = frozenset(
    {
        "frac",
        "sqrt",
        "cbrt",
        "abs",
        "binom",
        "{",
        "lfloor",
        "lceil",
        "begin",
        "mathbb",
        "sum",
        "prod",
        *FUNCTIONS,
        *_GREEK,
        *_IDENTITIES,
    }
)


def _plain_word(word: str) -> str:
    return word.lower().strip(" .,:")


def variables_of(node: Node) -> frozenset[str]:
    """The names of the variables in a tree, the index of a sum not among them."""
    bound = {child[1] for child in walk(node) if child[0] in ("sum", "prod")}
    return frozenset(child[1] for child in walk(node) if child[0] == "var" and child[1] not in bound)


def walk(node: Node) -> Iterator[Node]:
    """Every subtree."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current and isinstance(current[0], str):
            yield current
        stack.extend(child for child in current if isinstance(child, tuple))


def _mixed(left: Node, right: Node) -> Node | None:
    r"""3\frac{1}{2} and 3 1/2 are three and a half."""
    if left[0] == "num" and left[2] < 0 and right[0] == "div":
        upper, lower = right[1], right[2]
        if upper[0] == lower[0] == "num" and upper[2] < 0 and lower[2] < 0 and 0 < upper[1] < lower[1]:
            return ("add", left, right)
    return None


def flat(node: Node) -> str:
    """A subscript as text, the same for x_1 and x_{1}."""
    if node[0] == "num":
        return str(node[1])
    if node[0] in ("var", "word", "const"):
        return str(node[1])
    return "(" + ",".join(flat(child) if isinstance(child, tuple) else str(child) for child in node[1:]) + ")"
