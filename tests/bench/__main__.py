"""Every bench_*.py in turn, or those named: `python -m tests.bench [streams ...]`."""

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run each in a process of its own; exit 1 if one fails."""
    wanted = {f"bench_{name}" for name in sys.argv[1:]}
    failed = False
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        if not wanted or path.stem in wanted:
            print(f"== {path.stem.removeprefix('bench_')}", flush=True)
            failed |= bool(subprocess.run([sys.executable, path], check=False).returncode)
            print(flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
