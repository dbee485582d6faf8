"""`python -m framelift_fake_tensors MODULE:FACTORY --input 8,s0,768`: see `--help`."""

from __future__ import annotations

import sys

try:
    from framelift_fake_tensors.command_line import main
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] not in {"rich", "typer"}:
        raise
    sys.exit(
        f"the command line needs {missing.name}, which is not installed: "
        'python -m pip install "framelift-fake-tensors[cli]"'
    )

if __name__ == "__main__":
    main()
