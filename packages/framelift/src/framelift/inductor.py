"""The adapter to torch's own compilers: AOTAutograd and Inductor, for graphs whose sizes are numbers.

It is the one module that may reach `torch._dynamo`, which those compilers import. A graph with symbolic sizes is
compiled once for each set of sizes that they meet: correct, and to be improved by handing the symbols over.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.fx

__all__ = ["aot_eager", "inductor"]

Compiled = Callable[..., Any]


def inductor(
    gm: torch.fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    mode: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Compiled:
    """Compile with Inductor.

    Args:
        gm: the graph.
        example_inputs: its inputs in the call that was captured.
        mode: a name of `torch._inductor.list_mode_options()`.
        options: Inductor's configuration, which wins over the mode's.
    """
    patches = dict(importlib.import_module("torch._inductor").list_mode_options(mode)) if mode else {}
    patches.update(options or {})
    compile_fx = importlib.import_module("torch._inductor.compile_fx").compile_fx
    return _for_sizes(
        gm, example_inputs, lambda graph, inputs: compile_fx(graph, inputs, config_patches=patches or None)
    )


def aot_eager(gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Compiled:
    """Trace forward and backward with AOTAutograd, and run both as they are: to tell its errors from Inductor's."""
    return _for_sizes(gm, example_inputs, importlib.import_module("torch._dynamo.backends.debugging").aot_eager)


def _for_sizes(gm: torch.fx.GraphModule, inputs: Sequence[Any], compiler: Callable[..., Compiled]) -> Compiled:
    if not _symbolic(gm):
        return compiler(_without_fakes(gm), list(inputs))
    compiled: dict[tuple[Any, ...], Compiled] = {}

    def dispatch(*values: Any) -> Any:
        key = tuple([(value.size(), value.stride()) if isinstance(value, torch.Tensor) else value for value in values])
        found = compiled.get(key)
        if found is None:
            found = compiled[key] = compiler(_without_fakes(gm), list(values))
        return found(*values)

    return dispatch


def _symbolic(gm: torch.fx.GraphModule) -> bool:
    """Tell whether an input is a symbolic number, or has a symbolic size."""
    examples = [node.meta.get("example_value") for node in gm.graph.nodes if node.op == "placeholder"]
    return any(
        isinstance(size, (torch.SymInt, torch.SymFloat, torch.SymBool))
        for example in examples
        for size in (example.size() if isinstance(example, torch.Tensor) else (example,))
    )


def _without_fakes(gm: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """Return a copy whose nodes carry no example values: Inductor's passes would take ours for theirs."""
    graph = torch.fx.Graph()
    graph.output(graph.graph_copy(gm.graph, {}))
    for node in graph.nodes:
        node.meta.pop("example_value", None)
    return torch.fx.GraphModule(gm, graph)
