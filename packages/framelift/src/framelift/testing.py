"""What a test of compiled code needs: backends that count, a comparison, and a `TestCase` with inline expectations."""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable, Sequence
from typing import Any

import expecttest
import torch

from .backends import lookup_backend

__all__ = ["CompileCounter", "CompileCounterWithBackend", "EagerAndRecordGraphs", "TestCase", "same"]

_OPERATIONS = frozenset({"call_function", "call_method", "call_module"})


class CompileCounterWithBackend:
    """A backend that counts graphs and operations, records the graphs, and compiles with another backend.

    Args:
        backend: the name of the backend that does the work, or the backend itself.

    >>> import framelift
    >>> counter = CompileCounterWithBackend("eager")
    >>> framelift.compile(lambda x: x.sin() + 1, backend=counter)(torch.zeros(2))
    tensor([1., 1.])
    >>> counter.frame_count, counter.op_count
    (1, 2)
    """

    def __init__(self, backend: str | Callable[..., Any]) -> None:
        self.frame_count = 0
        self.op_count = 0
        self.graphs: list[torch.fx.GraphModule] = []
        self._backend = lookup_backend(backend)

    def __call__(self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
        self.frame_count += 1
        self.op_count += sum(node.op in _OPERATIONS for node in gm.graph.nodes)
        self.graphs.append(gm)
        return self._backend(gm, example_inputs)

    def clear(self) -> None:
        """Forget what was counted."""
        self.frame_count = self.op_count = 0
        self.graphs.clear()


class CompileCounter(CompileCounterWithBackend):
    """A backend that counts graphs (`frame_count`) and operations (`op_count`) and runs the graph as it is."""

    def __init__(self) -> None:
        super().__init__("eager")


class EagerAndRecordGraphs(CompileCounterWithBackend):
    """A backend that keeps each graph in `.graphs` and runs it as it is."""

    def __init__(self) -> None:
        super().__init__("eager")


def same(left: object, right: object, *, tolerance: float = 1e-5) -> bool:
    """Say whether two results are equal in type, structure, and, within a tolerance, in tensor values.

    Args:
        left: a result: tensors, containers of them, or plain values.
        right: the result to compare with.
        tolerance: relative and absolute tolerance for floating tensors; NaNs are equal to NaNs.

    >>> same([torch.ones(2), 1], [torch.ones(2), 1]), same((1,), [1])
    (True, False)
    """
    if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
        if left.shape != right.shape or left.dtype != right.dtype or left.device != right.device:
            return False
        if left.is_floating_point() or left.is_complex():
            return torch.allclose(left, right, rtol=tolerance, atol=tolerance, equal_nan=True)
        return torch.equal(left, right)
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k], tolerance=tolerance) for k in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(
            same(a, b, tolerance=tolerance) for a, b in zip(left, right, strict=True)
        )
    return bool(left == right) or _both_nan(left, right)


def _both_nan(left: object, right: object) -> bool:
    return isinstance(left, float) and isinstance(right, float) and math.isnan(left) and math.isnan(right)


class TestCase(expecttest.TestCase, unittest.TestCase):
    """A `unittest.TestCase` with `assertExpectedInline`; `EXPECTTEST_ACCEPT=1` rewrites the expectations."""
