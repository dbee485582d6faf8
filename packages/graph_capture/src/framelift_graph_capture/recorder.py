"""The fx recorder: the graph under construction, its inputs, and the fake value of each node.

It knows `torch.fx` and nothing of Python variables: what becomes a node is decided by the tensor handlers.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.fx
from torch.fx.passes.shape_prop import TensorMetadata

from framelift_guards import Source

__all__ = ["FxRecorder", "GraphInput", "is_taken_back"]

_TAKEN_BACK = "framelift_taken_back"

# Writes that move no version counter: to the statistics of normalisations. What is behind `data` is another such place.
_QUIET = frozenset({"batch_norm", "instance_norm"})

_NOT_IDENTIFIER = re.compile(r"[^0-9a-zA-Z]+")


@dataclasses.dataclass(frozen=True, slots=True)
class GraphInput:
    """A placeholder of the graph, and where entry code finds its value.

    `origin` is a source to fetch, or (for a size computed from symbols) an expression that the caller understands.
    """

    node: torch.fx.Node
    origin: Source | object
    example: object


class FxRecorder:
    """Records calls as nodes of one `torch.fx.Graph`.

    Args:
        user_stack: gives the user's stack, as text, for the node being recorded.

    >>> recorder = FxRecorder(lambda: "")
    >>> x = recorder.placeholder("L['x']", torch.Tensor, "x", torch.ones(2))
    >>> _ = recorder.call(torch.sin, (x,), {}, torch.ones(2))
    >>> recorder.operations
    1
    >>> print(recorder.source(verbose=False))
    def forward(self, L_x_ : torch.Tensor):
        l_x_ = L_x_
        sin = torch.sin(l_x_);  l_x_ = sin = None
    """

    def __init__(self, user_stack: Callable[[], str]) -> None:
        self.graph = torch.fx.Graph()
        self.inputs: list[GraphInput] = []
        self.operations = 0
        self._user_stack = user_stack
        self._named: set[torch.fx.Node] = set()
        self._targets: set[str] = set()

    def placeholder(self, name: str, kind: type | None, origin: object, example: object) -> torch.fx.Node:
        """Add a graph input named after its source, before every operation; `node.meta["origin"]` says where from."""
        target = _NOT_IDENTIFIER.sub("_", name)
        target = self._unique(target if target[:1].isalpha() or target[:1] == "_" else f"arg_{target}")
        previous = self.inputs[-1].node if self.inputs else None
        # After the last input rather than at the end: inputs are met while operations are recorded.
        with self.graph.inserting_before(None if previous is None else previous.next):
            node = self.graph.placeholder(target, type_expr=kind)
        node.meta["example_value"] = example
        node.meta["origin"] = origin
        self._named.add(node)
        self.inputs.append(GraphInput(node, origin, example))
        return node

    def _unique(self, target: str) -> str:
        # `a.b` and `a_b` are one name once they are identifiers.
        made, number = target, 0
        while made in self._targets:
            number += 1
            made = f"{target}_{number}"
        self._targets.add(made)
        return made

    def call(
        self, target: Callable[..., Any] | str, args: tuple[Any, ...], kwargs: dict[str, Any], example: object
    ) -> torch.fx.Node:
        """Record a call of a function, or of the tensor method named `target`; arguments are nodes and constants."""
        kind = "call_method" if isinstance(target, str) else "call_function"
        node = self.graph.create_node(kind, target, args, kwargs)
        node.meta["example_value"] = example
        node.meta["stack_trace"] = self._user_stack()
        self.operations += 1
        return node

    def name(self, node: torch.fx.Node, name: str) -> None:
        """Name a node after the first local variable that it was stored in."""
        if node not in self._named:
            self._named.add(node)
            node._rename(name)

    def mark(self) -> tuple[int, int]:
        """Return a place in the graph, for `take_back`."""
        return sum(node.op != "placeholder" for node in self.graph.nodes), self.operations

    def take_back(self, mark: tuple[int, int]) -> None:
        """Remove all operations since a mark; inputs stay."""
        recorded = self.recorded_since(mark)
        self.operations = mark[1]
        for node in reversed(recorded):
            node.meta[_TAKEN_BACK] = True
            self.graph.erase_node(node)

    def recorded_since(self, mark: tuple[int, int]) -> list[torch.fx.Node]:
        """Return all operations since a mark."""
        return [node for node in self.graph.nodes if node.op != "placeholder"][mark[0] :]

    def calls(self) -> Iterator[torch.fx.Node]:
        """Yield the nodes that call something."""
        return (node for node in self.graph.nodes if node.op not in ("placeholder", "output"))

    def writes_inputs(self) -> bool:
        """Tell whether an operation may write to an input."""
        if any(_version(entry.example) for entry in self.inputs):
            return True
        return any(_writes_quietly(node) for node in self.graph.nodes)

    def source(self, *, verbose: bool = False) -> str:
        """Return the Python of the graph as recorded so far.

        Args:
            verbose: note the type and shape of each value, and the lines of the program.
        """
        if not verbose:
            return self.graph.python_code("self").src.strip()
        # fx prints metadata as `f32[2, 3]`, and the name of the class beside it for tensors that are not torch's own.
        noted = [node for node in self.graph.nodes if isinstance(node.meta.get("example_value"), torch.Tensor)]
        for node in noted:
            fake = node.meta["example_value"]
            stride = fake.stride() if fake.layout is torch.strided else ()
            node.meta["tensor_meta"] = TensorMetadata(
                fake.shape, fake.dtype, fake.requires_grad, stride, None, fake.is_quantized, {}
            )
        try:
            return self.graph.python_code("self", verbose=True).src.strip()
        finally:
            for node in noted:
                del node.meta["tensor_meta"]

    def finish(self, outputs: Iterable[torch.fx.Node]) -> torch.fx.GraphModule:
        """Close the graph: drop inputs that nothing reads, output `outputs` as a tuple, and compile its Python."""
        self.graph.output(tuple(outputs))
        unused = [entry for entry in self.inputs if not entry.node.users]
        self.inputs = [entry for entry in self.inputs if entry.node.users]
        for entry in unused:
            self.graph.erase_node(entry.node)
        return torch.fx.GraphModule({}, self.graph, class_name="GraphModule")

    def __iter__(self) -> Iterator[torch.fx.Node]:
        return iter(self.graph.nodes)


def _version(example: object) -> int:
    return example._version if isinstance(example, torch.Tensor) and not example.is_inference() else 0


def _writes_quietly(node: torch.fx.Node) -> bool:
    if node.target is getattr:
        return node.args[1] == "data"
    return getattr(node.target, "__name__", node.target) in _QUIET


def is_taken_back(node: torch.fx.Node) -> bool:
    """Tell whether an operation was recorded and then removed, so that nothing computes its value."""
    return _TAKEN_BACK in node.meta
