"""The value of a tree: exact where it is rational, else a complex float with a bound on its error."""

import cmath
import math
import zlib
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from r1tool.grading.math.tree import Node

POSITIVE_POINTS = 3
MAX_BITS = 40_000
MAX_TERMS = 300
MAX_FACTORIAL = 3_000
EPSILON = 2.3e-16
COARSE = 0.01
"""What a difference of one must stay above to show: floats further apart than this are no proof of being equal."""


class Unsure(Exception):
    """No value: out of range, undefined, or not a number at all."""


class Approx(NamedTuple):
    """A complex float and the bound of its absolute error."""

    value: complex
    error: float


Value = Fraction | Approx
Environment = dict[str, Fraction]

_CONSTANTS = {"pi": math.pi, "e": math.e, "i": 1j}
_FUNCTIONS: dict[str, Callable[[complex], complex]] = {
    "sin": cmath.sin, "cos": cmath.cos, "tan": cmath.tan, "sinh": cmath.sinh, "cosh": cmath.cosh, "tanh": cmath.tanh,
    "asin": cmath.asin, "acos": cmath.acos, "atan": cmath.atan, "exp": cmath.exp, "ln": cmath.log,
    "cot": lambda z: 1 / cmath.tan(z), "sec": lambda z: 1 / cmath.cos(z), "csc": lambda z: 1 / cmath.sin(z),
}  # fmt: skip


def evaluate(node: Node, environment: Environment | None = None) -> Value:
    """The value of a tree at a point. Raises Unsure."""
    try:
        return _evaluate(node, environment or {})
    except (ZeroDivisionError, OverflowError, ValueError, RecursionError) as error:
        raise Unsure(str(error)) from None


def approximate(value: Value) -> Approx:
    """The same value as a complex float. Raises Unsure beyond the range of floats."""
    if isinstance(value, Approx):
        return value
    try:
        number = float(value)
    except OverflowError:
        raise Unsure("out of range") from None
    if number == 0 and value:
        raise Unsure("out of range")
    return Approx(complex(number), abs(number) * EPSILON)


