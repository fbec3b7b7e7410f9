"""Whether two trees are the same answer: True, False, or None where this reader is not sure."""

from fractions import Fraction
from functools import lru_cache

from r1tool.grading import numeric, sets
from r1tool.grading.equations import equivalent
from r1tool.grading.latex import Node, variables_of, walk
from r1tool.grading.numeric import Unsure, Value
from r1tool.grading.units import dimension

SCALES = {"hundred": Fraction(100), "thousand": Fraction(1000), "million": Fraction(10**6), "billion": Fraction(10**9)}
MAX_UNORDERED = 40
POINTS = 6
FLOAT_DIGITS = 10
ROUNDED_GOLD_DIGITS = 3
ROUNDED_ANSWER_DIGITS = 4
"""Significant digits a decimal must have to stand for the exact value it rounds: problems ask for rounding."""


def compare(gold: Node, answer: Node) -> bool | None:
    """Whether `answer` is `gold`; None where they cannot be told apart for sure."""
    try:
        return _compare(_value(gold), _value(answer), gold, answer)
    except Unsure:
        return None


def _compare(g: Node, a: Node, gold: Node, answer: Node) -> bool | None:
    if g == a:
        return True
    if g[0] == "unit" or a[0] == "unit":
        return _units(g, a)
    if "percent" in (g[0], a[0]) and {g[0], a[0]} <= _SCALARS:
        return _percent(g, a)
    if "degree" in (g[0], a[0]) and {g[0], a[0]} <= _SCALARS:
        return _degrees(g, a)
    if g[0] == "word" or a[0] == "word":
        return _words(g, a)
    if g[0] == "based" or a[0] == "based":
        return _bases(g, a)
    if _has_sign_choice(g) or _has_sign_choice(a):
        return _sign_choices(g, a)
    if sets.is_set(g) or sets.is_set(a):
        return _sets(g, a)
    if g[0] == "ratio" or a[0] == "ratio":
        return _ratios(g, a)
    if g[0] == "rel" or a[0] == "rel":
        return _relations(g, a)
    if g[0] in _MANY or a[0] in _MANY:
        return _collections(g, a)
    if g[0] in _SCALARS and a[0] in _SCALARS:
        return None if any(n[0] in _NOT_NUMBERS for side in (g, a) for n in walk(side)) else scalars(g, a)
    return None


_SCALARS = frozenset(
    ("num", "var", "const", "add", "mul", "div", "pow", "neg", "fact", "abs", "floor", "ceil", "fn", "binom", "percent",
     "degree", "mod", "group", "sum", "prod")
)  # fmt: skip
_INTEGER = frozenset(("fact", "binom", "mod", "floor", "ceil", "sum", "prod"))
_NOT_NUMBERS = frozenset(("matrix", "seq", "list", "set", "apply", "word", "union", "pm", "mp"))
_MANY = frozenset(("list", "seq", "set", "matrix", "ordered"))
_NAMES = frozenset(("var", "apply", "word"))


def _is_constant(node: Node) -> bool:
    """A number without unknowns."""
    return node[0] in _SCALARS and not any(n[0] == "var" or n[0] in _NOT_NUMBERS for n in walk(node))


