r"""The grammar of mathematical answers, read by recursive descent: one method of the parser for each rule.

    answer    = listing
    listing   = relation { separator ( relation | "\ldots" ) }
    separator = "," | ";" | "and" | "or" | "和" | "或" | …              a listing of "," inside one of ";" nests
    relation  = ratio { ( "=" | "<" | "\le" | "\ne" | "\in" | "\approx" | … ) ratio }
    ratio     = union { ":" union }
    union     = sum { ( "\cup" | "\cap" | "\setminus" ) sum }
    sum       = [ "\pm" | "\mp" ] term { ( "+" | "-" | "\pm" | "\mp" ) term }
    term      = { "-" | "+" } power { ( "*" | "\cdot" | "\times" | "/" ) [ "-" | "+" ] power
                                    | ( "\bmod" | "\mod" | "\pmod" ) power
                                    | unit
                                    | power }                           side by side: a product, or 3 1/2
    unit      = words { words | "^" integer | ( "/" | "\cdot" ) words }
    power     = primary { postfix } [ ( "^" | "**" ) [ "-" ] power { postfix } ]
    postfix   = "!" | "%" | "°" [ "C" | "F" ] | "'"
    primary   = number [ "_" script ]                                   with a subscript: digits in that base
              | letter [ "_" script ] | ( "f" | "g" | … ) "(" listing ")"
              | words
              | ( "(" | "[" ) listing ( ")" | "]" )
              | "{" listing "}"
              | "|" sum "|"
              | command                                                 see commands.py
    script    = "{" listing "}" | number | letter | words | command
    argument  = "{" listing "}" | one token                             of a command

The tokens (number, letter, words, command, sign) are those of tokens.py.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

from r1tool.grading.math.reading.tokens import MAX_DIGITS, SEPARATORS, Token, Unreadable
from r1tool.grading.math.reading.units import UNITS
from r1tool.grading.math.tree import Node, flat, number

MAX_DEPTH = 60
MAX_UNIT_WORDS = 4
MAX_BASE = 36

_RELATIONS = {
    "=": "=", "==": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", r"\le": "<=", r"\ge": ">=",
    r"\ne": "!=", r"\approx": "~", r"\in": "in", r"\equiv": "==", r"\simeq": "~", r"\sim": "~", r"\cong": "~",
    r"\to": "=", "->": "=",
}  # fmt: skip
_SET_OPERATORS = {r"\cup": "union", r"\union": "union", r"\cap": "inter", r"\setminus": "minus"}
_MODULI = (r"\bmod", r"\mod", r"\pmod")
_FUNCTION_LETTERS = frozenset("fghFGHSP")
_END: Token = ("end", "")
_NO_FACTORS = frozenset((r"\|", r"\angle", r"\emptyset"))
"""Commands that can begin a value, but not stand beside another as its factor."""

_APPROXIMATELY = frozenset("approximately about approx roughly around exactly".split())
_NOT_UNITS = frozenset(
    (
        "no not none never or less more least most if when where except cannot impossible is are was because so then"
    ).split()
)


class Parser:
    """A place among the tokens, and what can be read from there."""

    def __init__(self, tokens: list[Token], commands: Mapping[str, "Command"]) -> None:
        self.tokens = [*tokens, _END]
        self.commands = commands
        self.at = 0
        self.depth = 0
        self.bars = 0
        """How many |…| are open: inside them a bar closes."""

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def value(self) -> str:
        return self.tokens[self.at][1]

    def peek(self, offset: int = 1) -> Token:
        """The token `offset` places ahead."""
        return self.tokens[self.at + offset] if self.at + offset < len(self.tokens) else _END

    def next(self) -> str:
        """The text of the token here, and one step on."""
        self.at += 1
        return self.tokens[self.at - 1][1]

    def take(self, *values: str) -> bool:
        """One step on if the sign or command here is one of `values`."""
        kind, value = self.tokens[self.at]
        if value in values and kind in ("op", "cmd"):
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        """One step on over `value`. Raises Unreadable where something else stands."""
        if not self.take(value):
            raise Unreadable(f"{value!r} is missing")

    def deeper(self) -> None:
        """One level of nesting more. Raises Unreadable beyond MAX_DEPTH."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")

    # Levels of precedence, the loosest first.

    def answer(self) -> Node:
        node = self.listing()
        if self.kind != "end":
            raise Unreadable(f"{self.value!r} is not expected")
        return node

    def listing(self) -> Node:
        """Relations separated by commas, semicolons or words; `;` above `,` makes a list of lists."""
        self.deeper()
        groups: list[list[Node]] = [[self.relation()]]
        while self.kind != "end":
            semicolon = self.kind == "op" and self.value == ";"
            if not self.separator():
                break
            if self.kind == "end" or (self.kind == "op" and self.value in ")]}"):
                break
            if self.take(r"\ldots"):
                groups[-1].append(("word", "..."))
            elif semicolon:
                groups.append([self.relation()])
            else:
                groups[-1].append(self.relation())
        self.depth -= 1
        if len(groups) > 1:
            if any(len(group) > 1 for group in groups):
                return ("list", tuple(group[0] if len(group) == 1 else ("list", tuple(group)) for group in groups))
            groups = [[group[0] for group in groups]]
        return groups[0][0] if len(groups[0]) == 1 else ("list", tuple(groups[0]))

    def separator(self) -> bool:
        found = False
        while (self.kind == "op" and self.value in (",", ";")) or (self.kind == "quote" and self.at_separator()):
            self.at += 1
            found = True
        return found

    def at_separator(self) -> bool:
        """Whether the words here are an "and" or "or"."""
        return self.value.lower().strip(" ,;.") in SEPARATORS

    def relation(self) -> Node:
        sides, operators = [self.ratio()], []
        while self.kind in ("op", "cmd") and (operator := _RELATIONS.get(self.value)):
            self.at += 1
            if operator in ("<", ">") and self.take("="):
                operator += "="
            operators.append(operator)
            if sides == [("const", "i")] or sides == [("const", "e")]:
                sides = [("var", sides[0][1])]
            sides.append(self.ratio())
        return ("rel", tuple(operators), tuple(sides)) if operators else sides[0]

    def ratio(self) -> Node:
        parts = [self.union()]
        while self.take(":"):
            parts.append(self.union())
        return ("ratio", tuple(parts)) if len(parts) > 1 else parts[0]

    def union(self) -> Node:
        node = self.sum()
        while self.kind == "cmd" and (operator := _SET_OPERATORS.get(self.value)):
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
            self.deeper()
            node: Node = ("neg", self.term())
            self.depth -= 1
            return node
        if self.take("+"):
            return self.term()
        node = self.power()
        if node[0] == "word" and (self.starts_factor() or self.starts_unit()):
            if node[1].lower().strip(" .,:") not in _APPROXIMATELY:
                raise Unreadable("words among the mathematics")
            node = self.power()
        while True:
            if self.take("*", r"\cdot", r"\times"):
                node = ("mul", node, self.signed_power())
            elif self.take("/"):
                node = ("div", node, self.signed_power())
            elif self.take(r"\bmod"):
                node = ("mod", node, self.power())
            elif self.take(*_MODULI):
                self.power()  # 5 (mod 17) is 5
            elif self.starts_unit():
                node = self.unit(node)
            elif self.starts_factor():
                node = self.factor(node)
            else:
                return node

    def signed_power(self) -> Node:
        if self.take("-"):
            return ("neg", self.power())
        self.take("+")
        return self.power()

    def factor(self, left: Node) -> Node:
        r"""What stands right beside `left`: 2x is a product, 3\frac{1}{2} and 3 1/2 are three and a half."""
        side_by_side = self.kind == "num" and left[0] == "num"
        right = self.power()
        if side_by_side:
            if not self.take("/"):
                raise Unreadable("two numbers side by side")
            right = ("div", right, self.power())
            if not _mixed(left, right):
                raise Unreadable("two numbers side by side")
        if right[0] == "percent" and (mixed := _mixed(left, right[1])):
            return ("percent", mixed)
        return _mixed(left, right) or ("mul", left, right)

    def starts_factor(self) -> bool:
        kind, value = self.kind, self.value
        if kind in ("num", "letter"):
            return True
        if kind == "op":
            return value in "([{" or (value == "|" and not self.bars)
        if kind == "cmd":
            return value not in _RELATIONS and value[1:] in self.commands and value not in _NO_FACTORS
        return False

    def starts_unit(self) -> bool:
        return self.kind == "quote" and not self.at_separator()

    def unit(self, node: Node) -> Node:
        """Words after a value: its unit, with powers and slashes, as one text."""
        words: list[str] = []
        while True:
            if self.starts_unit():
                words.append(self.next())
            elif words and self.kind == "op" and self.value == "^":
                self.at += 1
                braces = self.take("{")
                minus = "-" if self.take("-") else ""
                if self.kind != "num":
                    raise Unreadable("an odd power of a unit")
                words.append("^" + minus + self.next())
                if braces:
                    self.expect("}")
            elif self.kind in ("op", "cmd") and self.value in ("/", r"\cdot") and self._unit_follows():
                words.append("/" if self.next() == "/" else " ")
                if self.kind == "letter":
                    words.append(self.next())
            else:
                break
        names = " ".join(words).split()
        if len(names) > MAX_UNIT_WORDS or not _NOT_UNITS.isdisjoint(name.lower() for name in names):
            raise Unreadable("a sentence after a value")
        return ("unit", node, "".join(w if w[0] in "^/" else f" {w}" for w in words).strip().strip(" ,.;"))

    def _unit_follows(self) -> bool:
        kind, value = self.peek()
        return kind == "quote" or (kind == "letter" and value in UNITS)

    def power(self) -> Node:
        self.deeper()
        node = self.postfix(self.primary())
        if self._take_prime():
            node = _primed(node)
        if self.take("^", "**"):
            minus = self.take("-")
            exponent = self.power()
            node = self.postfix(("pow", node, ("neg", exponent) if minus else exponent))
        self.depth -= 1
        return node

    def _take_prime(self) -> bool:
        r"""`^{\prime}` or `^\prime`."""
        if self.value != "^":
            return False
        braced = self.peek(1)[1] == "{" and self.peek(2)[1] == r"\prime" and self.peek(3)[1] == "}"
        if braced or self.peek(1)[1] == r"\prime":
            self.at += 4 if braced else 2
            return True
        return False

    def postfix(self, node: Node) -> Node:
        while self.kind == "op":
            if self.take("!"):
                if self.take("!"):
                    raise Unreadable("a double factorial")
                node = ("fact", node)
            elif self.take("%"):
                node = ("percent", node)
            elif self.take("°"):
                if self.kind == "letter" and self.value in "CF":
                    self.at += 1
                node = ("degree", node)
            elif self.take("'"):
                node = _primed(node)
            else:
                break
        return node

    # The parts a term is made of.

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
        """A number that may go on as a period or in a base."""
        if "e" in digits.lower():
            return _literal(digits)
        if (recurring := self.recurring(digits)) is not None:
            return number(recurring)
        if not self.take("_"):
            return _literal(digits)
        base = self.script()
        if "." not in digits:
            if base[0] == "num" and 2 <= base[1] <= MAX_BASE:
                return ("based", digits, int(base[1]))
            if base == ("var", "b"):
                return number(Fraction(digits))
        raise Unreadable("a subscript after a number")

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
        """What follows ^ or _: one token or a group."""
        if self.take("{"):
            if self.kind == "cmd" and self.peek()[1] == "}" and self.value[1:].isalpha():
                name = self.next()[1:]
                self.at += 1
                return ("var", name)
            node = self.listing()
            self.expect("}")
            return node
        kind, value = self.kind, self.value
        self.at += 1
        if kind == "num":
            return number(Fraction(value))
        if kind in ("letter", "quote"):
            return ("var", value)
        if kind == "cmd" and value[1:].isalpha() and value != r"\frac":
            return ("var", value[1:])
        raise Unreadable("an odd script")

    def letter(self, name: str) -> Node:
        if self.value == "^" and self.peek()[0] in ("num", "letter") and self.peek(2)[1] == "_":  # v^2_0 is v_0^2
            kind, exponent = self.peek()
            del self.tokens[self.at : self.at + 2]
            node = self.letter(name)
            return ("pow", node, self.number(exponent) if kind == "num" else ("var", exponent))
        if self.take("_"):
            subscript = self.script()
            return self.chosen(name, subscript) or ("var", f"{name}_{flat(subscript)}")
        if name in "ei":
            return ("const", name)
        if name in _FUNCTION_LETTERS and self.kind == "op" and self.value == "(":
            return ("apply", name, self.bracket(self.next()))
        return ("var", name)

    def chosen(self, name: str, lower: Node) -> Node | None:
        """C_n^k and A_n^k, combinations and arrangements as they are written in China and Russia."""
        if name not in "CA" or self.value != "^" or lower[0] not in ("num", "var"):
            return None
        at = self.at
        self.at += 1
        upper = self.script()
        if lower[0] == "num" and not (upper[0] == "num" and upper[1] <= lower[1]):
            self.at = at
            return None
        if name == "C":
            return ("binom", lower, upper)
        return ("div", ("fact", lower), ("fact", ("add", lower, ("neg", upper))))

    def words(self, first: str) -> Node:
        words = [first]
        while self.kind == "quote" and self.value.lower() not in SEPARATORS:
            words.append(self.next())
        return ("word", " ".join(words))

    def bracket(self, opening: str) -> Node:
        bars, self.bars = self.bars, 0
        if self.kind == "cmd" and self.value in _MODULI:
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

    def command(self, command: str) -> Node:
        read = self.commands.get(command[1:])
        if read is None:
            raise Unreadable(f"{command} is not known")
        return read(self)

    def argument(self) -> Node:
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
            return number(Fraction(value[0]))
        self.at += 1
        if kind == "num":
            return _literal(value)
        if kind == "letter":
            return ("const", value) if value in "ei" else ("var", value)
        if kind == "cmd":
            return self.command(value)
        if kind == "op" and value == "(":
            return self.bracket("(")
        raise Unreadable("an argument is missing")


Command = Callable[[Parser], Node]
"""Reads what follows a command's name."""


def _literal(digits: str) -> Node:
    """12, 0.5 or 3e8 as written."""
    mantissa, _, exponent = digits.lower().partition("e")
    if len(exponent) > 4 or abs(int(exponent or 0)) > MAX_DIGITS:
        raise Unreadable("a very large number")
    return number(Fraction(digits), max(0, len(mantissa.partition(".")[2]) - int(exponent or 0)))


def _primed(node: Node) -> Node:
    if node[0] != "var":
        raise Unreadable("a prime after a value")
    return ("var", node[1] + "'")


def _mixed(whole: Node, fraction: Node) -> Node | None:
    match whole, fraction:
        case ("num", _, 0), ("div", ("num", upper, 0), ("num", lower, 0)) if 0 < upper < lower:
            return ("add", whole, fraction)
    return None
