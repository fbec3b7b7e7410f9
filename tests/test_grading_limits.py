"""grade() in the calling process: what hangs is ended, in any thread, and nothing stays behind."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from r1tool.grading import equal, grade

HOSTILE = [
    r"9^{9^{9}}",
    r"1000000000!",
    r"\binom{1000000000}{500000000}",
    r"\int_0^1\int_0^1\int_0^1 \frac{\ln(1+xyz)}{1+x^2y^2} dx dy dz",
]


@pytest.mark.parametrize("answer", HOSTILE)
def test_an_answer_that_never_ends_is_a_timeout(answer: str) -> None:
    verdict = grade("1", rf"\boxed{{{answer}}}", timeout=1.0)
    assert verdict.outcome == "timeout"
    assert verdict.extracted == answer
    assert grade("1", r"\boxed{\int_0^1 2x dx}", timeout=20).outcome == "correct"


def test_a_long_answer_costs_no_more_than_its_length() -> None:
    generation = rf"\boxed{{\frac{{{'1' * 100_000}}}{{2}}}}"
    start = time.process_time()
    assert grade("1", generation).outcome == "wrong"
    assert grade(generation, generation).outcome == "correct"
    assert time.process_time() - start < 2


def test_threads_grade_at_the_same_time() -> None:
    answers = [r"9^{9^{9}}", r"\int_0^1 2x dx", "1", r"\lim_{n\to\infty} \frac{n}{n+1}", "2"] * 2
    with ThreadPoolExecutor(5) as threads:
        outcomes = list(
            threads.map(lambda a: grade("1", rf"\boxed{{{a}}}", timeout=15 if "9" not in a else 1).outcome, answers)
        )
    assert outcomes == ["timeout", "correct", "correct", "correct", "wrong"] * 2


def test_grading_works_in_a_forked_child() -> None:
    assert grade("1", r"\boxed{\int_0^1 2x dx}", timeout=20).outcome == "correct"
    child = os.fork()
    if not child:
        os._exit(0 if grade("1", r"\boxed{\int_0^1 2x dx}", timeout=20).outcome == "correct" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_helper_ends_with_its_process() -> None:
    program = (
        "import psutil\nfrom r1tool.grading import grade\n"
        r"grade('1', r'\boxed{\int_0^1 2x dx}', timeout=20)" + "\n"
        "print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)\n"
        "import os; os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    pids = [int(pid) for pid in done.stdout.split()]
    assert pids
    import psutil

    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    assert not psutil.wait_procs(processes, timeout=20)[1]


def test_equal_asks_math_verify_only_with_a_timeout() -> None:
    assert not equal("1", r"\int_0^1 2x dx")
    assert equal("1", r"\int_0^1 2x dx", timeout=20)
