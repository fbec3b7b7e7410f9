"""The client beside a bare aiohttp loop: CPU a streamed request, memory of 2,000 streams, tokens/s beside vLLM's own.

Ratios of CPU time of the asking process alone, import not counted, in one run with the sides taking turns. The server
of the first two writes prepared events one at a time, so that the client wakes as often as with a real one.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REQUESTS = 300
IN_FLIGHT = 50
TOKENS = 200
ROUNDS = 5
STREAMS = 2000
STREAM_TOKENS = 4000
"""Of each of the many streams when its memory is looked at; about 20 KB of text."""
VLLM_REQUESTS = 64
VLLM_TOKENS = 128
VLLM_ROUNDS = 3

EVENT = (
    b'{"id":"chatcmpl-8f0c5c0a2b7d4b0f","object":"chat.completion.chunk","created":1763800000,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":" word%d"},"logprobs":null,"finish_reason":null}]}'
)
LAST = b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
USAGE = b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":%d}}'


def main() -> None:
    """Print one table."""
    print(f"{'':42}{'r1tool':>10}{'beside':>10}{'ratio':>8}")
    with _server() as url:
        ours, bare, whole = (
            statistics.median(side) for side in zip(*(_cpu_round(url) for _ in range(ROUNDS)), strict=True)
        )
        _line(f"CPU ms a request of {TOKENS} tokens, client", ours, bare)
        _line("  the whole command: rows, journal, output", whole, bare)
        memory = json.loads(_side("memory", url))
        _line(f"MB for {STREAMS:,} streams of {STREAM_TOKENS:,} tokens", memory["mb"], 500.0)
    if rates := _vllm():
        _line("tokens/s, real vLLM on this CPU, vllm bench", *rates)
    else:
        print("tokens/s beside vllm bench serve: no vLLM here (tests/engines/install_vllm_cpu.sh)")


def _line(what: str, ours: float, theirs: float) -> None:
    print(f"{what:42}{ours:10.3f}{theirs:10.3f}{ours / theirs:8.3f}")


def _cpu_round(url: str) -> tuple[float, float, float]:
    return float(_side("ours", url)), float(_side("bare", url)), _command(url)


def _side(name: str, url: str) -> str:
    return subprocess.run([sys.executable, __file__, name, url], capture_output=True, text=True, check=True).stdout


def _command(url: str) -> float:
    """CPU ms a request of `r1tool sample`, less what it takes for next to nothing."""
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for rows in (1, REQUESTS // 2):
            given = Path(folder) / f"{rows}.jsonl"
            given.write_text("".join(json.dumps({"problem": f"p{row}"}) + "\n" for row in range(rows)))
            line = [sys.executable, "-m", "r1tool", "sample", str(given), "--url", url, "-n", "2", "-q"]
            line += ["--concurrency", str(IN_FLIGHT), "-o", f"{given}.out"]
            process = subprocess.Popen(line)
            _, status, usage = os.wait4(process.pid, 0)
            assert status == 0
            times.append(usage.ru_utime + usage.ru_stime)
        return (times[1] - times[0]) / (REQUESTS - 2) * 1000


async def _ours(url: str) -> float:
    from r1tool.client.client import connect
    from r1tool.client.options import ClientOptions
    from r1tool.serving.options import ServingOptions

    options = ClientOptions(concurrency=IN_FLIGHT)
    async with connect(ServingOptions(urls=[url], model="m"), options, None, note=print) as client:

        async def ask(number: int) -> None:
            reply = await client.chat([{"role": "user", "content": f"problem {number}"}], max_tokens=TOKENS)
            assert reply.completion_tokens == TOKENS

        await ask(0)
        return await _measure(ask)


async def _bare(url: str) -> float:
    """What one would write by hand: post, cut the stream into events, join the texts."""
    import aiohttp
    import orjson

    turn = asyncio.Semaphore(IN_FLIGHT)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(number: int) -> None:
            body = {"model": "m", "messages": [{"role": "user", "content": f"problem {number}"}], "stream": True}
            texts = []
            async with turn, session.post(f"{url}/v1/chat/completions", data=orjson.dumps(body)) as response:
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        event = orjson.loads(line[6:])
                        if event["choices"]:
                            texts.append(event["choices"][0]["delta"].get("content") or "")
            assert "".join(texts).count("word") == TOKENS

        await ask(0)
        return await _measure(ask)


async def _measure(ask: Any) -> float:
    """CPU ms a request of this process."""
    since = time.process_time()
    await asyncio.gather(*(ask(number) for number in range(REQUESTS)))
    return (time.process_time() - since) / REQUESTS * 1000


async def _memory(url: str) -> str:
    """Memory of the process that holds many streams, each with its text so far."""
    from r1tool.client.client import connect
    from r1tool.client.options import ClientOptions
    from r1tool.client.request import Request
    from r1tool.serving.options import ServingOptions

    options = ClientOptions(concurrency=STREAMS)
    async with connect(ServingOptions(urls=[url], model="m"), options, None, note=print) as client:
        message = [{"role": "user", "content": "hold"}]
        requests = [Request(messages=message, max_tokens=STREAM_TOKENS) for _ in range(STREAMS)]
        tasks = [asyncio.create_task(client.generate(request)) for request in requests]
        while min(request.tokens for request in requests) < STREAM_TOKENS:
            await asyncio.sleep(0.2)
        status = Path("/proc/self/smaps_rollup").read_text()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    match = re.search(r"^Pss:\s+(\d+) kB", status, re.MULTILINE)
    assert match
    return json.dumps({"mb": int(match[1]) / 1000})


async def _serve() -> None:
    """A server of prepared streams: TOKENS events and the end, or STREAM_TOKENS events and no end for "hold"."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)content-length: (\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if b"chat/completions" in head:
                    await _stream(writer, hold=b'"hold"' in body)
                else:
                    data = b'{"data":[{"id":"m","owned_by":"bench"}]}'
                    status = b"200 OK" if b"/v1/models" in head else b"404 Not Found"
                    writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(data), data))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _stream(writer: asyncio.StreamWriter, hold: bool) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    if hold:
        for first in range(0, STREAM_TOKENS, 100):
            writer.write(b"".join(_chunk(EVENT % number) for number in range(first, first + 100)))
            await writer.drain()
        await asyncio.sleep(3600)
    for number in range(TOKENS):
        writer.write(_chunk(EVENT % number))
        await asyncio.sleep(0)
    writer.write(_chunk(LAST) + _chunk(USAGE % TOKENS) + _chunk(b"[DONE]") + b"0\r\n\r\n")
    await writer.drain()


