"""The journal: what was recorded is there again, whatever happened to the process that wrote it."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1tool.errors import R1Error
from r1tool.stream.journal import Journal, Key

KEY = Key("a", 0, "f00d")


def test_a_finished_result_is_there_after_reopening(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.finish(KEY, {"text": "so \\ {}\n\u2028"})
        assert journal.finished(KEY) is None
    with Journal(tmp_path / "j") as journal:
        assert msgspec.json.decode(journal.finished(KEY) or b"") == {"text": "so \\ {}\n\u2028"}
        assert journal.finished(Key("a", 1, "f00d")) is None
        assert journal.finished(Key("a", 0, "beef")) is None


def test_a_result_is_in_the_file_when_the_call_returns(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.finish(KEY, {"text": "here"})
        assert b"here" in (tmp_path / "j").read_bytes()


def test_checkpoints_write_only_what_is_new(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        text = b""
        for step in range(100):
            text += f"step {step} ".encode() * 20
            journal.checkpoint(KEY, text, {"tokens": step})
    assert (tmp_path / "j").stat().st_size < 2 * len(text)
    with Journal(tmp_path / "j") as journal:
        partial = journal.partial(KEY)
        assert partial is not None and partial.text == text and partial.state == {"tokens": 99}
        journal.checkpoint(KEY, text + b"!", {"tokens": 100})
    with Journal(tmp_path / "j") as journal:
        partial = journal.partial(KEY)
        assert partial is not None and partial.text == text + b"!"


def test_a_text_begun_anew_replaces_the_old_one(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.checkpoint(KEY, b"a long wrong start", {})
        journal.checkpoint(KEY, b"new", {}, anew=True)
        journal.checkpoint(KEY, b"new text", {})
    with Journal(tmp_path / "j") as journal:
        partial = journal.partial(KEY)
        assert partial is not None and partial.text == b"new text"


def test_a_finished_result_has_no_partial_text(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.checkpoint(KEY, b"half", {})
        journal.finish(KEY, {"text": "half and half"})
    with Journal(tmp_path / "j") as journal:
        assert journal.partial(KEY) is None


@given(cut=st.integers(0, 400))
def test_a_torn_journal_gives_whole_records_and_takes_new_ones(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "j"
    keys = [Key(str(number), 0, "s") for number in range(5)]
    with Journal(path) as journal:
        for key in keys:
            journal.finish(key, {"text": f"é {key.id}"})
    size = path.stat().st_size
    os.truncate(path, max(0, size - cut))
    whole = path.read_bytes().count(b"\n") - 1
    with Journal(path) as journal:
        assert sum(key in journal for key in keys) == max(0, whole)
        journal.finish(Key("new", 0, "s"), {})
    with Journal(path) as journal:
        assert Key("new", 0, "s") in journal
        assert sum(key in journal for key in keys) == max(0, whole)


def test_a_damaged_line_costs_that_record_only(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.finish(KEY, {"text": "first"})
        journal.finish(Key("b", 0, "f00d"), {"text": "second"})
    content = (tmp_path / "j").read_bytes().replace(b'"first"', b"\0\0\0\0\0\0\0")
    (tmp_path / "j").write_bytes(content)
    with Journal(tmp_path / "j") as journal:
        assert KEY not in journal
        assert Key("b", 0, "f00d") in journal


def test_two_processes_on_one_journal_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with Journal(tmp_path / "j"):
        program = f"from r1tool.stream.journal import Journal; Journal({str(tmp_path / 'j')!r})"
        other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert other.returncode == 1
    assert "another process is writing this journal" in other.stderr
    Journal(tmp_path / "j").close()


def test_another_file_is_not_taken_for_a_journal(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"problem": "no newline at the end"}')
    with pytest.raises(R1Error, match="not a journal"):
        Journal(tmp_path / "data.jsonl")
    assert (tmp_path / "data.jsonl").read_text() == '{"problem": "no newline at the end"}'


def test_starting_over_replaces_the_journal_once_there_is_something_new(tmp_path: Path) -> None:
    other = Key("b", 0, "f00d")
    with Journal(tmp_path / "j") as journal:
        journal.finish(KEY, {})
    before = (tmp_path / "j").read_bytes()
    with Journal(tmp_path / "j", resume=False) as journal:
        assert KEY not in journal and (tmp_path / "j").read_bytes() == before
        journal.finish(other, {})
    with Journal(tmp_path / "j") as journal:
        assert other in journal and KEY not in journal


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(R1Error, match="cannot open the journal: No such file"):
        Journal(tmp_path / "nowhere" / "j")


@contextlib.contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_record_that_did_not_fit_spoils_no_other(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.checkpoint(KEY, b"begun", {})
        size = (tmp_path / "j").stat().st_size
        with room_for(size + 20):
            with pytest.raises(R1Error, match="cannot write the journal"):
                journal.finish(Key("b", 0, "f00d"), {"text": "too long"})
            with pytest.raises(R1Error, match="cannot write the journal"):
                journal.checkpoint(KEY, b"begun and gone on", {})
        assert (tmp_path / "j").stat().st_size == size
        journal.checkpoint(KEY, b"begun and gone on again", {})
        journal.finish(Key("c", 0, "f00d"), {"text": "fits"})
    with Journal(tmp_path / "j") as journal:
        partial = journal.partial(KEY)
        assert partial is not None and partial.text == b"begun and gone on again"
        assert Key("b", 0, "f00d") not in journal and Key("c", 0, "f00d") in journal


def test_a_file_system_without_locks_will_do(tmp_path: Path) -> None:
    program = f"""
import errno, fcntl, os
from r1tool.stream.journal import Journal, Key
def refuse(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
fcntl.flock = refuse
with Journal({str(tmp_path / "j")!r}) as journal:
    journal.finish(Key(*{tuple(KEY)!r}), 1)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    with Journal(tmp_path / "j") as journal:
        assert KEY in journal