def compare_values(left: Value, right: Value) -> bool | None:
    """Whether two values are equal; None where floats cannot tell."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    a, b = approximate(left), approximate(right)
    difference, error = abs(a.value - b.value), a.error + b.error
    scale = max(abs(a.value), abs(b.value))
    if not math.isfinite(difference) or not math.isfinite(error):
        return None
    if error > 1e-7 * scale and error > 1e-12:
        return None
    tolerance = 4 * error + 1e-14 * scale
    if difference <= tolerance:
        return True if tolerance < COARSE else None
    if difference > 1000 * error + 1e-9 * scale:
        return False
    return None


def point(names: frozenset[str], number: int, *, integers: bool = False) -> Environment:
    """The `number`-th test point: each variable at a rational of its own, positive in the first points."""
    environment = {}
    for name in names:
        seed = zlib.crc32(f"{name}:{number}".encode())
        if integers:
            environment[name] = Fraction(1 + seed % 11)
        else:
            value = Fraction(seed % 9973 + 4001, 6007)
            environment[name] = -value if number >= POSITIVE_POINTS and seed & 0x100 else value
    return environment


def _evaluate(node: Node, env: Environment) -> Value:
    kind = node[0]
    if kind == "num":
        return node[1]  # type: ignore[no-any-return]
    if kind == "var":
        if node[1] not in env:
            raise Unsure(f"no value for {node[1]}")
        return env[node[1]]
    if kind == "group":
        return _evaluate(node[1], env)
    if kind == "const":
        if node[1] == "oo":
            raise Unsure("infinite")
        constant = complex(_CONSTANTS[node[1]])
        return Approx(constant, 0.0 if node[1] == "i" else 5e-16)
    if kind == "add":
        return _add(_evaluate(node[1], env), _evaluate(node[2], env))
    if kind == "neg":
        value = _evaluate(node[1], env)
        return -value if isinstance(value, Fraction) else Approx(-value.value, value.error)
    if kind == "mul":
        return _multiply(_evaluate(node[1], env), _evaluate(node[2], env))
    if kind == "div":
        return _divide(_evaluate(node[1], env), _evaluate(node[2], env))
    if kind == "pow":
        return _power(_evaluate(node[1], env), _evaluate(node[2], env))
    if kind == "fn":
        return _function(node, env)
    if kind == "abs":
        value = _evaluate(node[1], env)
        return abs(value) if isinstance(value, Fraction) else Approx(complex(abs(value.value)), value.error)
    if kind == "percent":
        return _divide(_evaluate(node[1], env), Fraction(100))
    if kind == "degree":
        return _multiply(_evaluate(node[1], env), Approx(complex(math.pi / 180), 1e-17))
    if kind == "unit":
        return _evaluate(node[1], env)
    if kind in ("sum", "prod"):
        return _series(node, env)
    if kind in ("fact", "binom", "floor", "ceil", "mod"):
        return _integer(node, env)
    raise Unsure(f"a {kind} has no value")


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _add(a: Value, b: Value) -> Value:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        if _bits(a) + _bits(b) > MAX_BITS:
            raise Unsure("too large")
        return a + b
    a, b = approximate(a), approximate(b)
    value = a.value + b.value
    return Approx(value, a.error + b.error + EPSILON * abs(value))


def _multiply(a: Value, b: Value) -> Value:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        if _bits(a) + _bits(b) > MAX_BITS:
            raise Unsure("too large")
        return a * b
    a, b = approximate(a), approximate(b)
    value = a.value * b.value
    return Approx(value, abs(a.value) * b.error + abs(b.value) * a.error + 2 * EPSILON * abs(value))


def _divide(a: Value, b: Value) -> Value:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        if _bits(a) + _bits(b) > MAX_BITS:
            raise Unsure("too large")
        return a / b
    a, b = approximate(a), approximate(b)
    if abs(b.value) <= b.error * 1000:
        raise Unsure("a division by nearly zero")
    value = a.value / b.value
    return Approx(value, (a.error + abs(value) * b.error) / abs(b.value) + 2 * EPSILON * abs(value))


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            if base in (0, 1):
                return base**exponent.numerator if base or exponent > 0 else Fraction(0 if exponent else 1)
            if abs(exponent.numerator) * _bits(base) > MAX_BITS:
                raise Unsure("too large")
            return base**exponent.numerator
        root = _exact_root(base, exponent.denominator)
        if root is not None:
            return _power(root, Fraction(exponent.numerator))
    if isinstance(base, Fraction) and base == 0:
        raise Unsure("a power of zero")
    a, b = approximate(base), approximate(exponent)
    value = a.value**b.value
    logarithm = abs(cmath.log(a.value))
    relative = abs(b.value) * (a.error / abs(a.value)) + logarithm * b.error + EPSILON * (4 + abs(b.value) * logarithm)
    return Approx(value, abs(value) * relative)


def _exact_root(base: Fraction, index: int) -> Fraction | None:
    """The rational root, if there is one. Odd roots of negative numbers are real here, as they are in class."""
    if base < 0:
        if index % 2 == 0:
            return None
        root = _exact_root(-base, index)
        return -root if root is not None else None
    if index > 64 or _bits(base) > 2000:
        return None
    upper, lower = _integer_root(base.numerator, index), _integer_root(base.denominator, index)
    return Fraction(upper, lower) if upper is not None and lower is not None else None


def _integer_root(number: int, index: int) -> int | None:
    if index == 2:
        root = math.isqrt(number)
    else:
        try:
            guess = round(number ** (1 / index))
        except OverflowError:
            return None
        root = next((r for r in (guess - 1, guess, guess + 1) if r >= 0 and r**index == number), -1)
    return root if root >= 0 and root**index == number else None


def _function(node: Node, env: Environment) -> Value:
    name, argument = node[1], _evaluate(node[2], env)
    if name == "sqrt":
        index = _evaluate(node[3], env) if len(node) > 3 else Fraction(2)
        if not isinstance(index, Fraction) or index == 0:
            raise Unsure("an odd index of a root")
        if isinstance(argument, Fraction) and argument < 0 and index.denominator == 1 and index % 2:
            value = approximate(_power(-argument, 1 / index))
            return Approx(-value.value, value.error)
        return _power(argument, 1 / index)
    if name in ("log", "log10"):
        base = approximate(_evaluate(node[3], env) if len(node) > 3 else Fraction(10 if name == "log10" else 0))
        a = approximate(argument)
        top = Approx(cmath.log(a.value), a.error / abs(a.value) + EPSILON * abs(cmath.log(a.value)))
        if base.value == 0:
            return top
        bottom = Approx(cmath.log(base.value), EPSILON * (1 + abs(cmath.log(base.value))))
        return _divide(top, bottom)
    a = approximate(argument)
    if abs(a.value) > 1e6 and name not in ("ln", "atan"):
        raise Unsure("an argument too large")
    function = _FUNCTIONS[name]
    result = function(a.value)
    step = max(a.error, 1e-16 * abs(a.value), 1e-300)
    slope = abs(function(a.value + 1e-7 * (1 + abs(a.value))) - result) / (1e-7 * (1 + abs(a.value)))
    return Approx(result, step * (slope + 1e-3) + 2 * EPSILON * abs(result))


def _series(node: Node, env: Environment) -> Value:
    kind, name, first, last, term = node
    start, end = _evaluate(first, env), _evaluate(last, env)
    if not (isinstance(start, Fraction) and isinstance(end, Fraction)) or start.denominator * end.denominator != 1:
        raise Unsure("a sum between reals")
    if end - start > MAX_TERMS:
        raise Unsure("a long sum")
    total: Value = Fraction(int(kind == "prod"))
    for index in range(int(start), int(end) + 1):
        value = _evaluate(term, {**env, name: Fraction(index)})
        total = _add(total, value) if kind == "sum" else _multiply(total, value)
    return total


def _integer(node: Node, env: Environment) -> Value:
    values = [_evaluate(child, env) for child in node[1:]]
    if not all(isinstance(value, Fraction) for value in values):
        if node[0] in ("floor", "ceil"):
            a = approximate(values[0])
            if abs(a.value.imag) <= 2 * a.error and abs(a.value.real - round(a.value.real)) > 4 * a.error + 1e-12:
                return Fraction(math.floor(a.value.real) if node[0] == "floor" else math.ceil(a.value.real))
        raise Unsure("an integer function of a real")
    exact = [value for value in values if isinstance(value, Fraction)]
    if node[0] == "floor":
        return Fraction(math.floor(exact[0]))
    if node[0] == "ceil":
        return Fraction(math.ceil(exact[0]))
    if any(value.denominator != 1 for value in exact):
        raise Unsure("an integer function of a fraction")
    numbers = [value.numerator for value in exact]
    if node[0] == "mod":
        return Fraction(numbers[0] % numbers[1])
    if not all(0 <= number <= MAX_FACTORIAL for number in numbers):
        raise Unsure("too large")
    if node[0] == "fact":
        return Fraction(math.factorial(numbers[0]))
    return Fraction(math.comb(numbers[0], numbers[1]))
