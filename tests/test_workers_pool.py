"""The worker pool: order, what is lost and what is not, memory, and how it ends."""

import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from harness.cli import wait_for
from hypothesis import given, settings
from hypothesis import strategies as st

from r1tool.errors import R1Error
from r1tool.workers.pool import Lost, Pool, Task

SECONDS = 1.0


def work(context: bytes, step: bytes) -> bytes:
    """Does what the step says."""
    if step == b"hang":
        while True:
            pass
    if step == b"sleep":
        time.sleep(3600)
    if step == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if step == b"exit":
        os._exit(0)
    if step == b"memory":
        return bytes(4 << 30)
    if step == b"raise":
        raise ValueError
    if step == b"fork":
        if not os.fork():
            os._exit(0)
        os.wait()
    if step == b"descriptors":
        return b" ".join(bytes(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return context + step


LOST = {
    b"hang": "timeout",
    b"sleep": "timeout",
    b"crash": "crash",
    b"exit": "crash",
    b"memory": "memory",
    b"raise": "crash",
}


def expected(task: Task) -> list[object]:
    return [Lost(LOST[step]) if step in LOST else task.context + step for step in task.steps]  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", sorted(LOST))
def test_a_bad_step_costs_itself_and_nothing_else(bad: bytes) -> None:
    tasks = [Task(n, b"%d:" % n, [b"a", bad, b"b"] if n == 3 else [b"a", b"b"]) for n in range(50)]
    with Pool(work, workers=2, step_seconds=0.3) as pool:
        assert [(task.row, results) for task, results in pool.map(tasks)] == [(t.row, expected(t)) for t in tasks]


steps = st.lists(st.binary(max_size=20) | st.sampled_from([b"crash", b"exit", b"raise", b"x" * 300_000]), max_size=5)


@given(st.lists(steps, max_size=30), st.integers(1, 4), st.sampled_from([1, 100, 1 << 20]))
@settings(max_examples=20)
def test_all_results_come_in_order_whatever_happens(table: list[list[bytes]], workers: int, in_flight: int) -> None:
    tasks = [Task(number, b"c", row) for number, row in enumerate(table)]
    with Pool(work, workers=workers, step_seconds=5, bytes_in_flight=in_flight) as pool:
        assert [(task.row, results) for task, results in pool.map(iter(tasks))] == [
            (t.row, expected(t)) for t in tasks
        ]
        assert [task.row for task, _ in pool.map(tasks)] == list(range(len(tasks))), "a second time"


def test_a_result_is_delivered_while_the_input_is_silent() -> None:
    go_on = threading.Event()

    def tasks() -> Iterator[Task]:
        yield Task(1, b"", [b"a"])
        assert go_on.wait(30), "the first result was held back"
        yield Task(2, b"", [b"b"])

    with Pool(work, workers=1, step_seconds=5) as pool:
        results = pool.map(tasks())
        assert next(results)[1] == [b"a"]
        go_on.set()
        assert next(results)[1] == [b"b"]


def test_tasks_are_taken_up_to_a_number_of_bytes() -> None:
    taken = 0

    def tasks() -> Iterator[Task]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield Task(number, b"", [b"x" * 1000])

    with Pool(work, workers=2, step_seconds=5, bytes_in_flight=20_000) as pool:
        results = pool.map(tasks())
        next(results)
        time.sleep(0.3)
        assert taken < 30
        assert sum(1 for _ in results) == 999


def test_one_hung_step_does_not_hold_up_what_other_workers_do() -> None:
    """But for the one that was sent to its worker, all behind the hung one are done when it is given up."""
    done = mmap.mmap(-1, 101)

    def marking(context: bytes, step: bytes) -> bytes:
        if step != b"hang":
            done[int(context)] = 1
        return work(context, step)

    tasks = [Task(0, b"", [b"hang"])] + [Task(n, b"%d" % n, [b"a"]) for n in range(1, 101)]
    with Pool(marking, workers=2, step_seconds=SECONDS) as pool:
        assert next(pool.map(tasks))[1] == [Lost("timeout")]
        wait_for(lambda: done[:].count(1) >= 99)


def test_an_error_of_the_tasks_comes_after_the_results_before_it() -> None:
    def tasks() -> Iterator[Task]:
        yield Task(1, b"", [b"a"])
        raise ZeroDivisionError

    with Pool(work, workers=1, step_seconds=5) as pool:
        results = pool.map(tasks())
        assert next(results)[1] == [b"a"]
        with pytest.raises(ZeroDivisionError):
            next(results)


def open_pipes() -> set[bytes]:
    """The pipes of this process, as a worker of it would name them."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return {name for link in links if (name := bytes(link.readlink())).startswith(b"pipe:")}


def test_warm_runs_once_and_workers_hold_nothing_of_each_other(tmp_path: Path) -> None:
    def warm() -> None:
        with (tmp_path / "warm").open("a") as file:
            file.write("x")

    with Pool(work, workers=3, step_seconds=5, warm=warm) as pool:
        tasks = [Task(n, b"", [b"descriptors", b"crash"]) for n in range(6)]
        for _, (descriptors, _) in pool.map(tasks):
            assert isinstance(descriptors, bytes)
            names = descriptors.split()
            assert sum(name.startswith(b"socket:") for name in names) == 1, "one socket, its own"
            pipes = {name for name in names if name.startswith(b"pipe:")}
            assert len(pipes & open_pipes()) <= 1, "stderr, if that is a pipe"
            assert names.count(b"/dev/null") in (2, 3), "neither stdin nor stdout"
    assert (tmp_path / "warm").read_text() == "x"


def test_nothing_is_left_when_the_pool_is_closed() -> None:
    before = set(psutil.Process().children(recursive=True))
    with Pool(work, workers=3, step_seconds=5) as pool:
        list(pool.map([Task(1, b"", [b"crash", b"a"])]))
        family = set(psutil.Process().children(recursive=True)) - before
    assert family
    assert not [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert set(psutil.Process().children(recursive=True)) <= before


PARENT = """
import sys, time
sys.path.insert(0, {folder!r})
from test_workers_pool import work
from r1tool.workers.pool import Pool, Task
with Pool(work, workers=3, step_seconds=3600) as pool:
    tasks = (Task(n, b"", [b"hang" if n else b"a"]) for n in range(3))
    results = pool.map(tasks)
    next(results)
    print("up", flush=True)
    next(results)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV])
