r"""Is this answer right? Extraction, fast comparers, and Math-Verify in a process that can be killed.

>>> from r1tool.grading import grade
>>> grade(r"\frac{1}{2}", r"<think>…</think> The answer is $\boxed{0.5}$.").outcome
'correct'
"""

from r1tool.grading.extraction import Answers, extract
from r1tool.grading.grade import equal, grade
from r1tool.grading.verdict import GRADING_VERSION, Settings, Verdict

__all__ = ["GRADING_VERSION", "Answers", "Settings", "Verdict", "equal", "extract", "grade"]
