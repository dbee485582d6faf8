"""What a program waits for at first, after `import torch`, each in a new process: the import, and the first call too.

python benchmarks/import_time.py framelift           # one measurement of the import, printed in seconds
python benchmarks/import_time.py framelift called    # of the import and of a first call
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

from timing import Figure, Row, timed

REPETITIONS = 5
PACKAGES = {"framelift": "framelift", "torch._dynamo": "torch"}
"""What is imported, and the module whose `compile` is called."""


def in_a_new_process(*arguments: str) -> float:
    command = [sys.executable, __file__, *arguments]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def compared(case: str, target: str, *more: str) -> Row:
    taken: dict[str, list[float]] = {name: [] for name in PACKAGES}
    for name in PACKAGES:
        in_a_new_process(name, *more)  # so that every file is in the page cache and compiled
    for _ in range(REPETITIONS):
        for name, seconds in taken.items():
            seconds.append(in_a_new_process(name, *more))
    ours, theirs = (Figure.of(seconds) for seconds in taken.values())
    return Row(case, ours, theirs, target)


def measure() -> list[Row]:
    return [
        compared("import after torch", "< 0.3 s"),
        compared("import after torch, and a first call", "≤ 1", "called"),
    ]


def function(x: Any) -> Any:
    return x.sin() + 1


def start(name: str, *, called: bool) -> None:
    importlib.import_module(name)
    if called:
        compiled = importlib.import_module(PACKAGES[name]).compile(function, backend="eager")
        compiled(sys.modules["torch"].ones(3))


if __name__ == "__main__":
    importlib.import_module("torch")
    print(timed(lambda: start(sys.argv[1], called="called" in sys.argv[2:])))
