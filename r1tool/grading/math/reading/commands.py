r"""What each LaTeX command stands for: a table from its name to the function that reads what follows it."""

from functools import partial

from r1tool.grading.math.reading.grammar import Command, Parser
from r1tool.grading.math.reading.notation import GREEK
from r1tool.grading.math.reading.tokens import CONSTANTS, FUNCTIONS, Unreadable
from r1tool.grading.math.tree import Node, flat, number

_LETTERS = {
    *GREEK,
    *"Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega ell hbar".split(),
} - {"omicron", "sigmaf"}
_ALSO_FUNCTIONS = frozenset("Gamma zeta phi Phi psi Psi sigma tau mu".split())
_MATRICES = frozenset("pmatrix bmatrix matrix array Bmatrix smallmatrix psmallmatrix".split())
_INVERSE = {"sin": "asin", "cos": "acos", "tan": "atan"}


def _frac(parser: Parser) -> Node:
    numerator = parser.argument()
    return ("div", numerator, parser.argument())


def _binom(parser: Parser) -> Node:
    upper = parser.argument()
    return ("binom", upper, parser.argument())


def _sqrt(parser: Parser) -> Node:
    index = None
    if parser.take("["):
        index = parser.listing()
        parser.expect("]")
    if parser.kind == "op" and parser.value == "(":
        node = parser.bracket(parser.next())
    elif parser.kind == "num":  # √12 in plain text is the root of 12; \sqrt12 is rare enough
        node = parser.number(parser.next())
    else:
        node = parser.argument()
    return ("fn", "sqrt", node, index) if index else ("fn", "sqrt", node)


def _cbrt(parser: Parser) -> Node:
    return ("fn", "sqrt", parser.primary(), number(3))


def _abs(parser: Parser) -> Node:
    return ("abs", parser.primary())


def _norm(parser: Parser) -> Node:
    return parser.absolute(r"\|")


def _between(kind: str, closing: str, parser: Parser) -> Node:
    node = parser.sum()
    parser.expect(closing)
    return (kind, node)


def _constant(node: Node, parser: Parser) -> Node:
    return node


def _greek(name: str, parser: Parser) -> Node:
    if parser.take("_"):
        return ("var", f"{name}_{flat(parser.script())}")
    if name in _ALSO_FUNCTIONS and parser.kind == "op" and parser.value == "(":
        raise Unreadable(f"\\{name} of something")
    return ("var", name)


def _angle(parser: Parser) -> Node:
    letters = []
    while parser.kind in ("letter", "quote"):
        letters.append(parser.next())
    if not letters:
        raise Unreadable("an angle without a name")
    return ("var", "angle_" + "".join(letters))


def _mathbb(parser: Parser) -> Node:
    letter = parser.argument()
    return ("all",) if letter == ("var", "R") else ("word", f"mathbb {letter[-1]}")


def _series(kind: str, parser: Parser) -> Node:
    r"""\sum_{k=1}^{n} of the product that follows."""
    parser.expect("_")
    parser.expect("{")
    start = parser.listing()
    parser.expect("}")
    parser.expect("^")
    end = parser.script()
    match start:
        case ("rel", ("=",), (("var" | "const", index), first)):
            return (kind, str(index), first, end, parser.term())
    raise Unreadable("a sum over something else")


def _function(name: str, parser: Parser) -> Node:
    """sin x, sin^2 x, log_2 8, sin(x)y: the argument ends at a sign, a function or a closing bracket."""
    base = exponent = None
    for _ in range(2):
        if parser.take("_"):
            base = parser.script()
        elif parser.take("^"):
            exponent = parser.script()
    if parser.kind == "op" and parser.value in "([":
        argument = parser.bracket(parser.next())
        if parser.take("^"):
            exponent = parser.script()
    else:
        argument = _bare_argument(parser)
    if argument[0] in ("seq", "list", "rel", "set"):
        raise Unreadable("a function of several arguments")
    if exponent == ("neg", number(1)):
        if name not in _INVERSE:
            raise Unreadable("an inverse function")
        return ("fn", _INVERSE[name], argument)
    node: Node = ("fn", name, argument, base) if base else ("fn", name, argument)
    return ("pow", node, exponent) if exponent else node


