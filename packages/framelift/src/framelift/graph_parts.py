"""Graphs run part by part, where something in them is beyond torch's compilers and has to happen between the parts.

AOTAutograd makes ordinary tensors in a region of inference mode, where eager makes inference tensors, or fails; then
each change of torch's state is made between two parts. It knows the leaves that it is given, and traces through those
that a graph makes. And it fails over the gradient of an LSTM on a CPU: one of the tensors that are saved for it is None
(torch 2.11 to 2.13).
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import Any

import torch.fx

from framelift_graph_capture import STATE_CHANGES, changes_autograd, enters_inference_mode

__all__ = ["needs_parts", "part_by_part"]

Part = Callable[[torch.fx.GraphModule], Callable[..., Any]]


def needs_parts(gm: torch.fx.GraphModule) -> bool:
    """Tell whether something in a graph is beyond torch's compilers.

    >>> needs_parts(torch.fx.symbolic_trace(lambda x: x + 1))
    False
    """
    return any(enters_inference_mode(node) or _is_uncompiled(node) for node in gm.graph.nodes)


def _is_uncompiled(node: torch.fx.Node) -> bool:
    """Tell whether a node runs as it is: it makes a leaf of autograd's, or its gradient cannot be traced."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if changes_autograd(name, node.kwargs.get("requires_grad")):
        return True
    examples = [one.meta.get("example_value") for one in node.all_input_nodes]
    return node.target is torch.lstm and any(isinstance(one, torch.Tensor) and one.requires_grad for one in examples)


def part_by_part(gm: torch.fx.GraphModule, compile_part: Part) -> Callable[..., Any]:
    """Return a graph as a function that runs its parts one after another.

    Args:
        gm: the graph.
        compile_part: makes a function of a part, which is a graph that leaves torch's state as it is.

    >>> run = part_by_part(torch.fx.symbolic_trace(lambda x: (x + 1,)), lambda part: part.forward)
    >>> run(torch.zeros(2))
    (tensor([1., 1.]),)
    """
    steps = [_step(gm, nodes, compile_part) for nodes in _parts(gm)]
    (output,) = gm.graph.find_nodes(op="output")
    placeholders = gm.graph.find_nodes(op="placeholder")

    def run(*inputs: Any) -> Any:
        values = dict(zip(placeholders, inputs, strict=True))
        for step in steps:
            values.update(zip(step.outputs, step.run(*[values[node] for node in step.inputs]), strict=True))
        return torch.fx.node.map_arg(output.args[0], values.__getitem__)

    return run


@dataclasses.dataclass(frozen=True)
class _Step:
    """What runs at once: a function of the values of some nodes that gives those of others."""

    run: Callable[..., Any]
    inputs: tuple[torch.fx.Node, ...]
    outputs: tuple[torch.fx.Node, ...]


def _parts(gm: torch.fx.GraphModule) -> list[list[torch.fx.Node]]:
    """Return the nodes that go together: those of a part, or one that runs as it is."""
    parts: list[list[torch.fx.Node]] = []
    part_of: dict[torch.fx.Node, int] = {}
    joins = False
    for node in gm.graph.nodes:
        if node.op in ("placeholder", "output"):
            continue
        if _is_item(node):  # compilers take tensors, and no containers
            place = part_of[node.args[0]]
        else:
            alone = _is_alone(node)
            if alone or not joins:
                parts.append([])
            place, joins = len(parts) - 1, not alone
        part_of[node] = place
        parts[place].append(node)
    return parts


def _is_item(node: torch.fx.Node) -> bool:
    """Tell whether a node is an item of what another computes."""
    whole = node.args[0] if node.target is operator.getitem else None
    return isinstance(whole, torch.fx.Node) and isinstance(whole.meta.get("example_value"), (list, tuple, dict))


def _is_alone(node: torch.fx.Node) -> bool:
    return node.target in STATE_CHANGES or _is_uncompiled(node)


def _change(node: torch.fx.Node) -> _Step:
    function: Any = node.target

    def run(*inputs: Any) -> tuple[Any]:
        values = dict(zip(node.all_input_nodes, inputs, strict=True))
        return (function(*torch.fx.node.map_arg(node.args, values.__getitem__)),)

    return _Step(run, tuple(node.all_input_nodes), (node,))


def _step(gm: torch.fx.GraphModule, nodes: list[torch.fx.Node], compile_part: Part) -> _Step:
    if nodes[0].target in STATE_CHANGES:
        return _change(nodes[0])
    inside = set(nodes)
    inputs = tuple(dict.fromkeys([one for node in nodes for one in node.all_input_nodes if one not in inside]))
    outputs = tuple([node for node in nodes if any(user not in inside for user in node.users)])
    graph = torch.fx.Graph()
    copies: dict[torch.fx.Node, torch.fx.Node] = {}
    for node in inputs:
        copies[node] = graph.placeholder(node.name)
        copies[node].meta.update(node.meta)
    for node in nodes:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(tuple([copies[node] for node in outputs]))
    part = torch.fx.GraphModule(gm, graph, class_name="Part")
    return _Step(part.forward if _is_uncompiled(nodes[0]) else compile_part(part), inputs, outputs)