def _value(node: Node) -> Node:
    """What an answer says: x = 5 says 5, (p, q) = (3, 2) says (3, 2), x = 1, y = 2 says 1, 2 in this order."""
    while node[0] == "group":
        node = node[1]
    if node[0] == "unit" and node[1][0] in ("rel", "list", "group"):
        return _value(("unit", _value(node[1]), node[2])) if node[1][0] != "list" else node
    if node[0] == "unit" and node[2].lower().strip(".") in ("percent", "pct", "percentage"):
        return ("percent", node[1])
    if node[0] == "unit" and node[2].lower().strip(".") in ("degree", "degrees", "deg"):
        return ("degree", node[1])
    if node[0] == "rel":
        return _assigned(node)
    if node[0] == "list":
        ranges = [item for item in node[1] if _ranges_over_integers(item)]
        items = tuple(item for item in node[1] if item not in ranges)
        for item in ranges:
            items = tuple(_renamed(each, item[2][0], ("var", "k")) for each in items)
        if len(items) == 1:
            return _value(items[0])
        if all(item[0] == "rel" for item in items):
            names = [_name(item) for item in items]
            if all(names) and len(set(names)) == len(names):
                values = tuple(_value(item) for item in items)
                return ("ordered", values, tuple(names))
        if any(item[0] == "list" for item in items):
            return ("list", tuple(("ordered", *_row(item)) if item[0] == "list" else _value(item) for item in items))
        values = tuple(_value(item) for item in items)
        return ("list", values)
    if node[0] == "seq":
        return ("seq", node[1], node[2], tuple(_value(item) for item in node[3]))
    if node[0] == "set":
        if len(node[1]) == 1 and node[1][0][0] == "seq":
            return _value(node[1][0])
        return ("set", tuple(_value(item) for item in node[1]))
    return node


def _ranges_over_integers(node: Node) -> bool:
    """The k ∈ ℤ behind a general solution."""
    return (
        node[0] == "rel"
        and node[1] == ("in",)
        and node[2][1] in (("word", "mathbb Z"), ("var", "Z"), ("word", "mathbb N"))
    )


def _renamed(node: Node, old: Node, new: Node) -> Node:
    if node == old:
        return new
    return tuple(_renamed(child, old, new) if isinstance(child, tuple) else child for child in node)


def _row(node: Node) -> tuple[tuple[Node, ...], tuple[str, ...]]:
    value = _value(node)
    return (value[1], value[2]) if value[0] == "ordered" else (value[1], ())


def _assigned(node: Node) -> Node:
    operators, sides = node[1], node[2]
    if set(operators) <= {"=", "~", "=="}:
        if (
            not variables_of(node)
            and set(operators) == {"="}
            and all(side[0] in _SCALARS or side[0] == "unit" for side in sides)
        ):
            return _value(sides[-1])  # 8 + 14 + 56 = 78 says 78
        if "~" in operators and operators[0] != "~":  # x = 1/3 ≈ 0.33 says 1/3
            cut = operators.index("~")
            operators, sides = operators[:cut], sides[: cut + 1]
        if operators[0] == "~" and len(sides) == 2:
            if sides[0][0] in _NAMES:
                return _value(sides[1])
            return _value(sides[0])
        if (
            sides[0][0] == "mul"
            and sides[0][1][0] == "var"
            and _arguments(sides[0][2])
            and not _tests(sides[0], sides[1])
        ):
            return _value(sides[-1])  # n(x) = ...
        if _is_segment(sides[0]) and not variables_of(sides[-1]):
            return _value(sides[-1])
        if sides[0][0] in _NAMES or sides[0][0] in ("ratio", "matrix") or len(sides) > 2:
            if sides[0][0] in ("var", "apply") and len(sides) == 2 and sides[0][1] in variables_of(sides[1]):
                return node
            return _value(sides[-1])
        if sides[0][0] == "seq" and sides[-1][0] == "seq":
            return _value(sides[-1])
        if sides[-1][0] == "var" and sides[0][0] in ("num", "neg", "div") and not variables_of(sides[0]):
            return _value(sides[0])
        if sides[0][0] == "mul" and all(part[0] in _NAMES for part in sides[0][1:]) and sides[1][0] == "num":
            return node
    if operators == ("in",) and sides[0][0] in ("var", "abs"):
        return _value(sides[1]) if sides[0][0] == "var" else node
    return node


def _is_segment(node: Node) -> bool:
    """AB, ABC: points side by side, not factors."""
    if node[0] == "mul":
        return _is_segment(node[1]) and _is_segment(node[2])
    return node[0] == "var" and len(node[1]) == 1 and node[1].isupper()


def _arguments(node: Node) -> bool:
    return (node[0] == "group" and node[1][0] == "var") or (
        node[0] == "seq" and all(item[0] == "var" for item in node[3])
    )


def _tests(call: Node, value: Node) -> bool:
    """Whether a(x) = ... is a product after all: the name in front stands on the right as well."""
    return call[1][1] in variables_of(value)


