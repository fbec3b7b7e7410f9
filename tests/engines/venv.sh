# venv.sh NAME, sourced by the install scripts: where the engine NAME lives, as $engines and $venv, and its $pip.
set -euo pipefail
unset PYTHONDONTWRITEBYTECODE
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
engines=${R1TOOL_TEST_ENGINES:-${XDG_CACHE_HOME:-$HOME/.cache}/r1tool-tests}
venv=$engines/$1
pip=("$venv/bin/python" -m pip install -q --disable-pip-version-check)
mkdir -p "$engines"

new_venv() {
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv"
}
