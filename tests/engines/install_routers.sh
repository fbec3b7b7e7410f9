#!/usr/bin/env bash
# install_routers.sh: vLLM's and SGLang's routers, for the tests marked `routers`, which are skipped without them.
# Into $R1TOOL_TEST_ENGINES/routers (default ~/.cache/r1tool-tests/routers), 220 MB; does nothing the second time.
source "$(dirname "$0")/venv.sh" routers
[ ! -e "$venv/.complete" ] || exit 0
new_venv
"${pip[@]}" sglang-router==0.3.2 vllm-router==0.1.17
touch "$venv/.complete"
