"""The added cost of a call: compiled, minus the graph's own forward on the same inputs.

The backend returns `gm.forward`, so that what remains is guards, look-up and entry code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from timing import Figure, Row, interleaved
from torch import Tensor, nn

import framelift

ROUNDS = 40
Compile = Callable[..., Callable[..., Any]]


def one(a: Tensor) -> Tensor:
    return a + 1


def four(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    return a + b + c + d


def sixteen(
    a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, f: Tensor, g: Tensor, h: Tensor,
    i: Tensor, j: Tensor, k: Tensor, l: Tensor, m: Tensor, n: Tensor, o: Tensor, p: Tensor,
) -> Tensor:  # fmt: skip
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p


def listed(xs: list[Tensor]) -> Tensor:
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    return total


def layers(parameters: int) -> nn.Sequential:
    """As many `Linear(8, 8)`, of a weight and a bias each, as hold that many parameters."""
    return nn.Sequential(*[nn.Linear(8, 8) for _ in range(parameters // 2)])


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    subject: Callable[..., Any]
    arguments: tuple[Any, ...]
    target: str


class InputRecorder:
    """A backend whose graphs note what they are called with."""

    def __init__(self) -> None:
        self.inputs: Sequence[Any] = ()

    def __call__(self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
        def noting(*inputs: Any) -> Any:
            self.inputs = inputs
            return gm.forward(*inputs)

        return noting


class Plain:
    """A backend that returns the graph's own forward and keeps it."""

    def __init__(self) -> None:
        self.forwards: list[Callable[..., Any]] = []

    def __call__(self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
        self.forwards.append(gm.forward)
        return gm.forward


def calls(compile_: Compile, case: Case) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return a call of the compiled subject and one of its graph on the same inputs."""
    recorder, plain = InputRecorder(), Plain()
    compile_(case.subject, backend=recorder)(*case.arguments)
    torch.compiler.reset()  # so that the second compilation starts from nothing, and no first one is looked up
    compiled = compile_(case.subject, backend=plain)
    expected = case.subject(*case.arguments)
    torch.testing.assert_close(compiled(*case.arguments), expected)
    (forward,) = plain.forwards
    arguments, inputs = case.arguments, tuple(recorder.inputs)
    return lambda: compiled(*arguments), lambda: forward(*inputs)


def measure() -> list[Row]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tensors = torch.randn(16, 8).unbind()
    cases = [
        Case("1 tensor", one, tensors[:1], "≤ 0.1"),
        Case("4 tensors", four, tensors[:4], "≤ 0.2"),
        Case("16 tensors", sixteen, tensors, "≤ 0.5"),
        Case("list of 16 tensors", listed, (list(tensors),), "≤ 0.5"),
        *(Case(f"module of {n} parameters", layers(n), (torch.randn(2, 8),), "≤ 1") for n in (10, 100, 300)),
    ]
    rows = []
    for case in cases:
        ours, graph_of_ours = calls(framelift.compile, case)
        theirs, graph_of_theirs = calls(torch.compile, case)
        taken = interleaved([ours, graph_of_ours, theirs, graph_of_theirs], ROUNDS)
        added, added_by_torch = Figure.of_difference(*taken[:2]), Figure.of_difference(*taken[2:])
        rows.append(Row(case.name, added, added_by_torch, case.target))
        torch.compiler.reset()
    return rows
