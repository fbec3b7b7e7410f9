"""`sample`: what it asks of a server and what it makes of the answers."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from harness.cli import run
from harness.fake_openai import Running, pieces
from harness.rows import problems, read_rows, seeds

from r1tool import __version__


@pytest.fixture(scope="module")
def vllm() -> Iterator[Running]:
    with Running(engine="vllm") as server:
        yield server


def test_rows_come_back_with_all_columns_of_sample(tmp_path: Path, vllm: Running) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text('{"id": 18446744073709551616, "problem": "2+2?", "answer": "4", "extra": [1, null]}\n')
    done = run("sample", given, "--url", vllm.url + "/v1", "-n", 3, "--seed", 7)
    assert done.returncode == 0, done.stderr
    assert b'"id":18446744073709551616' in done.stdout.replace(b": ", b":")
    (row,) = read_rows(done.stdout)
    expected = seeds(row, 3, seed=7)
    assert row["generations"] == [vllm.text(seed) for seed in expected]
    assert row["finish_reasons"] == ["stop"] * 3
    assert row["is_reasoning_complete"] == [True] * 3
    for counts, text in zip(row["token_counts"], row["generations"], strict=True):
        assert counts["completion"] == len(pieces(text))
        assert counts["thinking"] == len(text.partition("</think>")[0].split()) + 1
        assert counts["prompt"] > 0
    sampling = row["sampling"]
    assert sampling["seeds"] == expected
    assert sampling["engine"] == "vllm" and sampling["engine_version"] == "9.9" and sampling["model"] == "fake"
    assert (sampling["temperature"], sampling["top_p"], sampling["max_tokens"]) == (0.6, 0.95, 16384)
    assert sampling["r1tool"] == __version__ and len(sampling["template_sha"]) == 16
    assert sampling["gpu_seconds"] > 0
    assert "missing" not in sampling
    assert row["extra"] == [1, None]


def test_the_request_is_open_r1s(tmp_path: Path, vllm: Running) -> None:
    done = run("sample", problems(tmp_path / "in", 1), "--url", vllm.url, "-n", 1, "--dry-run")
    body = orjson.loads(done.stdout)
    assert body["messages"] == [
        {
            "role": "user",
            "content": "Please reason step by step, and put your final answer within \\boxed{}.\n\nWhat is 0?",
        }
    ]
    before = len(vllm.counters["bodies"])
    run("sample", problems(tmp_path / "in", 1), "--url", vllm.url, "-n", 1)
    (sent,) = vllm.counters["bodies"][before:]
    del body["route"]
    assert sent == body | {"model": "fake", "stream": True, "stream_options": {"include_usage": True}}
    assert set(sent) - {"stream", "stream_options"} == {
        "model", "messages", "temperature", "top_p", "max_tokens", "seed",
    }  # fmt: skip


def test_template_system_and_completion(tmp_path: Path, vllm: Running) -> None:
    (tmp_path / "template").write_text("Q: {problem} {braces}\nANSWER:")
    common = [problems(tmp_path / "in", 1), "--url", vllm.url, "-n", 1]
    before = len(vllm.counters["bodies"])
    assert (
        run("sample", *common, "--prompt-template", f"@{tmp_path / 'template'}", "--system", "Be brief.").returncode
        == 0
    )
    assert run("sample", *common, "--prompt-template", f"@{tmp_path / 'template'}", "--completion").returncode == 0
    chat, text = vllm.counters["bodies"][before:]
    assert chat["messages"][0] == {"role": "system", "content": "Be brief."}
    assert chat["messages"][1]["content"] == text["prompt"] == "Q: What is 0? {braces}\nANSWER:"
    refused = run("sample", *common, "--prompt-template", "no place for it")
    assert refused.returncode == 2 and b"must contain {problem}" in refused.stderr


def test_problem_field_and_id_field(tmp_path: Path, vllm: Running) -> None:
    (tmp_path / "in").write_text('{"problem": "not this", "text": "this", "key": 5}\n{"text": "no key"}\n')
    done = run("sample", tmp_path / "in", "--url", vllm.url, "-n", 1, "--problem-field", "text", "--id-field", "key")
    assert done.returncode == 1
    (row,) = read_rows(done.stdout)
    assert row["problem"] == "this" and row["sampling"]["seeds"] == seeds({"uuid": "5"}, 1)
    assert b"1 rejected" in done.stderr


@pytest.mark.parametrize(
    ("engine", "template"),
    [
        ("vllm", "opens"),
        ("vllm", "parser"),
        ("sglang", "opens"),
        ("sglang", "parser"),
        ("llamacpp", "opens"),
        ("openai", "opens"),
        ("openai", "plain"),
    ],
)
def test_the_thought_is_put_back_in_front(tmp_path: Path, engine: str, template: str) -> None:
    with Running(engine=engine, opens=template == "opens", parser=template == "parser") as server:
        done = run("sample", problems(tmp_path / "in", 3), "--url", server.url, "-n", 1)
        assert done.returncode == 0, done.stderr
        for row in read_rows(done.stdout):
            (seed,) = seeds(row, 1)
            whole = server.text(seed)
            whole = whole if whole.startswith("<think>") else "<think>" + whole
            assert row["generations"][0].split() == whole.replace("<think>", "<think> ").split()
            assert row["is_reasoning_complete"] == [True]


def test_a_cut_thought_is_marked_though_the_template_swallowed_its_tag(tmp_path: Path) -> None:
    with Running(engine="vllm", opens=True) as server:
        done = run("sample", problems(tmp_path / "in", 2), "--url", server.url, "-n", 2, "--max-tokens", 6)
    assert done.returncode == 0
    for row in read_rows(done.stdout):
        assert row["finish_reasons"] == ["length"] * 2
        assert row["is_reasoning_complete"] == [False] * 2
        assert all(text.startswith("<think>\n") and "</think>" not in text for text in row["generations"])
        assert [(counts["completion"], counts["thinking"]) for counts in row["token_counts"]] == [(6, 6)] * 2


def test_a_refused_row_goes_to_the_rejects_and_is_asked_once(tmp_path: Path) -> None:
    with Running(refuse="What is 1?") as server:
        done = run("sample", problems(tmp_path / "in", 3), "--url", server.url, "-n", 1, "--rejects", tmp_path / "no")
        assert server.counters["requests"]["/v1/chat/completions"] == 3
    assert done.returncode == 1
    assert len(read_rows(done.stdout)) == 2
    (reject,) = [orjson.loads(line) for line in (tmp_path / "no").read_bytes().splitlines()]
    assert reject["line"] == 2 and "maximum context length" in reject["reason"]
    assert reject["row"]["problem"] == "What is 1?" and "generations" not in reject["row"]


def test_rows_that_had_generations_lose_what_was_said_of_them(tmp_path: Path, vllm: Running) -> None:
    given = {
        "problem": "2?", "generations": ["old"], "correctness_math_verify": [True], "correctness_count": 1,
        "messages": [{"role": "user", "content": "2?"}], "source": "kept",
    }  # fmt: skip
    (tmp_path / "in").write_bytes(orjson.dumps(given))
    (row,) = read_rows(run("sample", tmp_path / "in", "--url", vllm.url).stdout)
    assert len(row["generations"]) == 2 and "old" not in row["generations"]
    assert row["source"] == "kept"
    assert not {"correctness_math_verify", "correctness_count", "messages"} & set(row)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--url", "http://127.0.0.1:9", "--stall-timeout", "1"], 1, b"no server at http://127.0.0.1:9 has responded"),
        (["--model", "another"], 1, b"does not exist"),
        (["--until-correct", "1"], 2, b"must be given together"),
        (["--thinking-budget", "20000"], 2, b"less than --max-tokens"),
        (["--demo", "3"], 2, b"not both"),
    ],
)
def test_what_cannot_work_is_said_in_one_sentence(
    tmp_path: Path, vllm: Running, arguments: list[str], status: int, says: bytes
) -> None:
    url = [] if "--url" in arguments else ["--url", vllm.url]
    done = run("sample", problems(tmp_path / "in", 3), *url, *arguments)
    assert done.returncode == status
    assert says in done.stderr and b"Traceback" not in done.stderr


def test_a_key_is_asked_for_and_used(tmp_path: Path) -> None:

    with Running(key="secret") as server:
        given = problems(tmp_path / "in", 1)
        done = run("sample", given, "--url", server.url)
        assert done.returncode == 1 and b"R1TOOL_API_KEY" in done.stderr
        done = run("sample", given, "--url", server.url, OPENAI_API_KEY="secret")
        assert done.returncode == 0, done.stderr


def test_rows_leave_as_they_are_done(tmp_path: Path) -> None:
    """A long problem does not hold up the short ones behind it."""
    with Running(engine="vllm", pause=0.01, thinking=0, answer=300, thinks=False) as server:
        (tmp_path / "in").write_text('{"problem": "long"}\n{"problem": "short", "uuid": "s"}\n')
        done = run("sample", tmp_path / "in", "--url", server.url, "-n", 1)
        assert done.returncode == 0
        assert {row["problem"] for row in read_rows(done.stdout)} == {"long", "short"}


def test_samples_with_an_offset_have_other_seeds(tmp_path: Path, vllm: Running) -> None:
    given = problems(tmp_path / "in", 1)
    (first,) = read_rows(run("sample", given, "--url", vllm.url, "-n", 4).stdout)
    (later,) = read_rows(run("sample", given, "--url", vllm.url, "-n", 2, "--sample-index-offset", 2).stdout)
    assert later["generations"] == first["generations"][2:]


def test_the_embedded_engine_solves_some_of_its_problems() -> None:
    pytest.importorskip("xllamacpp")
    done = run("sample", "--demo", 6, "-n", 2, "--engine", "embedded")
    assert done.returncode == 0, done.stderr
    assert b"demonstration" in done.stderr
    made = read_rows(done.stdout)
    assert len(made) == 6
    assert sum("\\boxed{" in text for row in made for text in row["generations"]) >= 10
    assert all(row["sampling"]["engine"] == "embedded" for row in made)
