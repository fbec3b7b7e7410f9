"""The client from Python, as judge and rank use it, and rows put through asynchronous work."""

import asyncio
import random
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from harness.cli import command
from harness.fake_openai import Running, pieces

from r1tool.client.client import Client, connect
from r1tool.client.failures import GivenUp, Refused
from r1tool.client.options import ClientOptions
from r1tool.client.request import Request
from r1tool.client.sse import EventBuffer
from r1tool.errors import BadRow, R1Error
from r1tool.records.row import Row
from r1tool.serving.launch import urls
from r1tool.serving.options import ServingOptions
from r1tool.stream.concurrent import map_rows, run_async
from r1tool.stream.journal import Journal, Key
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage

MESSAGES = [{"role": "user", "content": "2 + 2?"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with Running(engine="sglang") as running:
        yield running


def ask(*urls: str, work: Any, options: ClientOptions | None = None, notes: list[str] | None = None) -> Any:
    """Run `work(client)` on the servers at `urls`."""

    async def main() -> Any:
        said = notes.append if notes is not None else print
        async with connect(ServingOptions(urls=list(urls)), options or ClientOptions(), None, note=said) as client:
            await client.ready()
            return await work(client)

    return run_async(main())


def test_what_stands_behind_a_url_is_known_once_connected(server: Running) -> None:
    async def work(client: Client) -> tuple[str, str | None, str | None]:
        return client.engine.name, client.balancer.endpoints[0].identity.version, client.served_model

    assert ask(server.url, work=work) == ("sglang", "9.9", "fake")


def test_chat_and_complete(server: Running) -> None:
    async def work(client: Client) -> Any:
        sampling = {"seed": 3, "temperature": 0.0, "max_tokens": 1000}
        return await asyncio.gather(client.chat(MESSAGES, **sampling), client.complete("2 + 2 =", **sampling))

    chat, complete = ask(server.url, work=work)
    assert chat.text == complete.text == server.text(3)
    assert chat.finish_reason == "stop" and chat.completion_tokens == len(pieces(server.text(3)))
    assert chat.seed == 3 and chat.model == "fake" and chat.gpu_seconds > 0


def test_any_route_can_be_posted_to_and_is_retried() -> None:
    with Running(engine="sglang", failures={"503": 0.5}) as busy:

        async def work(client: Client) -> list[Any]:
            return await asyncio.gather(*(client.post("/classify", {"text": "x" * n}) for n in range(20)))

        answers = ask(busy.url, work=work)
    assert [answer[0]["embedding"][0] for answer in answers] == [float(n) for n in range(20)]


def test_failures_are_bad_rows(server: Running) -> None:
    with Running(refuse="2 + 2", failures={"500": 1.0}) as strict:

        async def refused(client: Client) -> None:
            await client.chat(MESSAGES)

        async def given_up(client: Client) -> None:
            await client.chat([{"role": "user", "content": "else"}])

        with pytest.raises(Refused, match="maximum context length"):
            ask(strict.url, work=refused)
        with pytest.raises(GivenUp, match="gave up after 1 failure;"):
            ask(strict.url, work=given_up, options=ClientOptions(retries=0))
    assert issubclass(Refused, BadRow) and issubclass(GivenUp, BadRow)


def test_nobody_at_the_url_is_said_in_one_sentence() -> None:
    async def work(client: Client) -> None:
        raise AssertionError

    with pytest.raises(R1Error, match=r"no server at http://127.0.0.1:9"):
        ask("http://127.0.0.1:9", work=work, options=ClientOptions(stall_timeout=1))


def test_a_server_that_joins_late_gets_its_share(server: Running) -> None:
    with Running(engine="vllm", pause=0.01, slots=2) as first, Running(engine="vllm") as late:
        late.kill()

        async def work(client: Client) -> None:
            tasks = [asyncio.create_task(client.chat(MESSAGES, seed=n)) for n in range(40)]
            await asyncio.sleep(0.5)
            await asyncio.to_thread(late.start)
            await asyncio.gather(*tasks)

        ask(first.url, late.url, work=work, options=ClientOptions(concurrency=4))
        assert len(late.counters["finished"]) > 5


def test_requests_in_flight_stay_within_the_limit() -> None:
    with Running(engine="vllm", pause=0.002) as busy:

        async def work(client: Client) -> None:
            await asyncio.gather(*(client.chat(MESSAGES, seed=n) for n in range(60)))

        ask(busy.url, work=work, options=ClientOptions(concurrency=7))
        assert busy.counters["peak"] == 7


def test_auto_concurrency_says_what_it_settled_on() -> None:
    notes: list[str] = []
    with Running(engine="vllm", pause=0.02, slots=20, thinking=200) as busy:

        async def work(client: Client) -> None:
            tasks = [asyncio.create_task(client.chat(MESSAGES, seed=n)) for n in range(400)]
            for _ in range(300):
                await asyncio.sleep(0.1)
                if notes:
                    break
            assert 20 <= client.capacity <= 30
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        ask(busy.url, work=work, notes=notes)
    assert "concurrency limited to" in notes[0] and "waiting queue" in notes[0]


def test_events_are_put_together_however_they_are_cut() -> None:
    draw = random.Random(0)
    events = [f'{{"n": {n}, "text": "é\\n"}}'.encode() for n in range(50)]
    stream = b": ping\r\n\r\n" + b"".join(b"data: " + event + draw.choice([b"\n\n", b"\r\n\r\n"]) for event in events)
    for _ in range(50):
        buffer, got, place = EventBuffer(), [], 0
        while place < len(stream):
            size = draw.randint(1, 40)
            got += buffer.feed(stream[place : place + size])
            place += size
        assert got == events


def chat(server: Running, options: ClientOptions | None = None, seed: int = 3) -> Any:
    """The answer of `server` to one question."""

    async def work(client: Client) -> Any:
        return await client.chat(MESSAGES, seed=seed)

    return ask(server.url, work=work, options=options)


@pytest.mark.parametrize("ending", ["drop", "hang", "cut"])
def test_an_answer_is_whole_once_its_finish_reason_has_come(ending: str) -> None:
    with Running(engine="vllm", ending=ending) as server:
        reply = chat(server, ClientOptions(retries=0, stall_timeout=30))
        assert reply.text == server.text(3) and reply.completion_tokens == len(pieces(server.text(3)))
        assert server.counters["started"] == {"3": 1}


def test_only_a_finish_reason_that_is_known_ends_an_answer() -> None:
    with Running(engine="openai", finish="eos_token") as server:
        assert chat(server).finish_reason == "stop"
    with Running(engine="openai", finish="abort") as server:
        with pytest.raises(GivenUp, match="the stream ended with finish_reason 'abort'"):
            chat(server, ClientOptions(retries=1))
        assert server.counters["started"] == {"3": 2}


@pytest.mark.parametrize("parser", [False, True])
def test_a_server_that_does_not_stream_is_understood(parser: bool) -> None:
    with Running(engine="openai", streams=False, parser=parser, thinking=2000) as server:
        reply = chat(server, ClientOptions(retries=0))
        assert reply.text.split() == server.text(3).split()
        assert reply.completion_tokens == len(pieces(server.text(3)))
        assert 0.9 * reply.completion_tokens < reply.thinking_tokens < reply.completion_tokens

        async def complete(client: Client) -> Any:
            return await client.complete("2 + 2 =", seed=3, max_tokens=4)

        reply = ask(server.url, work=complete)
        assert reply.text == "".join(pieces(server.text(3))[:4]) and reply.finish_reason == "length"


@pytest.mark.parametrize("status", [500, 501, 503])
def test_a_gateway_without_the_routes_of_engines_is_asked_for_them_once(status: int) -> None:
    with Running(engine="openai", probes=status) as gateway:
        assert chat(gateway, ClientOptions(retries=0)).text == gateway.text(3)


def test_an_engine_that_cannot_render_for_a_moment_is_asked_again() -> None:
    with Running(engine="vllm", probes=503) as server:

        async def work(client: Client) -> Any:
            answer = asyncio.create_task(client.chat(MESSAGES, seed=3))
            while not client.retries:
                await asyncio.sleep(0.05)
            await asyncio.to_thread(server.set, probes=0)
            return await answer, client.balancer.endpoints[0].capabilities.rendering

        reply, rendering = ask(server.url, work=work)
        assert reply.text == server.text(3) and rendering == "tokenize"


@pytest.mark.parametrize("status", [402, 405, 407, 451])
def test_a_status_that_no_row_is_to_blame_for_ends_the_run(status: int) -> None:
    with (
        Running(engine="openai", status=status) as server,
        pytest.raises(R1Error, match=f"returned {status}: injected"),
    ):
        chat(server)


def test_a_redirection_is_followed_only_where_it_keeps_the_request(server: Running) -> None:
    for status in (307, 308):
        with Running(engine="openai", status=status, location=server.url) as door:
            assert chat(door).text == server.text(3)
    for status in (301, 302, 303):
        moved = pytest.raises(R1Error, match=f"returned {status}: it moved to {server.url}/.* --url")
        with Running(engine="openai", status=status, location=server.url) as door, moved:
            chat(door)


@pytest.mark.parametrize(("engine", "count"), [("vllm", 1), ("vllm", 4), ("sglang", 4), ("sglang", 7)])
def test_tokens_are_counted_however_many_an_event_carries(engine: str, count: int) -> None:
    with Running(engine=engine, per_event=count, thinking=300) as server:
        tokens = pieces(server.text(3))
        request = Request(messages=MESSAGES, seed=3, max_tokens=len(tokens) - 3)

        async def work(client: Client) -> tuple[int, Any]:
            with suppress(GivenUp):
                await client.generate(request)
            so_far = request.tokens
            await asyncio.to_thread(server.set, failures={})
            return so_far, await client.generate(request)

        server.set(failures={"early": 1.0})
        so_far, reply = ask(server.url, work=work, options=ClientOptions(retries=0))
        assert 0 < so_far < len(tokens) - 3
        assert reply.text == "".join(tokens[:-3]) and reply.completion_tokens == len(tokens) - 3
        end = tokens.index("\n</think>") + 1
        if engine == "sglang":
            assert so_far % count == 0 and end <= reply.thinking_tokens < end + count
        else:  # an estimate
            assert abs(reply.thinking_tokens - end) <= 2 * count


def test_the_name_and_password_of_a_url_are_used_and_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    for name in ("R1TOOL_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    async def work(client: Client) -> Any:
        return await client.chat(MESSAGES, seed=3), client.balancer.endpoints[0].url

    with Running(engine="vllm", login="me:s3c:r/t") as server:
        url = server.url.replace("http://", "http://me:s3c%3Ar%2Ft@")
        reply, shown = ask(url, work=work, notes=notes)
        assert (reply.text, shown) == (server.text(3), server.url)
        with pytest.raises(R1Error, match="401") as refused:
            ask(url.replace("s3c", "s4c"), work=work, notes=notes)
        monkeypatch.setenv("R1TOOL_API_KEY", "key")
        with pytest.raises(R1Error, match="401"):
            ask(url, work=work, notes=notes)
    with pytest.raises(R1Error, match="no server") as gone:
        ask("http://me:s3cret@127.0.0.1:9", work=work, options=ClientOptions(stall_timeout=1), notes=notes)
    with pytest.raises(R1Error, match="not a URL") as wrong:
        urls(ServingOptions(urls=["htp://me:s3cret@127.0.0.1:9"]))
    assert notes and not any(
        re.search("s[34]c", str(said)) for said in (*notes, refused.value, gone.value, wrong.value)
    )


def test_urls_of_the_environment_stand_between_blanks_or_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R1TOOL_URL", "http://a:1,http://b:2/v1, http://c:3/\thttp://d:4")
    assert urls(ServingOptions()) == ["http://a:1", "http://b:2", "http://c:3", "http://d:4"]
    assert urls(ServingOptions(urls=["http://a:1,http://b:2/", "http://c:3"])) == [
        "http://a:1",
        "http://b:2",
        "http://c:3",
    ]


def test_a_checkpoint_before_the_end_of_a_parsed_thought_is_not_damaged_by_the_next(tmp_path: Path) -> None:
    request, key, revision = Request(messages=MESSAGES), Key("id", 0, "sha"), 0
    with Journal(tmp_path / "journal") as journal:
        for reasoning, content in [("Four", None), (" it is.\n\n", None), (None, "\n\nFour."), (None, " Yes.")]:
            request.append(content, reasoning)
            journal.checkpoint(key, request.text, request.state, anew=request.revision != revision)
            revision = request.revision
    assert request.text == b"<think>\nFour it is.\n</think>\n\nFour. Yes."
    with Journal(tmp_path / "journal") as journal:
        kept = journal.partial(key)
        assert kept and kept.text == request.text


def gather(tmp_path: Path, count: int, work: Any, **more: Any) -> tuple[list[int], Stage]:
    """The numbers of the rows that come out of `work`, in their order."""
    out = tmp_path / "out"
    source = (Row({"problem": "p", "n": number}) for number in range(count))
    options = StreamOptions(output=str(out), compress="none", quiet=True, progress=False)
    with Stage("judge", options, source=source) as stage:
        run_async(map_rows(stage, work, **more))
    return [Row.parse(line)["n"] for line in out.read_bytes().splitlines()], stage


async def nap(row: Row) -> Row | None:
    await asyncio.sleep(random.Random(row["n"]).random() / 50)
    return row


def test_filters_keep_the_order_and_samplers_need_not(tmp_path: Path) -> None:
    assert gather(tmp_path, 300, nap, in_flight=32, ordered=True)[0] == list(range(300))
    unordered = gather(tmp_path, 300, nap, in_flight=32, ordered=False)[0]
    assert sorted(unordered) == list(range(300)) and unordered != list(range(300))


def test_rows_under_way_are_bounded(tmp_path: Path) -> None:
    now = most = 0

    async def work(row: Row) -> Row:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await nap(row)
        now -= 1
        return row

    gather(tmp_path, 200, work, in_flight=9, ordered=True)
    assert most == 9


def test_bad_rows_are_rejected_and_none_is_dropped(tmp_path: Path) -> None:
    async def work(row: Row) -> Row | None:
        if row["n"] % 10 == 3:
            raise BadRow("three")
        return None if row["n"] % 10 == 4 else await nap(row)

    numbers, stage = gather(tmp_path, 100, work, in_flight=8, ordered=True)
    assert numbers == [n for n in range(100) if n % 10 not in (3, 4)]
    assert stage.rejected == 10 and stage.status == 1


@pytest.mark.parametrize("ordered", [True, False])
def test_an_error_of_ours_ends_the_run(tmp_path: Path, ordered: bool) -> None:
    async def work(row: Row) -> Row:
        if row["n"] == 50:
            raise R1Error("no server is left")
        return row

    with pytest.raises(R1Error, match="no server is left"):
        gather(tmp_path, 1000, work, in_flight=4, ordered=ordered)


def test_a_read_that_never_returns_does_not_keep_the_process(tmp_path: Path) -> None:
    with Running(engine="vllm") as running:
        line = command("sample", "--url", running.url, "-n", 1, "-o", tmp_path / "out")
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdin
        process.stdin.write(b'{"problem": "p"}\n')
        process.stdin.flush()
        while not running.counters["finished"]:
            time.sleep(0.05)
        process.terminate()
        process.wait(timeout=20)
        assert process.returncode == 143
        process.stdin.close()
