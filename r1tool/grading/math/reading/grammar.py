"""A small reader of mathematical answers: LaTeX or plain text in, a tree out."""

import re
from functools import lru_cache

from r1tool.grading.math.reading.atoms import FACTORS, Atoms
from r1tool.grading.math.reading.notation import normalize
from r1tool.grading.math.reading.tokens import SEPARATORS, Unreadable, tidy, tokenize, without_thousands
from r1tool.grading.math.reading.units import UNITS
from r1tool.grading.math.tree import Node

MAX_DEPTH = 60
MAX_UNIT_WORDS = 4

_RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", r"\le": "<=", r"\ge": ">=",
    r"\ne": "!=", r"\approx": "~", r"\in": "in", r"\equiv": "==", r"\simeq": "~", r"\sim": "~", r"\cong": "~",
    r"\to": "=", "->": "=",
}  # fmt: skip
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
_NAMED = re.compile(r"[A-Za-z_«»\s\\'{}()]{1,60}=")


@lru_cache(maxsize=4096)
def read(text: str) -> Node:
    """Read one answer. Raises Unreadable."""
    text = tidy(normalize(text))
    if not text:
        raise Unreadable("empty")
    try:
        return _Parser(tokenize(without_thousands(text))).answer()
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except Unreadable:
        named = _NAMED.match(text)
        if named and "=" not in text[named.end() :]:
            return _Parser(tokenize(without_thousands(text[named.end() :]))).answer()
        raise


class _Parser(Atoms):
    """Recursive descent over the tokens; one method a level of precedence."""

    def answer(self) -> Node:
        node = self.listing()
        if self.at < len(self.tokens):
            raise Unreadable(f"{self.value!r} is not expected")
        return node

    def separator(self) -> bool:
        found = False
        while True:
            if (
                (self.kind == "op" and self.value in (",", ";"))
                or (self.kind == "quote" and self.value.lower().strip(" ,;.") in SEPARATORS)
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
            return value not in _RELATIONS and value[1:] in FACTORS
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

    def _at_separator(self) -> bool:
        return self.value.lower().strip(" ,;.") in SEPARATORS

    def _is_unit_next(self) -> bool:
        kind, value = self.peek()
        return kind == "quote" or (kind == "letter" and value in UNITS)

    def power(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        node = self.postfix(self.primary())
        if self._takes_prime():
            node = ("var", node[1] + "'") if node[0] == "var" else self.fail("a prime behind a value")
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


def _plain_word(word: str) -> str:
    return word.lower().strip(" .,:")


def _mixed(left: Node, right: Node) -> Node | None:
    r"""3\frac{1}{2} and 3 1/2 are three and a half."""
    if left[0] == "num" and left[2] < 0 and right[0] == "div":
        upper, lower = right[1], right[2]
        if upper[0] == lower[0] == "num" and upper[2] < 0 and lower[2] < 0 and 0 < upper[1] < lower[1]:
            return ("add", left, right)
    return None
