"""An engine is one file and one line of the table: nothing else knows its name."""

import ast
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

import r1tool
from r1tool.client.capabilities import learn_template
from r1tool.client.continuation import continuation
from r1tool.client.endpoint import Endpoint
from r1tool.client.request import Request
from r1tool.engines.engine import Engine, MetricNames, ServerSpec
from r1tool.engines.table import ENGINES, UNKNOWN
from r1tool.errors import R1Error
from r1tool.serving.identify import identify
from r1tool.serving.launch import choose, make_servers
from r1tool.serving.metrics import Metrics, read_metrics
from r1tool.serving.options import ServingOptions

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
if sys.argv[2] == "broken":
    sys.exit("ToyPanic: the spring of gear 7 is broken")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def command(spec: ServerSpec) -> list[str]:
    return [sys.executable, "-c", SERVER, str(spec.port), str(spec.model), *spec.arguments]


TOY = Engine(
    "toy",
    owned_by="toymaker",
    version_route=("/about", "release"),
    metrics=MetricNames("toy:running", "toy:queue", ("toy:memory",), "toy:written"),
    continues_by=("apply-template",),
    command=command,
    served_model=lambda model, arguments: f"toy of {model}",
    uses_gpus=False,
    default_model="bear",
    ready_path="/up",
    signatures=[(r"spring of gear (?P<gear>\d+) is broken", "wind up gear {gear}")],
)


@pytest.fixture(autouse=True)
def _in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, TOY.name, TOY)


def application(mark: str) -> web.Application:
    """A running toy, of which /v1/models says that it is of `mark`."""

    async def models(request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "bear", "owned_by": mark, "max_model_len": 99}]})

    async def about(request: web.Request) -> web.Response:
        return web.json_response({"release": "1.5"})

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(text="toy:running 3\ntoy:queue 4\ntoy:memory 0.5\ntoy:read 10\ntoy:written 20\n")

    async def template(request: web.Request) -> web.Response:
        (message,) = (await request.json())["messages"]
        return web.json_response({"prompt": f"<{message['content']}><think>\n"})

    app = web.Application()
    app.router.add_get("/v1/models", models)
    app.router.add_get("/about", about)
    app.router.add_get("/metrics", metrics)
    app.router.add_post("/apply-template", template)
    return app


async def at_url(work: Any, mark: str = "toymaker") -> Any:
    """What `work` makes of the address of a running toy."""
    runner = web.AppRunner(application(mark))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        return await work(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


def test_it_is_started_by_its_name() -> None:
    options = ServingOptions(engine="toy", engine_arguments=["--loud"])
    assert choose(options) is TOY
    (server,) = make_servers(options)
    assert (server.name, server.engine, server.model) == ("toy", TOY, "toy of None")

    async def life() -> None:
        await server.start()
        await server.stop()

    asyncio.run(life())
    assert "--loud" in server.log.read_text()
    with pytest.raises(R1Error, match="the toy engine has no reward model; use --url, or --engine vllm or sglang"):
        make_servers(options, runner="reward")
    with pytest.raises(R1Error, match="--gpus does not apply to the toy engine"):
        choose(ServingOptions(engine="toy", gpus="0"))


def test_its_last_words_become_its_sentence(tmp_path: Path) -> None:
    (server,) = make_servers(ServingOptions(engine="toy", model="broken", server_log=str(tmp_path / "log")))
    with pytest.raises(R1Error, match="toy did not start: wind up gear 7; see"):
        asyncio.run(server.start())


def test_it_is_recognised_and_its_metrics_are_read() -> None:
    async def work(url: str) -> tuple[Any, Metrics | None]:
        async with ClientSession() as session:
            who = await identify(session, url)
            return who, await read_metrics(session, url, who.engine)

    assert asyncio.run(at_url(work)) == ((TOY, "1.5", "bear", 99), Metrics(3, 4, 0.5, 20))
    assert asyncio.run(at_url(work, "nobody")) == ((UNKNOWN, None, "bear", 99), None)


def test_a_text_is_continued_its_way() -> None:
    async def work(url: str) -> tuple[str, dict[str, Any]] | None:
        endpoint = Endpoint(url)
        endpoint.identity = endpoint.identity._replace(engine=TOY)
        request = Request(messages=[{"role": "user", "content": "2 + 2?"}])
        request.append("<think>\nIt is")
        try:
            await learn_template(endpoint)
            return await continuation(endpoint, request)
        finally:
            await endpoint.close()

    assert asyncio.run(at_url(work)) == ("/v1/completions", {"prompt": "<2 + 2?><think>\nIt is"})


def test_the_option_offers_it() -> None:
    script = (
        "import sys; from r1tool.engines.engine import Engine; from r1tool.engines.table import ENGINES\n"
        "ENGINES['toy'] = Engine('toy', command=lambda spec: [])\n"
        "from r1tool.cli import main; sys.argv = ['r1tool', 'sample', '--engine', 'none']; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    for name in ("auto", "vllm", "sglang", "embedded", "toy"):
        assert f"'{name}'" in done.stderr


def literals(file: Path) -> Iterator[ast.Constant]:
    """The string constants of a file but for docstrings and other bare strings."""
    tree = ast.parse(file.read_text())
    bare = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in bare:
            yield node


def test_no_engine_is_named_outside_its_file() -> None:
    root = Path(r1tool.__file__).parent
    names = {engine.name for engine in ENGINES.values()} | {str(engine.owned_by) for engine in ENGINES.values()}
    titles = [engine.title for engine in ENGINES.values() if engine.title]
    found = [
        f"{file.relative_to(root)}:{node.lineno}: {node.value!r}"
        for file in root.rglob("*.py")
        if file.parent.name != "engines"
        for node in literals(file)
        if (str(node.value).partition(":")[0].strip().casefold() in names and " " not in str(node.value))
        or (file.parent.name != "commands" and any(title in str(node.value) for title in titles))
    ]
    assert not found
