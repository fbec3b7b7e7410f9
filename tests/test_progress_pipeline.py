"""The display of a pipeline on a real terminal: tmux."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.cli import R1TOOL, wait_for
from harness.rows import long_row, write_rows

from r1tool import progress
from r1tool.progress import Progress, State, line

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")

STAGE = """
import signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
import sys, time
from r1tool.progress import Progress
name, seconds = sys.argv[1], float(sys.argv[2])
progress = Progress(name, total=200)
for number, row in enumerate(range(200) if sys.stdin.isatty() else sys.stdin.buffer):
    sys.stdout.buffer.write(b"row\\n")
    sys.stdout.flush()
    progress.advance()
    progress.detail = f"detail {number % 3}"
    if name == "verify" and number == 5:
        progress.log("r1tool verify: row 5 is odd")
    time.sleep(seconds)
progress.close()
"""


class Terminal:
    """A tmux of its own with one window of 100 by 24."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self.folder = folder
        self._tmux("new-session", "-d", "-x", "100", "-y", "24", "env", "-i", f"PATH={os.environ['PATH']}",
                   "TERM=screen", "PS1=$ ", f"XDG_RUNTIME_DIR={folder}", "bash", "--norc")  # fmt: skip

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout

    def type(self, text: str) -> None:
        self._tmux("send-keys", text, "Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-S", "-100")

    def wait(self, condition: Callable[[str], object]) -> str:
        seen = [""]

        def is_there() -> bool:
            seen[0] = self.screen()
            return bool(condition(seen[0]))

        wait_for(is_there, 60)
        return seen[0]

    def close(self) -> None:
        self._tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "stage.py").write_text(STAGE)
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def stage(terminal: Terminal, name: str, seconds: float = 0.02) -> str:
    return f"{sys.executable} {terminal.folder}/stage.py {name} {seconds}"


def rows(screen: str) -> dict[str, list[str]]:
    """The rows of the display by name."""
    found: dict[str, list[str]] = {}
    for each in screen.splitlines():
        if match := re.match(r"(sample|verify|rank) {2,}\S", each):  # a typed command has one blank there
            found.setdefault(match[1], []).append(each)
    return found


def test_each_stage_has_one_row_in_the_order_of_the_pipeline_and_stdout_is_data(terminal: Terminal) -> None:
    terminal.type(
        f"{stage(terminal, 'sample')} | {stage(terminal, 'verify')} | {stage(terminal, 'rank')} > /dev/null;"
        " echo o''ver"
    )
    during = terminal.wait(lambda screen: len(rows(screen)) == 3 and re.search(r"rank +█", screen))
    assert list(rows(during)) == ["sample", "verify", "rank"]
    assert all(len(each) == 1 for each in rows(during).values()), during
    assert "█" in during and "/s" in during and "detail" in during
    after = terminal.wait(lambda screen: "\nover" in screen)
    assert all(len(each) == 1 and "200/200 rows" in each[0] and "done" in each[0] for each in rows(after).values())
    assert "r1tool verify: row 5 is odd" in after
    assert after.index("row 5 is odd") < after.index("\nsample  ")
    assert not list(terminal.folder.glob("r1tool-progress-*"))


def test_the_rows_that_are_counted_are_all_there(terminal: Terminal) -> None:
    terminal.type(f"cd {terminal.folder}; {stage(terminal, 'sample', 0)} | {stage(terminal, 'rank', 0)} | wc -l")
    assert re.search(r"^200$", terminal.wait(lambda screen: re.search(r"^200$", screen, re.M)), re.M)


def test_another_goes_on_when_the_painter_is_killed(terminal: Terminal) -> None:
    # each with an input of its own, so that the death of one does not end the others
    alone = [f"{stage(terminal, name)} < /dev/tty > /dev/null" for name in ("sample", "verify", "rank")]
    terminal.type(" | ".join(alone))
    terminal.wait(lambda screen: len(rows(screen)) == 3)
    (folder,) = terminal.folder.glob("r1tool-progress-*")
    painter = _holder(folder / "lock")
    os.kill(painter, 9)
    after = terminal.wait(lambda screen: "KILLED" in screen)
    assert all(len(each) == 1 for each in rows(after).values()), after
    wait_for(lambda: not list(terminal.folder.glob("r1tool-progress-*")))