def _chunk(data: bytes) -> bytes:
    event = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(event), event)


class _server:
    def __enter__(self) -> str:
        self.process = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE)
        assert self.process.stdout
        return f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def _vllm() -> tuple[float, float] | None:
    """Tokens/s of ours and of `vllm bench serve`, medians of rounds that each side begins in turn, on one server."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from harness import engines

    if engines.missing():
        return None
    with tempfile.TemporaryDirectory() as folder, engines.vllm_server(Path(folder) / "log") as url:
        _side("vllm", url)  # the first requests of a server are slow
        rates: dict[str, list[float]] = {"ours": [], "theirs": []}
        for turn in range(VLLM_ROUNDS):
            for side in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
                rates[side].append(float(_side("vllm", url)) if side == "ours" else _vllm_bench(url, Path(folder)))
        return statistics.median(rates["ours"]), statistics.median(rates["theirs"])


async def _vllm_ours(url: str) -> float:
    from r1tool.client.client import connect
    from r1tool.client.options import ClientOptions
    from r1tool.serving.options import ServingOptions

    options = ClientOptions(concurrency=VLLM_REQUESTS)
    async with connect(ServingOptions(urls=[url]), options, None, note=print) as client:
        sampling = {"max_tokens": VLLM_TOKENS, "ignore_eos": True, "temperature": 0.6, "top_p": 0.95}
        await client.chat([{"role": "user", "content": "Hello"}], **sampling)
        since = time.monotonic()
        replies = await asyncio.gather(
            *(client.chat([{"role": "user", "content": text}], **sampling) for text in _prompts())
        )
        return sum(reply.completion_tokens for reply in replies) / (time.monotonic() - since)


def _vllm_bench(url: str, folder: Path) -> float:
    from harness import engines

    (folder / "prompts.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in _prompts()))
    line = [engines.PROGRAMS / "vllm", "bench", "serve", "--backend", "openai-chat", "--base-url", url]
    line += ["--endpoint", "/v1/chat/completions", "--model", "smollm2", "--tokenizer", engines.MODEL]
    line += ["--dataset-name", "custom", "--dataset-path", folder / "prompts.jsonl", "--skip-chat-template"]
    line += ["--custom-output-len", str(VLLM_TOKENS), "--num-prompts", str(VLLM_REQUESTS), "--ignore-eos"]
    line += ["--max-concurrency", str(VLLM_REQUESTS), "--temperature", "0.6", "--top-p", "0.95"]
    line += ["--save-result", "--result-filename", folder / "result.json"]
    done = subprocess.run(line, env=engines.environment(), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(json.loads((folder / "result.json").read_text())["output_throughput"])


def _prompts() -> list[str]:
    return [f"Tell me about the number {number} and what is special about it." for number in range(VLLM_REQUESTS)]


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        import uvloop

        side, *arguments = sys.argv[1:]
        sides = {"ours": _ours, "bare": _bare, "memory": _memory, "vllm": _vllm_ours, "serve": _serve}
        result = uvloop.run(sides[side](*arguments))
        if result is not None:
            print(result)
