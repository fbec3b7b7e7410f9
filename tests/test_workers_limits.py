"""What a worker process may use: the same in the pool and in the helper, with and without /proc."""

import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
from harness.cli import wait_for

from r1tool.workers import limits
from r1tool.workers.helper import Helper
from r1tool.workers.pool import Lost

FOLDERS = str(Path(__file__).parent), str(Path(__file__).parents[1])
HIDE_PROC = """
import builtins, os
_open, _exists = builtins.open, os.path.exists
def hidden(path):
    return isinstance(path, str) and path.startswith("/proc/")
def open(path, *more, **named):
    if hidden(path):
        raise FileNotFoundError(2, "no such file", path)
    return _open(path, *more, **named)
builtins.open = open
os.path.exists = lambda path: not hidden(path) and _exists(path)
"""
"""As a sitecustomize.py, it takes /proc away from a Python program and from those it starts."""


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs find the functions of this file."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(FOLDERS))


@pytest.fixture
def no_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDE_PROC)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), *FOLDERS)))


def start(program: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)


def run(program: str) -> str:
    """What the program prints."""
    return start(program).communicate(timeout=40)[0]


def work(context: bytes, step: bytes) -> bytes:
    """Does what the step says."""
    if step == b"limits":
        names = ("AS", "FSIZE", "CORE", "CPU")
        return json.dumps(
            {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[0] for name in names}
        ).encode()
    if step == b"write":
        Path(context.decode()).write_text("written")
    if step == b"memory":
        return bytes(4 << 30)
    if step == b"hang":
        while True:
            pass
    if step == b"raise":
        raise ValueError("what went wrong")
    return b"%d" % os.getpid()


def warm() -> None:
    pass


@pytest.mark.parametrize("step", ["limits", "write", "memory"])
@pytest.mark.parametrize("proc", ["proc", "no proc"])
def test_the_pool_and_the_helper_have_the_same_limits(
    step: str, proc: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if proc == "no proc":
        request.getfixturevalue("no_proc")
    program = f"""
        from r1tool.workers.helper import Helper
        from r1tool.workers.pool import Pool, Task
        from test_workers_limits import warm, work
        context, step = {str(tmp_path / "file").encode()!r}, {step.encode()!r}
        with Pool(work, workers=1, step_seconds=20, warm=warm) as pool:
            ((_, [result]),) = pool.map([Task(0, context, [step])])
            print(result)
        print(Helper(work, warm).call(context, step, 20))
    """
    pool, helper = run(program).splitlines()
    if step == "limits":
        for line in (pool, helper):
            found = json.loads(line[2:-1])
            assert found["FSIZE"] == found["CORE"] == 0
            assert 1 << 30 < found["AS"] < 3 << 30
            assert 60 <= found["CPU"] <= 100
    else:
        assert pool == helper == f"Lost(reason={'memory' if step == 'memory' else 'crash'!r})"
        assert not (tmp_path / "file").exists() or not (tmp_path / "file").read_text()


def test_the_size_of_the_image_is_found_without_proc() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    known, probed = limits.image_bytes(), limits._probe_image_bytes()
    assert abs(probed - known) < 4 * limits.PROBE_BYTES
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.usefixtures("no_proc")
def test_grading_works_without_proc() -> None:
    """Once the process the helper is forked in died of it, and was forked again for a minute."""
    program = r"from r1tool.grading import grade; print(grade('1', r'\boxed{\int_0^1 2x dx}', timeout=20).outcome)"
    assert run(program) == "correct\n"


def test_a_limit_the_caller_was_given_is_kept() -> None:
    """`ulimit -v` in a shell leaves workers that start."""
    program = """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        from r1tool.workers.pool import Pool, Task
        from test_workers_limits import work
        with Pool(work, workers=1, step_seconds=20) as pool:
            ((_, [result]),) = pool.map([Task(0, b"", [b"limits"])])
            print(result.decode())
    """
    assert json.loads(run(program))["AS"] == 1 << 30


def test_a_worker_that_hangs_while_its_parent_is_stopped_ends_by_itself_and_is_a_timeout() -> None:
    program = """
        from r1tool.workers.pool import Pool, Task
        from test_workers_limits import work
        with Pool(work, workers=1, step_seconds=0.5) as pool:
            results = pool.map([Task(0, b"", [b"pid"]), Task(1, b"", [b"hang"])])
            print(next(results)[1][0].decode(), flush=True)
            print(next(results)[1], flush=True)
    """
    parent = start(program)
    assert parent.stdout
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGSTOP)
    wait_for(lambda: worker.status() == psutil.STATUS_ZOMBIE, 60)
    parent.send_signal(signal.SIGCONT)
    assert parent.stdout.read() == "[Lost(reason='timeout')]\n"
    assert parent.wait(30) == 0
    parent.stdout.close()


