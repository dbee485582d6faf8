"""Counts the torch operations of a call: those that ran in its graphs, and those that ran outside."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.fx
import torch.overrides

from framelift_graph_capture.handlers.tensor import METADATA_METHODS, VIEW_ATTRIBUTES
from framelift_guards.torch import OBSERVER

__all__ = ["OperationCounter", "operations_of"]


class OperationCounter(torch.overrides.TorchFunctionMode):
    """While it is active, counts calls of torch functions on this thread, but for those in graphs and in captures.

    A call of a torch function that calls others is one operation, just as it is one node where it is captured. Asking
    a tensor for its shape, dtype or other metadata is none. Guards do not see the mode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outside = 0
        self.runs: dict[torch.fx.GraphModule, int] = {}
        self.operations: dict[torch.fx.GraphModule, int] = {}
        self._passive = False

    @property
    def in_graphs(self) -> int:
        """How many operations ran in graphs: those of each graph as often as it ran."""
        return sum(self.operations[graph] * runs for graph, runs in self.runs.items())

    def counted(self, graph: torch.fx.GraphModule, operations: int, compiled: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs a compiled graph, and counts it.

        Args:
            graph: the graph.
            operations: how many operations it does.
            compiled: what the backend made of it.
        """
        self.operations[graph], self.runs[graph] = operations, 0

        def run(*inputs: Any) -> Any:
            self.runs[graph] += 1
            with self.paused():
                return compiled(*inputs)

        return run

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Count nothing meanwhile; where no other mode was entered since, this one is not even active."""
        before, self._passive = self._passive, True
        depth = torch._C._len_torch_function_stack()
        on_top = depth > 0 and torch._C._get_function_stack_at(depth - 1) is self
        if on_top:
            torch._C._pop_torch_function_stack()
        try:
            yield
        finally:
            if on_top:
                torch._C._push_on_torch_function_stack(self)
            self._passive = before

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if not self._passive and _is_operation(func):
            self.outside += 1
        return func(*args, **(kwargs or {}))


setattr(OperationCounter, OBSERVER, True)


def _is_operation(function: Any) -> bool:
    name = getattr(function, "__name__", "")
    if name in {"__get__", "__set__"}:  # an attribute: of those that are read, views are operations
        return name == "__get__" and getattr(getattr(function, "__self__", None), "__name__", "") in VIEW_ATTRIBUTES
    return name not in METADATA_METHODS and name not in _METADATA


_METADATA = frozenset({"__hash__", "__len__", "_set_grad_enabled", "is_storage", "is_tensor"})


def operations_of(graph: torch.fx.GraphModule) -> int:
    """Return how many torch operations a graph does.

    Nodes that take apart what an operation returned, and those that set torch's grad mode, are none.
    """
    return sum(
        node.op in {"call_function", "call_method", "call_module"}
        and node.target is not torch._C._set_grad_enabled
        and not (node.target is operator.getitem and _is_container(node.args[0]))
        for node in graph.graph.nodes
    )


def _is_container(node: Any) -> bool:
    return isinstance(node, torch.fx.Node) and isinstance(node.meta.get("example_value"), (tuple, list))
