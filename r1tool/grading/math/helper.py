"""Math-Verify for graders in the calling process, in one that is killed when it takes too long."""

from r1tool.errors import R1Error
from r1tool.grading.math import math_verify
from r1tool.workers.helper import Helper

DIFFERENT, EQUAL, UNREADABLE = b"0", b"1", b"?"


def verify(gold: str, answer: str, seconds: float) -> bool | None:
    """math_verify.verify, from any thread. Raises TimeoutError within `seconds`, OSError if no process can start."""
    try:
        result = _helper.call(gold.encode(errors="replace"), answer.encode(errors="replace"), seconds)
    except R1Error:
        raise OSError(
            "the helper process of r1tool.grading did not start; does 'import math_verify' work here?"
        ) from None
    if not isinstance(result, bytes):
        raise TimeoutError("the limit of time or memory was reached")
    return None if result == UNREADABLE else result == EQUAL


def _work(gold: bytes, answer: bytes) -> bytes:
    """One comparison, in the helper process."""
    outcome = math_verify.verify(gold.decode(), answer.decode())
    return UNREADABLE if outcome is None else EQUAL if outcome else DIFFERENT


_helper = Helper(_work, math_verify.warm)
