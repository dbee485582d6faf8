"""Check that this environment can import the given names, and nothing else of what it might hold by mistake.

    python tests/visible.py framelift_guards torch

Candidates are the packages of this repository and torch. Run with each package's environment before its tests.
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    candidates = {path.parent.name for path in ROOT.glob("packages/*/src/*/__init__.py")} | {"torch"}
    declared = set(sys.argv[1:])
    visible = {name for name in candidates if importlib.util.find_spec(name) is not None}
    if visible != declared:
        sys.exit(
            f"environment {sys.prefix} must show exactly what is declared, but"
            f" undeclared are {sorted(visible - declared)} and missing are {sorted(declared - visible)}"
        )
    print(f"visible: {' '.join(sorted(visible))}")


if __name__ == "__main__":
    main()
