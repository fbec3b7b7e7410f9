"""Whether two trees are the same answer: True, False, or None where this reader is not sure."""

from fractions import Fraction
from functools import lru_cache

from r1tool.grading.math.comparing import numeric, sets
from r1tool.grading.math.comparing.equations import equivalent
from r1tool.grading.math.comparing.numeric import Unsure
from r1tool.grading.math.comparing.scalars import scalars
from r1tool.grading.math.comparing.values import value_of
from r1tool.grading.math.reading.units import dimension
from r1tool.grading.math.tree import HUNDRED, NOT_NUMBERS, SCALARS, ZERO, Node, is_constant, number, variables_of, walk

SCALES = {"hundred": Fraction(100), "thousand": Fraction(1000), "million": Fraction(10**6), "billion": Fraction(10**9)}
MAX_UNORDERED = 40
_MANY = frozenset(("list", "seq", "set", "matrix", "ordered"))
_COUNTED = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_NUMBER_WORDS = {word: Fraction(number) for number, word in enumerate(_COUNTED.split())}


def compare(gold: Node, answer: Node) -> bool | None:
    """Whether `answer` is `gold`; None where they cannot be told apart for sure."""
    try:
        return _compare(value_of(gold), value_of(answer), gold, answer)
    except Unsure:
        return None


def _compare(g: Node, a: Node, gold: Node, answer: Node) -> bool | None:
    if g == a:
        return True
    if g[0] == "unit" or a[0] == "unit":
        return _units(g, a)
    if "percent" in (g[0], a[0]) and {g[0], a[0]} <= SCALARS:
        return _percent(g, a)
    if "degree" in (g[0], a[0]) and {g[0], a[0]} <= SCALARS:
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
    if g[0] in SCALARS and a[0] in SCALARS:
        return None if any(n[0] in NOT_NUMBERS for side in (g, a) for n in walk(side)) else scalars(g, a)
    return None


def _percent(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "percent":
        return _compare(g[1], a[1], g, a)
    percent, plain = (g[1], a) if g[0] == "percent" else (a[1], g)
    whole = _compare(percent, plain, percent, plain)
    if whole:
        return True
    part = _compare(("div", percent, HUNDRED), plain, percent, plain)
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
        scaled = [("mul", node[1], number(size[1])) for node, size in ((g, left), (a, right))]
        return scalars(*scaled) if {g[1][0], a[1][0]} <= SCALARS else None
    unit, plain = (g, a) if g[0] == "unit" else (a, g)
    same = compare(g[1], a) if g[0] == "unit" else compare(g, a[1])
    scale = SCALES.get(unit[2].lower().split()[0]) if unit[2].split() else None
    if scale and not same and {unit[1][0], plain[0]} <= SCALARS:
        return scalars(plain, ("mul", unit[1], number(scale)))
    return same


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


def _bases(g: Node, a: Node) -> bool | None:
    if g[0] == a[0] == "based":
        if g[2] == a[2]:
            return bool(g[1].lstrip("0") == a[1].lstrip("0"))
        return None if _in_base(g) == _in_base(a) else False
    based, plain = (g, a) if g[0] == "based" else (a, g)
    if plain[0] != "num" or plain[2] > 0:
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
            zeros = all(part == ZERO for part in longer[len(shorter) :])
            return longer[: len(shorter)] == shorter if zeros else False
        return _all(
            scalars(("mul", left[0], y), ("mul", right[0], x)) for x, y in zip(left[1:], right[1:], strict=True)
        )
    ratio, other = (g, a) if g[0] == "ratio" else (a, g)
    if len(ratio[1]) == 2 and other[0] in SCALARS:
        return scalars(("div", *ratio[1]), other)
    return None


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


def _sets(g: Node, a: Node) -> bool | None:
    if is_constant(g) or is_constant(a):
        return False
    left, right = sets.read(g), sets.read(a)
    if left is None or right is None:
        return False if any(_is_point(side) for side in (g, a)) else None
    return sets.same(left, right)


def _is_point(node: Node) -> bool:
    """(3, 1) is no interval, for its ends descend."""
    if node[0] != "seq" or not all(is_constant(item) for item in node[3]):
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
    if is_constant(other) and set(relation[1]) == {"="}:
        left, right = relation[2][0], relation[2][-1]
        if is_constant(right) and right != ZERO and not any(n[0] == "num" for n in walk(left)):
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
        if is_constant(one):
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
    return all(is_constant(item) or item[0] == "seq" for item in items)


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
    if as_equations is False and "rel" in (value_of(gold)[0], value_of(answer)[0]):
        return False
    return compare(gold, answer)


def _decimal_comma(pair: Node, other: Node) -> bool:
    if pair[0] != "list" or len(pair[1]) != 2 or other[0] != "num" or other[2] < 1:
        return False
    whole, part = pair[1]
    if not (whole[0] == part[0] == "num" and whole[2] == part[2] == 0):
        return False
    return bool(other[1] == whole[1] + part[1] / 10 ** other[2])
