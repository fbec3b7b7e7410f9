#!/usr/bin/env bash
# install_sglang_cpu.sh: a real SGLang on the CPU for the test marked `sglang`, which is skipped without it.
# Optional, and not in CI: no CPU build is published, so this pins versions, leaves the CUDA packages out and puts stubs
# in place of two. Into $R1TOOL_TEST_ENGINES/sglang (default ~/.cache/r1tool-tests/sglang), about 3.3 GB.
source "$(dirname "$0")/venv.sh" sglang
VERSION=0.5.23
[ ! -e "$venv/.complete-$VERSION" ] || exit 0
new_venv
"${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0
"${pip[@]}" --no-deps sglang==$VERSION triton xgrammar==0.2.7 torchvision==0.28.0
"$venv/bin/python" - > "$venv/requirements.txt" <<'PY'
import importlib.metadata
import re
from pip._vendor.packaging.requirements import Requirement

CUDA = r"cuda|nvidia|nvshmem|flash|humming|quack|sgl-|sglang-kernel|tilelang|torch|xgrammar|kernels|smg-|tml-|decord|deepseek-recipe"
for text in importlib.metadata.requires("sglang"):
    wanted = Requirement(text)
    if re.match(CUDA, wanted.name) or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
        continue
    wanted.marker = None
    print(wanted)
PY
"${pip[@]}" -r "$venv/requirements.txt"
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo 'def get_meta_lib(): return None' > "$site/torchvision/_meta_registrations.py"
mkdir -p "$site/sgl_kernel"
cp "$here/sgl_kernel_stub.py" "$site/sgl_kernel/__init__.py"
touch "$venv/.complete-$VERSION"
