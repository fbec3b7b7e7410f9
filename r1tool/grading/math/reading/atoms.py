"""The parts an expression is made of: numbers, letters, words, brackets, and what a LaTeX command takes."""

from fractions import Fraction

from r1tool.grading.math.reading.tokens import CONSTANTS, FUNCTIONS, MAX_DIGITS, SEPARATORS, Unreadable
from r1tool.grading.math.tree import Node, flat

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
FACTORS = frozenset(
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
        *CONSTANTS,
    }
)


class Cursor:
    """A place among the tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.bars = 0

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

    def fail(self, reason: str) -> Node:
        raise Unreadable(reason)


class Atoms(Cursor):
    """Reads one part; the levels of precedence above it are in the subclass."""

    def listing(self) -> Node:
        raise NotImplementedError

    def relation(self) -> Node:
        raise NotImplementedError

    def sum(self) -> Node:
        raise NotImplementedError

    def term(self) -> Node:
        raise NotImplementedError

    def power(self) -> Node:
        raise NotImplementedError

    def starts_factor(self) -> bool:
        raise NotImplementedError

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
            return ("var", value[1:]) if value[1:].isalpha() and value[1:] != "frac" else self.fail("an odd script")
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
        while self.kind == "quote" and self.value.lower() not in SEPARATORS:
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
        if name in CONSTANTS:
            return CONSTANTS[name]
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