def test_a_workers_traceback_reaches_a_file_where_stderr_is_one(tmp_path: Path) -> None:
    program = """
        from r1tool.workers.pool import Pool, Task
        from test_workers_limits import work
        with Pool(work, workers=1, step_seconds=20) as pool:
            list(pool.map([Task(0, b"", [b"raise", b"pid"])]))
    """
    with (tmp_path / "err").open("w") as file:
        environment = {**os.environ, "R1TOOL_DEBUG": "1"}
        subprocess.run([sys.executable, "-c", textwrap.dedent(program)], stderr=file, env=environment, check=True)
    assert "ValueError: what went wrong" in (tmp_path / "err").read_text()


def test_a_helper_makes_do_with_workers_that_die() -> None:
    helper = Helper(work, warm)
    first = helper.call(b"", b"pid", 20)
    assert first == helper.call(b"", b"pid", 20), "the same worker"
    assert helper.call(b"", b"hang", 0.2) == Lost("timeout")
    second = helper.call(b"", b"pid", 20)
    assert isinstance(second, bytes) and second != first
    worker = psutil.Process(int(second))
    server = worker.parent()
    assert server
    worker.kill()
    wait_for(lambda: worker.status() == psutil.STATUS_ZOMBIE)
    third = helper.call(b"", b"pid", 20)
    assert isinstance(third, bytes)
    wait_for(lambda: not worker.is_running())
    server.kill()
    wait_for(lambda: server.status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: not psutil.pid_exists(int(third)))
    assert isinstance(helper.call(b"", b"pid", 20), bytes), "another interpreter"
    helper.close()
    assert isinstance(helper.call(b"", b"pid", 20), bytes), "closed is as never started"
    helper.close()


def test_no_signal_is_sent_to_the_process_id_of_one_that_has_ended() -> None:
    program = r"""
        import atexit, os, psutil
        from r1tool.grading import grade
        def right():
            return grade('1', r'\boxed{\int_0^1 2x dx}', timeout=20).outcome == 'correct'
        assert right()
        family = psutil.Process().children(recursive=True)
        for each in family:
            each.kill()
        for each in psutil.Process().children():
            while each.status() != psutil.STATUS_ZOMBIE:
                pass
        psutil.wait_procs(family[1:], timeout=10)
        try:
            right()
        except OSError:
            pass
        assert right()
        ended = [each.pid for each in family if not each.is_running()]
        kill, sent = os.kill, []
        os.kill = lambda pid, number: (sent.append(pid), kill(pid, number))
        atexit._run_exitfuncs()
        print(set(sent) & set(ended))
    """
    assert run(program) == "set()\n"


def test_an_interrupted_call_leaves_no_answer_for_the_next() -> None:
    """Ctrl-C in a notebook."""
    program = r"""
        import signal
        from r1tool.grading import grade
        def outcome(answer):
            return grade('1', rf'\boxed{{{answer}}}', timeout=20).outcome
        assert outcome(r'\int_0^1 2x dx') == 'correct'
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        try:
            outcome(r'\int_0^1 \int_0^1 4xy + x^7 y^9 dx dy')
            print("too quick")
        except KeyboardInterrupt:
            pass
        print(outcome(r'\int_0^1 2x dx'), outcome(r'\int_0^1 4x dx'), outcome(r'\int_0^1 3x^2 dx'))
    """
    assert run(program) == "correct wrong correct\n"


def test_the_helper_ends_with_its_process_also_where_a_forked_child_lives_on() -> None:
    program = r"""
        import os, psutil, time
        from r1tool.grading import grade
        grade('1', r'\boxed{\int_0^1 2x dx}', timeout=20)
        family = psutil.Process().children(recursive=True)
        child = os.fork()
        if not child:
            time.sleep(100)
            os._exit(0)
        print(child, *(each.pid for each in family), flush=True)
        os.kill(os.getpid(), 9)
    """
    process = start(program)
    assert process.stdout
    child, *family = map(int, process.stdout.readline().split())
    process.wait(30)
    assert len(family) == 2
    wait_for(lambda: not any(map(psutil.pid_exists, family)), 20)
    os.kill(child, signal.SIGKILL)
    process.stdout.close()
