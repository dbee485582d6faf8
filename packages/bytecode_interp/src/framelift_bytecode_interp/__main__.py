"""`python -m framelift_bytecode_interp`: see `show --help` and `run --help`."""

from __future__ import annotations

import sys

try:
    from .command_line.app import main
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] not in {"grandalf", "rich", "typer"}:
        raise
    sys.exit(
        f"the command line needs {missing.name}, which is not installed: "
        'python -m pip install "framelift-bytecode-interp[cli]"'
    )

if __name__ == "__main__":
    main()
