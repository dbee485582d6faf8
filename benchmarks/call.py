"""The added cost of a call: compiled, minus the graph's own forward on the same inputs.

The backend returns `gm.forward`, so that what remains is guards, look-up and entry code.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from timing import Figure, Row, interleaved
from torch import Tensor, nn

import framelift

ROUNDS = 200
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


class Block(nn.Module):
    """A block of a transformer, of twelve parameters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(0.1)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.queries_keys_values(self.first(x)).view(batch, length, 3, 2, width // 2)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        x = x + self.dropout(self.out(seen.transpose(1, 2).reshape(batch, length, width)))
        return x + self.dropout(self.mlp(self.second(x)))


def transformer(blocks: int) -> nn.Module:
    return nn.Sequential(*[Block(16) for _ in range(blocks)], nn.LayerNorm(16)).eval()


def named(a: Tensor, mode: str) -> Tensor:
    """Has a specialisation for each `mode`."""
    return a + len(mode)


@dataclasses.dataclass(frozen=True)
class Case:
    """What is compiled, and which calls of it are measured.

    Args:
        name: what the table calls it.
        subject: what is compiled.
        arguments: of one call.
        target: the ratio that is aimed at.
        captured: the arguments of the calls that are captured, in order; those of the one call if there are none.
        in_turn: measure all captured calls in turn, for the time of one.
        guards: how often they are checked.
    """

    name: str
    subject: Callable[..., Any]
    arguments: tuple[Any, ...]
    target: str = ""
    captured: tuple[tuple[Any, ...], ...] = ()
    in_turn: bool = False
    guards: str = "checked"


class InputRecorder:
    """A backend whose graphs note what they are called with, in the order of capture."""

    def __init__(self) -> None:
        self.inputs: list[Sequence[Any]] = []

    def __call__(self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
        index = len(self.inputs)
        self.inputs.append(())

        def noting(*inputs: Any) -> Any:
            self.inputs[index] = inputs
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
    captured = case.captured or (case.arguments,)
    recorded = compile_(case.subject, backend=recorder)
    for arguments in captured:
        recorded(*arguments)
    torch.compiler.reset()  # so that the second compilation starts from nothing, and no first one is looked up
    compiled = compile_(case.subject, backend=plain)
    for arguments in captured:
        torch.testing.assert_close(compiled(*arguments), case.subject(*arguments))
    graphs = list(zip(plain.forwards, recorder.inputs, strict=True))
    assert len(graphs) == len(captured)
    if case.in_turn:
        turns, graphs_in_turn = itertools.cycle(captured), itertools.cycle(graphs)

        def next_graph() -> Any:
            forward, inputs = next(graphs_in_turn)
            return forward(*inputs)

        return lambda: compiled(*next(turns)), next_graph
    arguments = case.arguments
    forward, inputs = graphs[[given is arguments for given in captured].index(True)] if case.captured else graphs[0]
    return lambda: compiled(*arguments), lambda: forward(*inputs)


def specialised(tensor: Tensor) -> list[Case]:
    """Return the cases of a function with one specialisation and with eight, of which the first or the last is hit."""
    modes = tuple([(tensor, "m" * length) for length in range(1, 9)])
    return [
        Case("1 specialisation", named, modes[0], "≤ 0.1", modes[:1]),
        Case("8 specialisations, the first hit", named, modes[0], "≤ 0.1", modes),
        Case("8 specialisations, the last hit", named, modes[-1], "≤ 0.1", modes),
        Case("8 specialisations, in rotation", named, modes[0], "≤ 0.1", modes, in_turn=True),
    ]


def measure() -> list[Row]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tensors = torch.randn(16, 8).unbind()
    cases = [
        Case("1 tensor", one, tensors[:1], "≤ 0.1"),
        Case("4 tensors", four, tensors[:4], "≤ 0.1"),
        Case("16 tensors", sixteen, tensors, "≤ 0.1"),
        Case("list of 16 tensors", listed, (list(tensors),), "≤ 0.1"),
        *(
            Case(f"module of {n} parameters", layers(n), (torch.randn(2, 8),), "≤ 0.5" if n < 100 else "≤ 0.1")
            for n in (10, 100, 300, 1000)
        ),
        Case("transformer of 36 blocks", transformer(36), (torch.randn(1, 4, 16),), "≤ 0.1"),
        *(
            Case(
                f"module of 300 parameters, guards={guards!r}",
                layers(300),
                (torch.randn(2, 8),),
                "≤ 0.1",
                guards=guards,
            )
            for guards in ("sampled", "frozen")
        ),
        *specialised(tensors[0]),
    ]
    rows = []
    for case in cases:
        ours, graph_of_ours = calls(functools.partial(framelift.compile, guards=case.guards), case)
        theirs, graph_of_theirs = calls(torch.compile, case)
        taken = interleaved([ours, graph_of_ours, theirs, graph_of_theirs], ROUNDS)
        added, added_by_torch = Figure.of_difference(*taken[:2]), Figure.of_difference(*taken[2:])
        rows.append(Row(case.name, added, added_by_torch, case.target))
        torch.compiler.reset()
    return rows
