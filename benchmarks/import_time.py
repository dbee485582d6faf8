"""The time of `import framelift` after `import torch`, each in a new process, beside that of `import torch._dynamo`.

python benchmarks/import_time.py framelift    # one measurement, printed in seconds
"""

from __future__ import annotations

import importlib
import subprocess
import sys

from timing import Figure, Row, timed

REPETITIONS = 5


def in_a_new_process(module: str) -> float:
    return float(subprocess.run([sys.executable, __file__, module], check=True, capture_output=True, text=True).stdout)


def measure() -> list[Row]:
    taken: dict[str, list[float]] = {"framelift": [], "torch._dynamo": []}
    in_a_new_process("framelift")  # so that every file is in the page cache and compiled
    in_a_new_process("torch._dynamo")
    for _ in range(REPETITIONS):
        for module, seconds in taken.items():
            seconds.append(in_a_new_process(module))
    ours, theirs = (Figure.of(seconds) for seconds in taken.values())
    return [Row("import after torch", ours, theirs, "< 0.3 s")]


if __name__ == "__main__":
    importlib.import_module("torch")
    print(timed(lambda: importlib.import_module(sys.argv[1])))
