#!/usr/bin/env bash
# install_routers.sh: vLLM's and SGLang's routers, for the tests marked `routers`, which are skipped without them.
# Into $R1TOOL_TEST_ENGINES/routers (default ~/.cache/r1tool-tests/routers), 220 MB; does nothing the second time.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE
engines=${R1TOOL_TEST_ENGINES:-${XDG_CACHE_HOME:-$HOME/.cache}/r1tool-tests}
venv=$engines/routers
[ ! -e "$venv/.complete" ] || exit 0
mkdir -p "$engines"
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check sglang-router==0.3.2 vllm-router==0.1.17
touch "$venv/.complete"
