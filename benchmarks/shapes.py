"""Sympy's part of the time of a capture with symbolic sizes: programs of 1000 operations on them.

The stack is looked at every half millisecond: a look is sympy's if sympy's code is nearer to the top than that of
framelift's own expressions. (A profiler that counts calls makes sympy, which is made of small functions, look dearer.)
The first capture of each program is not counted: it imports sympy, and fills caches of operators and code.
"""

from __future__ import annotations

import ast
import signal
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy
import torch
from capture import copy, eager
from timing import Figure, Row

import framelift
import framelift_symbolic_shapes

REPETITIONS = 5
OPERATIONS = 1000
INTERVAL = 0.0005
SYMPY = str(Path(sympy.__file__).parent)
OWN = str(Path(framelift_symbolic_shapes.__file__).parent)
Function = Callable[..., Any]

ARITHMETIC = (
    "k = x.shape[0] * 2 + {i}", "k = k - x.shape[1] * {i}", "if k > x.shape[0] - {i}: k = k + {i}",
    "m = (k + {i}) // 2", "m = m % (x.shape[1] + {i})", "if m == x.shape[0] + {i}: k = k + 1",
    "k = max(k, m) - min(x.shape[0], {i})",
)  # fmt: skip
VIEWS = (
    "y = x.view(x.shape[0] * x.shape[1])", "z = torch.cat([x, x[:x.shape[0] - 1]], 0)", "w = z[{i} % 3:z.shape[0] - 1]",
    "x = y.view(x.shape[1], -1)", "if z.shape[0] > x.shape[1] + {i}: x = x + 1", "x = x.t().contiguous()",
    "v = w.reshape(-1)[:x.shape[1]] + x", "if w.shape[0] * 2 >= x.shape[0] + {i} % 5: x = x * 2",
)  # fmt: skip
LOOP = """
def loop(x):
    total = x.shape[0]
    for i in range(250):
        total = total + x.shape[1] * i
        if total > x.shape[0] * i:
            total = total - i
        x = x + total
    return x
"""


def straight_line(lines: tuple[str, ...]) -> Function:
    """A function of 1000 statements: these in turn, each time with another number."""
    body = [f"    {lines[i % len(lines)].format(i=i)}" for i in range(OPERATIONS)]
    return defined("\n".join(["def straight(x):", *body, "    return x"]))


def defined(source: str) -> Function:
    namespace: dict[str, Any] = {"torch": torch}
    exec(compile(ast.parse(source), "<sizes>", "exec"), namespace)  # noqa: S102 (3000 lines are not worth a file)
    return next(value for name, value in namespace.items() if isinstance(value, types.FunctionType))


CASES = {
    "arithmetic and comparisons": straight_line(ARITHMETIC),
    "view, cat, slice and comparisons": straight_line(VIEWS),
    "a loop with comparisons": defined(LOOP),
}


class Sampler:
    """Looks at the stack at an interval, and counts whose it is."""

    def __init__(self) -> None:
        self.looks = 0
        self.of_sympy = 0

    def look(self, _signal: int, frame: types.FrameType | None) -> None:
        self.looks += 1
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(SYMPY):
                self.of_sympy += 1
                return
            if file.startswith(OWN):
                return
            frame = frame.f_back

    def watch(self, call: Callable[[], object]) -> tuple[float, float]:
        """Return the seconds that sympy takes of a call, and those of the call."""
        self.looks = self.of_sympy = 0
        before = signal.signal(signal.SIGALRM, self.look)
        start = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        try:
            call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        seconds = time.perf_counter() - start
        return seconds * self.of_sympy / max(self.looks, 1), seconds


def measure() -> list[Row]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x = torch.randn(8, 6)
    rows = []
    for name, function in CASES.items():
        expected = function(x)
        taken = []
        for repetition in range(REPETITIONS + 1):
            compiled = framelift.compile(copy(function), backend=eager, dynamic=True, fullgraph=True)
            if repetition == 0:
                torch.testing.assert_close(compiled(x), expected, equal_nan=True)
            else:
                taken.append(Sampler().watch(lambda compiled=compiled: compiled(x)))
        rows.append(Row(name, *[Figure.of(seconds) for seconds in zip(*taken, strict=True)], "≤ 0.1"))
    return rows