def test_workers_die_with_their_parent_also_while_they_hang(number: signal.Signals) -> None:
    program = PARENT.format(folder=str(Path(__file__).parent))
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout and parent.stdout.readline() == b"up\n"
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) == 4
    parent.send_signal(number)
    parent.wait(30)
    assert not psutil.wait_procs(family, timeout=20)[1]
    parent.stdout.close()


def test_the_death_of_the_process_they_are_forked_from_is_told() -> None:
    before = set(psutil.Process().children())
    with Pool(work, workers=2, step_seconds=5) as pool:
        results = pool.map(Task(n, b"", [b"a"]) for n in range(10**9))
        next(results)
        (server,) = set(psutil.Process().children()) - before
        server.kill()
        with pytest.raises(R1Error, match="forks the workers"):
            for _ in results:
                pass


def test_workers_take_no_notice_of_signals_sent_to_the_whole_group() -> None:
    program = PARENT.format(folder=str(Path(__file__).parent)).replace('b"hang" if n else b"a"', 'b"a"')
    program = program.replace("import sys", "import os, signal, sys").replace(
        "next(results)\n    print",
        "signal.signal(2, signal.SIG_IGN)\n    os.killpg(0, 2)\n    next(results)\n    print",
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, process_group=0, check=True)
    assert done.stdout == b"up\n"
