"""Starting model servers: which engine, which command line, which GPUs, and what is said when it fails."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from r1tool.engines import llamacpp, sglang, vllm
from r1tool.engines.engine import ServerSpec
from r1tool.engines.table import ENGINES
from r1tool.errors import R1Error
from r1tool.serving import gpus, launch, logs, metrics, reaper
from r1tool.serving.options import ServingOptions
from r1tool.serving.server import Server

GONE_SECONDS = 15


@pytest.fixture
def fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH with programs named vllm and sglang, for command lines are made only for what is there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("vllm", "sglang"):
        program = folder / name
        program.write_text("#!/bin/sh\nexit 3\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("R1TOOL_URL", raising=False)
    return folder


def kept(*command: str, grace: float = 10.0) -> list[str]:
    """The command line of a keeper that is patient for `grace` seconds."""
    script = "import sys, reaper; reaper.GRACE_SECONDS = float(sys.argv[1]); sys.exit(reaper.main(sys.argv[2:]))"
    return ["env", f"PYTHONPATH={Path(reaper.__file__).parent}", sys.executable, "-c", script, str(grace), *command]


def processes_with(marker: str) -> list[psutil.Process]:
    """Processes whose command line holds `marker`, but for keepers and this one."""
    found = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if marker in line and "sleep" in line[0]:
            found.append(process)
    return found


def wait_for(condition: Callable[[], object], seconds: float = GONE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# Ending what was started


@pytest.mark.parametrize(("script", "status"), [("exit 3", 3), ("kill -9 $$", 137), ("exit 0", 0)])
def test_a_keeper_passes_on_the_exit_status(script: str, status: int) -> None:
    parent = subprocess.Popen(kept("sh", "-c", script), stdin=subprocess.PIPE)
    assert parent.wait() == status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_the_parent_of_a_keeper(number: signal.Signals) -> None:
    """Not even what left the process group, was orphaned, or ignores SIGTERM."""
    marker = f"100{os.getpid()}{number.value}"
    tree = (
        f"setsid sleep {marker} & (setsid sh -c 'trap \"\" TERM; sleep {marker}; sleep {marker}' &) ; sleep {marker}"
    )
    script = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE); time.sleep(1000)"
    parent = subprocess.Popen([sys.executable, "-c", script, *kept("sh", "-c", tree, grace=0.5)])
    assert wait_for(lambda: len(processes_with(marker)) == 3)
    parent.send_signal(number)
    parent.wait()
    assert wait_for(lambda: not processes_with(marker))


def test_a_killed_keeper_takes_its_command_with_it() -> None:
    marker = f"200{os.getpid()}"
    parent = subprocess.Popen(kept("sleep", marker), stdin=subprocess.PIPE)
    assert wait_for(lambda: len(processes_with(marker)) == 1)
    parent.kill()
    parent.communicate()
    assert wait_for(lambda: not processes_with(marker))


# Which engine


def test_auto_is_a_url_then_a_gpu_engine_then_embedded(fake_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert launch.choose(ServingOptions(urls=["http://127.0.0.1:1"])) is None
    assert launch.choose(ServingOptions()) is vllm.ENGINE
    (fake_programs / "vllm").unlink()
    assert launch.choose(ServingOptions()) is sglang.ENGINE
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert launch.choose(ServingOptions()) is llamacpp.ENGINE
    monkeypatch.setenv("R1TOOL_URL", "http://a:1/v1 http://b:2/")
    assert launch.choose(ServingOptions()) is None
    assert launch.urls(ServingOptions()) == ["http://a:1", "http://b:2"]


def test_an_engine_and_a_url_contradict_each_other() -> None:
    with pytest.raises(R1Error, match="not both") as caught:
        launch.choose(ServingOptions(engine="vllm", urls=["http://127.0.0.1:1"]))
    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("useless", "option"),
    [
        ({"gpus": "0-3"}, "--gpus"),
        ({"nodes": 2}, "--nodes"),
        ({"replicas": 2}, "--replicas"),
        ({"engine_arguments": ["--dtype", "auto"]}, "anything after --"),
    ],
)
def test_options_of_own_servers_are_not_ignored_where_there_are_none(useless: dict[str, Any], option: str) -> None:
    with pytest.raises(R1Error, match=f"{option} is only for servers that r1tool starts") as caught:
        launch.choose(ServingOptions(urls=["http://127.0.0.1:1"], **useless))
    assert caught.value.status == 2


def test_asking_for_gpus_where_there_are_none_is_no_demonstration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(R1Error, match="--tp does not apply to the embedded engine"):
        launch.choose(ServingOptions(tp=8))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (ServingOptions(engine="vllm"), "needs --model"),
        (ServingOptions(engine="sglang"), "needs --model"),
        (ServingOptions(engine="vllm", model="m", engine_arguments=["--port", "9155"]), "omit it"),
        (ServingOptions(engine="sglang", model="m", engine_arguments=["--host=0.0.0.0"]), "give --url"),
        (ServingOptions(engine="embedded", engine_arguments=["--port=9155"]), "r1tool chooses the address"),
        (ServingOptions(engine="embedded", model="meta-llama/Llama-3.3-70B-Instruct"), "omit --model"),
        (ServingOptions(engine="vllm", model="m", tp=3, nodes=2), "must be divisible by --nodes"),
        (ServingOptions(engine="vllm", model="m", tp=2, nodes=2), "needs a Slurm allocation"),
        (
            ServingOptions(engine="vllm", model="m", tp=2, replicas=2, gpus="0-2"),
            "too few GPUs.*2 x 2.*there are only 3",
        ),
        (ServingOptions(engine="vllm", model="m", gpus="0-x"), "neither a number nor a range"),
        (ServingOptions(engine="vllm", model="m", gpus="7"), "only 4 GPUs visible"),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_starts(
    options: ServingOptions, says: str, fake_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3")
    monkeypatch.delenv("SLURM_JOB_NODELIST", raising=False)
    with pytest.raises(R1Error, match=says) as caught:
        launch.make_servers(options)
    assert caught.value.status == 2


def test_an_engine_that_is_not_installed_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    for engine in ("vllm", "sglang"):
        with pytest.raises(R1Error, match=rf"pip install 'r1tool\[{engine}\]'"):
            launch.make_servers(ServingOptions(engine=engine, model="m"))


def test_the_embedded_engine_has_no_reward_model() -> None:
    with pytest.raises(R1Error, match="no reward model"):
        launch.make_servers(ServingOptions(engine="embedded"), runner="reward")


# Command lines


def test_the_command_line_of_vllm(fake_programs: Path) -> None:
    plain = vllm.command(ServerSpec("m", 8000))
    assert plain == [str(fake_programs / "vllm"), "serve", "m", "--host", "127.0.0.1", "--port", "8000"]
    full = vllm.command(
        ServerSpec("m", 8000, host="h", reward=True, tp=8, pp=2, arguments=["--max-model-len", "32768"])
    )
    assert " ".join(full).endswith(
        " --runner pooling --tensor-parallel-size 8 --pipeline-parallel-size 2 --max-model-len 32768"
    )


@pytest.mark.parametrize(
    ("version", "knows"), [("0.31.2", False), ("0.32.0+cpu", True), ("1.0.0", True), (None, False)]
)
def test_a_vllm_that_can_end_thoughts_is_told_what_a_thought_is(
    version: str | None, knows: bool, fake_programs: Path
) -> None:
    if version:
        (fake_programs.parent / f"lib/python3.12/site-packages/vllm-{version}.dist-info").mkdir(parents=True)
    serving = ServingOptions(engine="vllm", model="m", engine_arguments=["--dtype", "auto"])
    told = launch.with_thinking_budget(serving, vllm.ENGINE).engine_arguments
    assert told[-2:] == ["--dtype", "auto"]
    assert (told[0] == "--reasoning-config") is knows


def test_the_command_line_of_sglang(fake_programs: Path) -> None:
    full = sglang.command(
        ServerSpec("m", 8000, host="h", reward=True, tp=16, pp=2, arguments=["--context-length", "4096"])
    )
    assert full[0] == str(fake_programs / "python")
    assert " ".join(full[1:]) == (
        "-m sglang.launch_server --model-path m --host h --port 8000 --enable-metrics --is-embedding "
        "--tp-size 16 --pp-size 2 --context-length 4096"
    )


@pytest.mark.parametrize(
    ("over_nodes", "rank", "ends"),
    [
        (vllm.over_nodes, 0, "--nnodes 2 --master-addr head --master-port 29501 --node-rank 0"),
        (vllm.over_nodes, 1, "--nnodes 2 --master-addr head --master-port 29501 --node-rank 1 --headless"),
        (sglang.over_nodes, 0, "--nnodes 2 --dist-init-addr head:29501 --node-rank 0"),
        (sglang.over_nodes, 1, "--nnodes 2 --dist-init-addr head:29501 --node-rank 1"),
    ],
)
def test_each_rank_is_told_its_number(over_nodes: Callable[..., list[str]], rank: int, ends: str) -> None:
    line = over_nodes(["printf", "%s\n", "--port", "8000", "a b"], 2, "head", 29501)
    done = subprocess.run(
        line, env=os.environ | {"SLURM_PROCID": str(rank)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["--port", "8000", "a b", *ends.split()]


def test_replicas_share_the_gpus(fake_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b,GPU-c,GPU-d,GPU-e,GPU-f")
    servers = launch.make_servers(ServingOptions(engine="vllm", model="m", tp=2, replicas=2, gpus="1-4"))
    assert [server._environment for server in servers] == [
        {"CUDA_VISIBLE_DEVICES": "GPU-b,GPU-c"},
        {"CUDA_VISIBLE_DEVICES": "GPU-d,GPU-e"},
    ]
    assert [server.gpus for server in servers] == [2, 2]
    assert len({server.log for server in servers}) == 2


def test_one_server_is_left_to_its_own_choice_of_gpus(fake_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    (server,) = launch.make_servers(ServingOptions(engine="vllm", model="m", tp=2))
    assert server._environment == {}
    assert server.gpus == 2


def test_requests_use_the_name_the_engine_is_told_to_serve(fake_programs: Path) -> None:
    for arguments in (["--served-model-name", "r1"], ["--served-model-name=r1"]):
        (server,) = launch.make_servers(ServingOptions(engine="vllm", model="/m", engine_arguments=arguments))
        assert server.model == "r1"


@pytest.mark.parametrize(("text", "chosen"), [("0", [0]), ("0-3,6", [0, 1, 2, 3, 6]), ("2, 1", [1, 2]), ("1,1", [1])])
def test_lists_of_gpus(text: str, chosen: list[int]) -> None:
    assert gpus.parse(text) == chosen


# Why it has died

VLLM_LOGS = {
    "Free memory on device cuda:0 (10.24/79.11 GiB) on startup is less than desired GPU memory utilization "
    "(0.92, 72.78 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.": (
        "too little GPU memory: cuda:0 has 10.24 of 79.11 GiB free and vLLM wants 72.78 GiB"
    ),
    "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, "
    "which is larger than the available KV cache memory (3.2 GiB). Based on": "131072 tokens needs 16.0 GiB",
    "  Value error, World size (8) is larger than the number of available GPUs (4) in this node. If this is": (
        "too few GPUs: --tp times --pp needs 8, but there are only 4"
    ),
    "  Value error, Total number of attention heads (9) must be divisible by tensor parallel size (2). [type=": (
        "--tp 2 does not divide the model's 9 attention heads"
    ),
    "RuntimeError: Worker failed with error 'Available memory on node 0 (6.7/9.09 GiB) on kv cache allocation is less "
    "than requested memory for kv (900.0 GiB). Decrease": "vLLM wants 900.0 GiB for its KV cache, but only 6.7 GiB",
    "  Value error, User-specified max_model_len (999999) is greater than the derived max_model_len "
    "(max_position_embeddings=8192.0 or model_max_length=None in model's config.json).": "exceeds the model's 8192",
    "OSError: [Errno 98] Address already in use": "its port was taken",
    "vllm serve: error: unrecognized arguments: --no-such-option": "unrecognized arguments: --no-such-option",
    "(APIServer pid=1) WARNING 11-22 [u.py:2] errors like `OSError: [Errno 24] Too many`\n(EngineCore pid=2) ERROR "
    "11-22 [core.py:1] ValueError: Unknown quantization\n(APIServer pid=1) RuntimeError: Engine core initialization "
    "failed. See root cause above. Failed core proc(s): {}": "ValueError: Unknown quantization",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.": "out of GPU memory",
    "huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error.": "no such model",
}


@pytest.mark.parametrize(("text", "says"), VLLM_LOGS.items())
def test_the_last_words_of_vllm_become_one_sentence(text: str, says: str) -> None:
    reason = logs.reason(f"INFO: starting\n{text}\nINFO: stopped\n", vllm.SIGNATURES, 1)
    assert says in reason
    assert "\n" not in reason


def test_the_last_words_of_sglang_become_one_sentence() -> None:
    text = "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static. Current value: 0.2"
    assert "too little GPU memory" in logs.reason(text, sglang.SIGNATURES, 1)


@pytest.mark.parametrize(("status", "says"), [(137, "SIGKILL"), (-11, "SIGSEGV"), (3, "exit status 3: bye")])
def test_an_engine_without_last_words_is_said_to_have_ended(status: int, says: str) -> None:
    assert says in logs.reason("hello\nbye\n", vllm.SIGNATURES, status)


ENGINE_DIES = """
import http.server, os, sys
print("ERROR 11-22 22:31:25 [u.py:2] RuntimeError: no such kernel, another is taken", flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print(sys.argv[1], *([TRACEBACK] * 30_000), LAST, sep="\\n", flush=True)
            os._exit(0)
        self.send_response(200)
        self.end_headers()
TRACEBACK = 'ERROR 11-22 22:33:19 [serving.py:500]   File "vllm/serving.py", line 306\\n' \\
    "ERROR 11-22 22:33:19 [serving.py:500] EngineDeadError: EngineCore encountered an issue. See stack trace (above)"
LAST = "resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked semaphore objects\\n" \\
    "  warnings.warn('resource_tracker: There appear to be %d '"
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""


def death(log: Path, last_words: str, life: Callable[[Server], None] = lambda server: None) -> str:
    """What is said of a server that, after its `life`, writes these words and a traceback for each request."""

    async def live() -> str:
        server = Server(
            "vllm",
            vllm.ENGINE,
            "m",
            lambda port: [sys.executable, "-c", ENGINE_DIES, last_words, str(port)],
            log=log,
            ready_timeout=60,
            version="0",
        )
        await server.start()
        life(server)
        with suppress(OSError):
            await asyncio.to_thread(urllib.request.urlopen, f"{server.url}/die")
        return await server.died()

    return asyncio.run(live())


@pytest.mark.parametrize(
    ("last_words", "says"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "out of GPU memory"),
        ("WARNING 11-22 22:33:19 [core_client.py:817] engine core exited unexpectedly", "one of its processes was"),
        ("RuntimeError: NCCL error: unhandled system error", "RuntimeError: NCCL error: unhandled system error"),
        ("bye", "exit status 0: ERROR 11-22 22:33:19 [serving.py:500] EngineDeadError"),
    ],
)
def test_the_reason_of_a_death_is_found_before_the_tracebacks_of_all_requests(
    last_words: str, says: str, tmp_path: Path
) -> None:
    assert death(tmp_path / "log", last_words).startswith(f"vllm died: {says}")


