"""The time of a warm capture: the first call of a function that no tool has seen, after another of its kind.

Each repetition compiles a new copy of the code object, so that nothing is found in a cache of captures; what a tool
caches of operators and code stays warm, as in a program that compiles many functions.
"""

from __future__ import annotations

import ast
import dataclasses
import types
from collections.abc import Callable
from typing import Any

import torch
from timing import Figure, Row, timed
from torch import nn

import framelift

REPETITIONS = 5
OPERATIONS = ("x + y", "x * y", "x.relu()", "torch.sin(x)")
Function = Callable[..., Any]


def eager(gm: torch.fx.GraphModule, example_inputs: object) -> Function:
    return gm.forward


def straight_line(operations: int) -> Function:
    """A function of that many assignments, one operation each."""
    body: list[ast.stmt] = []
    for index in range(operations):
        body += ast.parse(f"x = {OPERATIONS[index % len(OPERATIONS)]}").body
    tree = ast.parse("def straight(x, y):\n    return x")
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    function.body[:0] = body
    for line, statement in enumerate(function.body, start=2):
        ast.increment_lineno(statement, line - statement.lineno)
    namespace: dict[str, Any] = {"torch": torch}
    exec(compile(tree, "<straight line>", "exec"), namespace)  # noqa: S102 (3000 lines are not worth a file)
    return namespace["straight"]  # type: ignore[no-any-return]


def loop(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    for _ in range(1000):
        x = x + y
    return x


def layers(count: int) -> Function:
    module = nn.Sequential(*[layer for _ in range(count) for layer in (nn.Linear(8, 8), nn.ReLU())])

    def call(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return module(x) + y

    return call


def copy(function: Function) -> Function:
    """The same function with a code object of its own, to which no cache has an entry."""
    assert isinstance(function, types.FunctionType)
    code = function.__code__.replace()
    return types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    function: Function
    operations: int


CASES = [
    *(Case(f"{n} operations in a line", straight_line(n), n) for n in (100, 1000, 3000)),
    Case("a loop of 1000 operations", loop, 1000),
    Case("Sequential of 100 Linear and ReLU", layers(100), 200),
]


def measure() -> list[Row]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = torch.randn(2, 8), torch.randn(2, 8)
    rows = []
    for case in CASES:
        expected = case.function(x, y)
        taken: dict[Function, list[float]] = {framelift.compile: [], torch.compile: []}
        for repetition in range(REPETITIONS + 1):
            for tool, seconds in taken.items():
                compiled = tool(copy(case.function), backend=eager, fullgraph=True)
                if repetition == 0:
                    torch.testing.assert_close(compiled(x, y), expected, equal_nan=True)
                else:
                    seconds.append(timed(lambda compiled=compiled: compiled(x, y)))
        ours, theirs = (Figure.of(seconds) for seconds in taken.values())
        rows.append(Row(case.name, ours, theirs, "≤ 0.5"))
    return rows


def growth(rows: list[Row]) -> list[tuple[str, float]]:
    """Seconds an operation of each straight line: equal figures are linear growth."""
    lines = [(case, row) for case, row in zip(CASES, rows, strict=True) if case.name.endswith("in a line")]
    return [(case.name, row.framelift.minimum / case.operations) for case, row in lines]