def _name(node: Node) -> str | None:
    """The name an assignment gives a value to."""
    if node[0] == "rel" and set(node[1]) <= {"=", "~"} and node[2][0][0] in ("var", "apply"):
        return str(node[2][0][1])
    return None


# Scalars


def scalars(gold: Node, answer: Node) -> bool | None:
    """Two expressions: exact where both are rational, else at points drawn for their variables."""
    names = variables_of(gold) | variables_of(answer)
    if not names:
        infinite = [any(n == ("const", "oo") for n in walk(side)) for side in (gold, answer)]
        if any(infinite):
            return None if all(infinite) else False
        return numbers(gold, answer)
    integers = any(n[0] in _INTEGER for side in (gold, answer) for n in walk(side))
    outcomes = []
    for index in range(3 * POINTS if integers else POINTS):
        point = numeric.point(names, index, integers=integers)
        try:
            outcomes.append(numeric.same(numeric.evaluate(gold, point), numeric.evaluate(answer, point)))
        except Unsure:
            outcomes.append(None)
        if integers and outcomes.count(True) == POINTS:
            break
    if all(outcomes):
        return True
    positive = [o for o in outcomes[: numeric.POSITIVE_POINTS] if o is not None]
    if False not in outcomes:
        return True if outcomes.count(True) >= 3 else None
    if False not in positive and len(positive) >= 3:
        # they part at negative values only: branches of roots and logarithms, or an absolute value
        return None if any(n[0] == "abs" for side in (gold, answer) for n in walk(side)) else True
    if integers and False in outcomes:
        return False
    if False in positive:
        if integers or _integer_valued(names, gold, answer):
            return None if _same_at_integers(names, gold, answer) else False
        return False
    return None


def _integer_valued(names: frozenset[str], gold: Node, answer: Node) -> bool:
    """Powers of -1 and trigonometry of nπ agree at integers only."""
    return bool(names & {"n", "k", "m"}) and any(
        (n[0] == "pow" and variables_of(n[2])) or n[0] == "fn" for side in (gold, answer) for n in walk(side)
    )


def _same_at_integers(names: frozenset[str], gold: Node, answer: Node) -> bool:
    agreed = 0
    for index in range(POINTS):
        point = numeric.point(names, index, integers=True)
        try:
            if numeric.same(numeric.evaluate(gold, point), numeric.evaluate(answer, point)) is False:
                return False
            agreed += 1
        except Unsure:
            continue
    return agreed > 1


def numbers(gold: Node, answer: Node) -> bool | None:
    """Two constants; a decimal stands for what it rounds if it has digits enough."""
    left, right = numeric.evaluate(gold), numeric.evaluate(answer)
    outcome = numeric.same(left, right)
    if outcome or outcome is None:
        return outcome
    return True if _rounds(gold, left, answer, right, ROUNDED_GOLD_DIGITS) else _rounds(
        answer, right, gold, left, ROUNDED_ANSWER_DIGITS
    )


def _rounds(decimal: Node, value: Value, other: Node, exact: Value, min_digits: int) -> bool:
    """Whether `decimal` is a decimal number with digits enough that rounds the finer `other`."""
    places, digits = _precision(decimal)
    if places is None or digits < min_digits:
        return False
    finer = _precision(other)[0]
    if finer is not None and (finer <= places or min_digits == ROUNDED_ANSWER_DIGITS):
        return False  # of two decimals, the gold may be the rounded one
    a, b = numeric.approximate(value), numeric.approximate(exact)
    difference = abs(a.value - b.value)
    if b.value == 0:
        return False
    if digits >= FLOAT_DIGITS and difference <= 1e-9 * abs(b.value):
        return True
    if digits > min_digits and abs(a.value) < abs(b.value) and difference < 10.0**-places:
        return True  # cut off instead of rounded
    return difference <= 0.5 * 10.0**-places * (1 + 1e-9)