def test_the_reason_of_a_death_is_found_after_a_long_life(tmp_path: Path) -> None:
    """Also where the tracebacks take so long that the server lives on while it writes them."""

    def life(server: Server) -> None:
        with server.log.open("a") as log:
            for _ in range(5):
                log.write('INFO:     127.0.0.1:46254 - "POST /v1/completions HTTP/1.1" 200 OK\n' * 15_000)
                log.flush()
                server._note_well()
            server._note_well()
            log.write("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n")
            for _ in range(3):
                log.write("ERROR 11-22 22:33:19 [serving.py:500] Traceback (most recent call last):\n" * 40_000)
                log.flush()
                server._note_well()

    assert "out of GPU memory" in death(tmp_path / "log", "bye", life)


# Metrics


@pytest.mark.parametrize(
    ("engine", "text", "expected"),
    [
        (
            "vllm",
            "# HELP vllm:num_requests_running Requests\n"
            'vllm:num_requests_running{engine="0",model_name="m"} 3.0\n'
            'vllm:num_requests_running{engine="1",model_name="m"} 4.0\n'
            'vllm:num_requests_waiting{engine="0",model_name="m"} 1.0\n'
            'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25\n'
            'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.5\n'
            'vllm:prompt_tokens_total{engine="0",model_name="m"} 1.2e+06\n'
            'vllm:generation_tokens_total{engine="0",model_name="m"} 7.0\n',
            metrics.Metrics(7, 1, 0.5, 7),
        ),
        (
            "sglang",
            'sglang:num_running_reqs{model_name="m",tp_rank="0"} 2.0\nsglang:num_queue_reqs{model_name="m"} 5.0\n'
            'sglang:token_usage{model_name="m"} 0.9\nsglang:prompt_tokens_total{model_name="m"} 10\n'
            'sglang:generation_tokens_total{model_name="m"} 20\n',
            metrics.Metrics(2, 5, 0.9, 20),
        ),
        (
            "embedded",
            "llamacpp:requests_processing 1\nllamacpp:requests_deferred 0\nllamacpp:tokens_predicted_total 26\n"
            "llamacpp:prompt_tokens_total 45\n",
            metrics.Metrics(1, 0, None, 26),
        ),
        ("vllm", "go_gc_duration_seconds 1\n", None),
    ],
)
def test_metrics_of_each_engine(engine: str, text: str, expected: metrics.Metrics | None) -> None:
    names = ENGINES[engine].metrics
    assert names
    assert metrics.parse(text, names) == expected
