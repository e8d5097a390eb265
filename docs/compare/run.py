"""Runs every script of this folder, one after the other, and says which claims still hold.

    python run.py            all of them
    python run.py landscaper all whose name begins so

Exit status 1 if a claim no longer holds, which is what one hopes for after an upgrade of a tool.
"""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SKIPPED = 77


def main():
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    names = sorted(p.name for p in HERE.glob(f"{prefix}*.py") if p.name not in ("common.py", "run.py"))
    ended = {}
    for name in names:
        print(f"\n=== {name}", flush=True)
        # Warnings of the tools about PyTorch's and NumPy's futures would drown the figures.
        ended[name] = subprocess.run([sys.executable, "-W", "ignore", name], cwd=HERE, check=False).returncode
    failed = [name for name, status in ended.items() if status not in (0, SKIPPED)]
    skipped = [name for name, status in ended.items() if status == SKIPPED]
    print(f"\n{len(ended) - len(failed) - len(skipped)} claims hold, {len(failed)} do not: {' '.join(failed)}; "
          f"{len(skipped)} skipped: {' '.join(skipped)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
