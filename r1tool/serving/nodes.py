"""One server over several nodes of a Slurm allocation: one rank a node, started by srun."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence

from r1tool.errors import USAGE, R1Error
from r1tool.serving import reaper


def allocated() -> list[str]:
    """The nodes of the Slurm allocation we are in. Raises R1Error outside of one."""
    nodes = os.environ.get("SLURM_JOB_NODELIST")
    if not nodes or not shutil.which("srun"):
        raise R1Error(
            "--nodes above 1 needs a Slurm allocation (sbatch, salloc); elsewhere, start a server and give its --url",
            USAGE,
        )
    done = subprocess.run(["scontrol", "show", "hostnames", nodes], capture_output=True, text=True, check=False)
    if done.returncode:
        raise R1Error(f"scontrol cannot list the nodes of {nodes}: {done.stderr.strip()}")
    return done.stdout.split()


def share(replicas: int, each: int) -> list[list[str]]:
    """The nodes of each replica, the first of them its head."""
    nodes = allocated()
    if len(nodes) < replicas * each:
        need = f"{replicas} x {each}" if replicas > 1 else str(each)
        raise R1Error(f"--nodes and --replicas need {need} nodes, but the allocation has {len(nodes)}", USAGE)
    return [nodes[index * each : (index + 1) * each] for index in range(replicas)]


def is_here(node: str) -> bool:
    """Whether this process runs on `node`."""
    return node == (os.environ.get("SLURMD_NODENAME") or socket.gethostname().partition(".")[0])


def address(node: str) -> str:
    """Where the ranks find `node`: Slurm's own address of it, which need not be its name."""
    done = subprocess.run(["scontrol", "show", "node", node, "-o"], capture_output=True, text=True, check=False)
    fields = dict(field.partition("=")[::2] for field in done.stdout.split())
    return fields.get("NodeAddr") or node


def command(nodes: Sequence[str], rank: Sequence[str]) -> list[str]:
    """srun of `rank` on each of `nodes`, every line of their output marked with the rank.

    A reaper on each node ends the rank when srun is gone; one rank's end ends the others.
    """
    srun = ["srun", f"--nodes={len(nodes)}", f"--ntasks={len(nodes)}", "--ntasks-per-node=1"]
    srun += [f"--nodelist={','.join(nodes)}", "--label", "--kill-on-bad-exit=1", "--cpu-bind=none", "--overlap"]
    return [*srun, sys.executable, "-P", reaper.__file__, *rank]
