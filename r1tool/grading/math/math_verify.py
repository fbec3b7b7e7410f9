"""Math-Verify, for what the own reader cannot decide; only ever called in a process that may be killed.

Only its LaTeX reader is used (antlr): its reader of plain expressions is sympy's `parse_expr`, which is `eval`.
"""

import os
import re
from typing import Any

MAX_CHARS = 1_500
_SIGN_CHOICE = re.compile(r"\\pm|\\mp|±|∓")
_MANY = re.compile(r"[,;]|\\pm|\band\b|\bor\b|\\cup|\\in(?![a-z])|[<>]|\\[lg]e|\\ne")


def warm() -> None:
    """Import Math-Verify. sympy's own integers, for gmpy2's cannot be interrupted and ignore memory limits."""
    os.environ["SYMPY_GROUND_TYPES"] = "python"
    import logging

    import math_verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    math_verify.verify(_parse("1"), _parse("\\frac{2}{2}"), timeout_seconds=None)


def verify(gold: str, answer: str) -> bool | None:
    """Whether `answer` is `gold` to Math-Verify; None where it cannot read `gold`.

    Raises TimeoutError where it gave up for want of memory or stack; nothing here limits time.
    """
    if len(gold) > MAX_CHARS:
        return None
    import math_verify

    try:
        reference = _parse(gold)
        if not reference:
            return None
        if len(answer) > MAX_CHARS:
            return False
        found = _parse(answer)
        if not found:
            return False
        right = math_verify.verify(reference, found, timeout_seconds=None, raise_on_error=True)
        return bool(right) and _believable(gold, answer, reference[0], found[0])
    except (MemoryError, RecursionError):
        raise TimeoutError("out of memory or stack") from None
    except Exception:  # whatever sympy raises: it could not tell them equal
        return False


def _parse(text: str) -> list[Any]:
    from math_verify import LatexExtractionConfig, parse

    text = text.strip().strip("$").strip()
    parsed: list[Any] = parse(
        f"${text}$", [LatexExtractionConfig()], fallback_mode="no_fallback", parsing_timeout=None, raise_on_error=True
    )
    return parsed


def _believable(gold: str, answer: str, reference: Any, found: Any) -> bool:
    """Not one of the pairs Math-Verify is known to take for equal: tiny constants, one root for both of them."""
    one_sided = bool(_SIGN_CHOICE.search(gold)) != bool(_SIGN_CHOICE.search(answer))
    if one_sided and not (_MANY.search(gold) and _MANY.search(answer)):
        return False
    if getattr(reference, "is_number", False) and getattr(found, "is_number", False):
        left, right = complex(reference.evalf(20)), complex(found.evalf(20))
        return abs(left - right) <= 1e-6 * max(abs(left), abs(right))
    return True