def _precision(node: Node) -> tuple[int | None, int]:
    """Decimal places and significant digits of a decimal number; (None, 0) for anything else."""
    while node[0] in ("neg", "group", "percent", "degree"):
        node = node[1]
    shift = 0
    if node[0] == "mul" and node[2][0] == "pow" and node[2][1] == ("num", Fraction(10), -1):  # 2.5 \times 10^3
        exponent = node[2][2]
        sign = -1 if exponent[0] == "neg" else 1
        exponent = exponent[1] if exponent[0] == "neg" else exponent
        if exponent[0] != "num" or abs(exponent[1]) > 300:
            return None, 0
        shift, node = sign * int(exponent[1]), node[1]
    if node[0] != "num" or node[2] < 1:
        return None, 0
    digits = str(abs(int(node[1] * 10 ** node[2]))).lstrip("0")
    return node[2] - shift, len(digits)


def _percent(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "percent":
        return _compare(g[1], a[1], g, a)
    percent, plain = (g[1], a) if g[0] == "percent" else (a[1], g)
    whole = _compare(percent, plain, percent, plain)
    if whole:
        return True
    part = _compare(("div", percent, ("num", Fraction(100), -1)), plain, percent, plain)
    return part or (None if None in (whole, part) else False)


def _degrees(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "degree":
        return _compare(g[1], a[1], g, a)
    angle, plain = (g, a) if g[0] == "degree" else (a, g)
    if any(n == ("const", "pi") for n in walk(plain)):
        return scalars(angle, plain)
    return _compare(angle[1], plain, angle, plain)


def _units(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "unit":
        same = compare(g[1], a[1])
        if g[2].lower().rstrip("s") == a[2].lower().rstrip("s"):
            return same
        left, right = dimension(g[2]), dimension(a[2])
        if not left or not right:
            return same
        if left[0] != right[0]:
            return None if same else same
        if left[1] == right[1]:
            return same
        scaled = [("mul", node[1], ("num", size[1], -1)) for node, size in ((g, left), (a, right))]
        return scalars(*scaled) if {g[1][0], a[1][0]} <= _SCALARS else None
    unit, plain = (g, a) if g[0] == "unit" else (a, g)
    same = compare(g[1], a) if g[0] == "unit" else compare(g, a[1])
    scale = SCALES.get(unit[2].lower().split()[0]) if unit[2].split() else None
    if scale and not same and {unit[1][0], plain[0]} <= _SCALARS:
        return scalars(plain, ("mul", unit[1], ("num", scale, -1)))
    return same


# Words, bases, ratios


def _words(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "word":
        return _plain(g[1]) == _plain(a[1])
    word, other = (g, a) if g[0] == "word" else (a, g)
    if _infinity(word) and any(n == ("const", "oo") for n in walk(other)):
        return None
    if other[0] in ("var", "mul", "const") and _plain(word[1]) == _letters(other).lower():
        return True
    if other[0] == "num" and _plain(word[1]) in _NUMBER_WORDS:
        return bool(other[1] == _NUMBER_WORDS[_plain(word[1])])
    return False


def _infinity(node: Node) -> bool:
    return "infinit" in str(node[1]).lower() or "unbounded" in str(node[1]).lower()


def _plain(text: str) -> str:
    words = text.lower().replace("-", " ").replace("'", "").replace('"', "").strip(" .,;:!").split()
    return " ".join(word for word in words if word not in ("the", "a", "an"))


def _letters(node: Node) -> str:
    if node[0] in ("var", "const"):
        return str(node[1])
    return _letters(node[1]) + _letters(node[2]) if node[0] == "mul" else "\0"


_NUMBER_WORDS = {
    word: Fraction(number)
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}


def _bases(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "based":
        if g[2] == a[2]:
            return bool(g[1].lstrip("0") == a[1].lstrip("0"))
        return None if _in_base(g) == _in_base(a) else False
    based, plain = (g, a) if g[0] == "based" else (a, g)
    if plain[0] != "num" or plain[2] >= 0:
        return None
    if str(plain[1]) == based[1].lstrip("0"):
        return True
    return None if _in_base(based) == plain[1] else False


def _in_base(node: Node) -> int | None:
    try:
        return int(node[1], node[2])
    except ValueError:
        return None


def _ratios(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "ratio":
        left, right = g[1], a[1]
        if len(left) != len(right):
            longer, shorter = (left, right) if len(left) > len(right) else (right, left)
            zeros = all(part == ("num", Fraction(0), -1) for part in longer[len(shorter) :])
            return longer[: len(shorter)] == shorter if zeros else False
        return _all(
            scalars(("mul", left[0], y), ("mul", right[0], x)) for x, y in zip(left[1:], right[1:], strict=True)
        )
    ratio, other = (g, a) if g[0] == "ratio" else (a, g)
    if len(ratio[1]) == 2 and other[0] in _SCALARS:
        return scalars(("div", *ratio[1]), other)
    return None


# Plus-minus


def _has_sign_choice(node: Node) -> bool:
    return any(child[0] in ("pm", "mp") for child in walk(node))


def _sign_choices(g: Node, a: Node) -> bool | None:
    left, right = _expanded(g), _expanded(a)
    if left is None or right is None:
        return None
    return _unordered(left, right)


def _expanded(node: Node) -> tuple[Node, ...] | None:
    """3 ± 2√2 as its two values."""
    if not _has_sign_choice(node):
        return node[1] if node[0] in ("list", "set", "ordered") else (node,)
    if node[0] in ("list", "set"):
        parts = [_expanded(item) for item in node[1]]
        return None if None in parts else tuple(item for part in parts if part for item in part)
    choices = [child[0] for child in walk(node) if child[0] in ("pm", "mp")]
    if len(choices) > 1 and "mp" not in choices:
        return None
    return _signed(node, 1), _signed(node, -1)


def _signed(node: Node, sign: int) -> Node:
    if not isinstance(node, tuple):
        return node
    if node and node[0] in ("pm", "mp"):
        sign_here = sign if node[0] == "pm" else -sign
        right = _signed(node[2], sign)
        signed = right if sign_here > 0 else ("neg", right)
        return signed if node[1] is None else ("add", _signed(node[1], sign), signed)
    return tuple(_signed(child, sign) if isinstance(child, tuple) else child for child in node)


# Sets, relations, collections


def _sets(g: Node, a: Node) -> bool | None:
    if _is_constant(g) or _is_constant(a):
        return False
    left, right = sets.read(g), sets.read(a)
    if left is None or right is None:
        return False if any(_is_point(side) for side in (g, a)) else None
    return sets.same(left, right)


def _is_point(node: Node) -> bool:
    """(3, 1) is no interval, for its ends descend."""
    if node[0] != "seq" or not all(_is_constant(item) for item in node[3]):
        return False
    return len(node[3]) != 2 or sets.read(node) is None


def _relations(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "rel" and set(g[1]) == set(a[1]) == {"="}:
        return equivalent(g, a)
    if g[0] == "rel" and a[0] == "rel":
        return None
    other = a if g[0] == "rel" else g
    relation = g if g[0] == "rel" else a
    if other[0] in _MANY and len(_items(other)) > 1 and set(relation[1]) == {"="} and _plain_values(_items(other)):
        return False
    if _is_constant(other) and set(relation[1]) == {"="}:
        left, right = relation[2][0], relation[2][-1]
        if _is_constant(right) and right != ("num", Fraction(0), -1) and not any(n[0] == "num" for n in walk(left)):
            return compare(right, other) if g is other else compare(other, right)
        return False if variables_of(relation) else None
    return None


def relation_or_value(gold: Node, answer: Node) -> bool | None:
    """y = 2x + 3 against 2x - y + 3 = 0: as equations, where one side only is a bare assignment."""
    if gold[0] == answer[0] == "rel" and set(gold[1]) | set(answer[1]) == {"="}:
        return equivalent(gold, answer)
    return None


def _collections(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "matrix":
        if [len(row) for row in g[1]] != [len(row) for row in a[1]]:
            return None if len(_items(g)) == len(_items(a)) else False
        return _ordered(_items(g), _items(a))
    left, right = _items(g), _items(a)
    if g[0] == "ordered" and a[0] == "ordered" and g[2:] and a[2:] and set(g[2]) == set(a[2]):
        mine = dict(zip(a[2], right, strict=True))
        return _ordered(left, tuple(mine[name] for name in g[2]))
    free = {"list", "set"}
    if g[0] in free and a[0] in free:
        return _unordered(left, right)
    if g[0] not in _MANY or a[0] not in _MANY:
        many, one = (left, a) if g[0] in _MANY else (right, g)
        if len(many) == 1 and (g if g[0] in _MANY else a)[0] == "set":
            return compare(many[0], one)
        if _is_constant(one):
            return False if len(many) > 1 and not _all_same(many) else None
        return None
    if len(left) != len(right):
        return False if _plain_values(left) and _plain_values(right) else None
    in_order = _ordered(left, right)
    if in_order:
        if g[0] == a[0] == "seq" and {g[1], g[2]} != {a[1], a[2]}:
            return None
        return True
    if {g[0], a[0]} & free:
        return None if _unordered(left, right) is not False else False
    return in_order


def _items(node: Node) -> tuple[Node, ...]:
    if node[0] == "matrix":
        return tuple(item for row in node[1] for item in row)
    if node[0] == "seq":
        return node[3]  # type: ignore[no-any-return]
    return node[1] if node[0] in _MANY else (node,)


def _plain_values(items: tuple[Node, ...]) -> bool:
    return all(_is_constant(item) or item[0] == "seq" for item in items)


def _all_same(items: tuple[Node, ...]) -> bool:
    return all(compare(items[0], item) is not False for item in items[1:])


def _all(outcomes: object) -> bool | None:
    result: bool | None = True
    for outcome in outcomes:  # type: ignore[attr-defined]
        if outcome is False:
            return False
        if outcome is None:
            result = None
    return result


def _ordered(left: tuple[Node, ...], right: tuple[Node, ...]) -> bool | None:
    if len(left) != len(right):
        return False
    return _all(compare(x, y) for x, y in zip(left, right, strict=True))


def _unordered(left: tuple[Node, ...], right: tuple[Node, ...]) -> bool | None:
    """The same items in any order, repetitions aside."""
    if max(len(left), len(right)) > MAX_UNORDERED:
        return _many_numbers(left, right)
    left, right = _distinct(left), _distinct(right)
    unsure = False
    for mine, theirs in ((left, right), (right, left)):
        for x in mine:
            outcomes = [compare(x, y) for y in theirs]
            if True in outcomes:
                continue
            if None in outcomes:
                unsure = True
            else:
                return False
    return None if unsure or len(left) != len(right) else True


def _distinct(items: tuple[Node, ...]) -> tuple[Node, ...]:
    kept: list[Node] = []
    for item in items:
        if not any(compare(item, other) for other in kept):
            kept.append(item)
    return tuple(kept)


def _many_numbers(left: tuple[Node, ...], right: tuple[Node, ...]) -> bool | None:
    values = [[numeric.evaluate(item) for item in side] for side in (left, right)]
    if all(isinstance(value, Fraction) for side in values for value in side):
        return set(values[0]) == set(values[1])
    return None


@lru_cache(maxsize=4096)
def compared(gold: Node, answer: Node) -> bool | None:
    """compare, with equations taken as equations first, and 1,22 for 1.22 where a comma can be a decimal point."""
    as_equations = relation_or_value(gold, answer)
    if as_equations or _decimal_comma(gold, answer) or _decimal_comma(answer, gold):
        return True
    if as_equations is False and "rel" in (_value(gold)[0], _value(answer)[0]):
        return False
    return compare(gold, answer)


def _decimal_comma(pair: Node, other: Node) -> bool:
    if pair[0] != "list" or len(pair[1]) != 2 or other[0] != "num" or other[2] < 1:
        return False
    whole, part = pair[1]
    if not (whole[0] == part[0] == "num" and whole[2] == part[2] == -1):
        return False
    return bool(other[1] == whole[1] + part[1] / 10 ** other[2])