def _bare_argument(parser: Parser) -> Node:
    """The 2x of sin 2x, the x/2 of sin x/2."""
    minus = parser.take("-")
    argument = parser.power()
    while parser.starts_factor() and not (parser.kind == "cmd" and parser.value[1:] in FUNCTIONS):
        if parser.kind == "op" and parser.value in "([":
            break
        argument = ("mul", argument, parser.power())
    if parser.kind == "op" and parser.value == "/" and parser.peek()[0] == "num" and argument[0] != "num":
        parser.next()
        argument = ("div", argument, parser.power())
    return ("neg", argument) if minus else argument


def _braces(parser: Parser) -> Node:
    r"""\{1, 2\}, and \{x | x > 1\}, which is what follows the bar."""
    if parser.take(r"\}"):
        return ("empty",)
    if opening := _property_tokens(parser):
        parser.at += opening
        node = parser.listing()
        parser.expect(r"\}")
        return node
    bars, parser.bars = parser.bars, 1
    node = parser.listing()
    parser.bars = bars
    if parser.take("|", ":"):
        node = ("list", (node, parser.listing()))
        parser.expect(r"\}")
        return node
    parser.expect(r"\}")
    return ("set", node[1] if node[0] == "list" else (node,))


def _property_tokens(parser: Parser) -> int:
    """The number of tokens of `x |`, `x :` or `x in R |` that open a set by its property."""
    if parser.kind != "letter":
        return 0
    if parser.peek()[1] in ("|", ":"):
        return 2
    if parser.peek()[1] == r"\in":
        return next((i + 1 for i in range(2, 8) if parser.peek(i)[1] in ("|", ":")), 0)
    return 0


def _environment(parser: Parser) -> Node:
    name = _braced(parser)
    if name == "cases":
        return _cases(parser)
    if name not in _MATRICES:
        raise Unreadable(f"an environment {name}")
    if name == "array":
        _braced(parser)
    rows: list[list[Node]] = [[]]
    while not parser.take(r"\end"):
        if parser.take(r"\\"):
            rows.append([])
        elif parser.take("&"):
            pass
        elif parser.kind == "end":
            raise Unreadable("an environment is not closed")
        else:
            rows[-1].append(parser.relation())
    _braced(parser)
    return ("matrix", tuple(tuple(row) for row in rows if row))


def _cases(parser: Parser) -> Node:
    """A system of equations as a list; a function by cases is not read."""
    rows = [parser.relation()]
    while not parser.take(r"\end"):
        if not parser.take(r"\\", ","):
            raise Unreadable("a function by cases")
        if parser.value != r"\end":
            rows.append(parser.relation())
    _braced(parser)
    return ("list", tuple(rows))


def _braced(parser: Parser) -> str:
    """The name in \\begin{name}."""
    parser.expect("{")
    content = []
    while not parser.take("}"):
        if parser.kind == "end":
            raise Unreadable("a brace is not closed")
        content.append(parser.next())
    return "".join(content)


COMMANDS: dict[str, Command] = {
    "frac": _frac,
    "binom": _binom,
    "sqrt": _sqrt,
    "cbrt": _cbrt,
    "abs": _abs,
    "|": _norm,
    "lfloor": partial(_between, "floor", r"\rfloor"),
    "lceil": partial(_between, "ceil", r"\rceil"),
    "sum": partial(_series, "sum"),
    "prod": partial(_series, "prod"),
    "mathbb": _mathbb,
    "angle": _angle,
    "emptyset": partial(_constant, ("empty",)),
    "{": _braces,
    "begin": _environment,
    **{name: partial(_greek, name) for name in _LETTERS},
    **{name: partial(_function, function) for name, function in FUNCTIONS.items()},
    **{name: partial(_constant, node) for name, node in CONSTANTS.items()},
}