def _holder(lock: Path) -> int:
    def lines() -> list[list[str]]:
        locks = [each.split() for each in Path("/proc/locks").read_text().splitlines()]
        return [fields for fields in locks if "->" not in fields and fields[5].endswith(f":{lock.stat().st_ino}")]

    wait_for(lambda: bool(lines()))
    return int(lines()[0][4])


def test_real_commands_show_themselves_and_leave_the_shell_usable(terminal: Terminal) -> None:
    source = write_rows(terminal.folder / "in.zst", [long_row(number, 2000) for number in range(300)])
    out = terminal.folder / "out.zst"
    terminal.type(f"{R1TOOL} split {source} | {R1TOOL} verify -j 1 | {R1TOOL} split -o {out}; echo o''ver")
    screen = terminal.wait(lambda screen: "\nover" in screen)
    assert screen.count("300 rows in, 300 out") == 3, screen
    assert len(re.findall(r"^split .*300 rows .*done", screen, re.M)) == 2, screen
    assert len(re.findall(r"^verify .*300 rows .*done", screen, re.M)) == 1, screen
    assert "Traceback" not in screen


def test_ctrl_c_on_the_terminal_drains_the_pipeline(terminal: Terminal) -> None:
    source = write_rows(terminal.folder / "in.zst", [long_row(number) for number in range(1500)])
    out = terminal.folder / "out.zst"
    terminal.type(
        f"{R1TOOL} split {source} | {R1TOOL} verify -j 1 | {R1TOOL} split -o {out}; echo o''ver ${{PIPESTATUS[@]}}"
    )
    wait_for(
        lambda: out.with_name("out.zst.partial").exists() and out.with_name("out.zst.partial").stat().st_size > 9999,
        60,
    )
    terminal.press("C-c")
    screen = terminal.wait(lambda screen: re.search(r"^over \d", screen, re.M))
    assert "over 130 0 0" in screen and "Traceback" not in screen
    counts = re.findall(r"([\d,]+) rows in, ([\d,]+) out", screen)
    assert len(counts) == 3 and len({count for pair in counts for count in pair}) == 1, screen
    subprocess.run(["zstd", "-tq", out], check=True)


def test_a_command_that_ends_while_another_stops_painting_is_painted_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    monkeypatch.setattr(progress._Board, "_is_foreground", lambda board: True)
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    first, second = [progress._Board(meeting, theirs) for _ in _pids(monkeypatch)]
    first.show(State("verify", None, 0.0))
    second.show(State("split", None, 0.0))
    first.show(State("verify", None, 0.0, ended=9.0))  # the painter's last look
    second.show(State("split", None, 0.0, ended=9.0))
    second.leave()
    first.leave()
    painted = os.read(ours, 1 << 16).decode()
    assert re.search(r"verify .*done.*\n.*split .*done", painted), painted
    assert not meeting.exists()


def _pids(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Be two processes in turn."""
    for pid in (1, 2):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        yield pid


def test_what_is_not_a_terminal_gets_plain_lines(capfd: pytest.CaptureFixture[str]) -> None:
    shown = Progress("verify")
    shown.advance(5)
    shown.log("r1tool verify: hello")
    shown.close()
    assert capfd.readouterr() == ("", "r1tool verify: hello\n")


def test_a_row_fits_the_terminal() -> None:
    state = State("verify", 300, since=0.0, count=150, bad=2, detail="stalled " * 20)
    for width in range(1, 200):
        assert len(line(state, 10.0, width)) <= width
    assert line(state, 10.0, 0).startswith("verify 150/300 rows 15/s 2 bad eta 10.0s stalled")
    assert "180/h" in line(State("sample", None, since=0.0, count=1), 20.0, 0)
    assert line(State("x", None, 0.0, 10, ended=100.0), 200.0, 0) == "x 10 rows 360/h done in 1m40s"
