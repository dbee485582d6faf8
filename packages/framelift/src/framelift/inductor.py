"""torch's own compilers as backends: AOTAutograd, Inductor, and whatever else torch has registered by name.

It is the one module that may reach `torch._dynamo`, which those compilers import, and it does so when one is used.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.fx

from .compiled_graph import CompiledGraph
from .errors import ConfigurationError

__all__ = ["TorchBackend", "aot_eager", "boundary", "inductor", "torch_backend_names", "torch_entry_points"]


def boundary() -> Any:
    """Return the module `framelift.boundary`, loaded by use: it reads torch's symbols, and with them comes sympy."""
    return importlib.import_module(".boundary", __package__)


def _compile_with_fakes(
    gm: torch.fx.GraphModule, example_inputs: Sequence[Any], compiler: Callable[..., Any]
) -> CompiledGraph:
    compiled: CompiledGraph = boundary().compile_with_fakes(gm, example_inputs, compiler)
    return compiled


@dataclasses.dataclass(frozen=True)
class TorchBackend:
    """A backend that torch registered, by name.

    Args:
        name: one of `torch_backend_names(exclude_tags=())`.
        patches: what of Inductor's configuration is changed while a graph is compiled; for Inductor alone.

    >>> import torch.fx
    >>> compiled = aot_eager(torch.fx.symbolic_trace(lambda x: (x + 1,)), [torch.ones(2)])
    >>> compiled(torch.zeros(2))
    [tensor([1., 1.])]
    """

    name: str
    patches: tuple[tuple[str, Any], ...] = ()

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> CompiledGraph:
        """Compile a graph for these inputs."""
        found = importlib.import_module("torch._dynamo.backends.registry").lookup_backend(self.name)
        if not self.patches:
            return _compile_with_fakes(gm, example_inputs, found)
        patches = dict(self.patches)
        return _compile_with_fakes(gm, example_inputs, lambda *graph: found(*graph, config_patches=patches))

    def begins(self) -> Callable[[], object] | None:
        """Return what to call when a call of the user's begins: None but for CUDA graphs."""
        return _next_generation if self._uses_cuda_graphs() else None

    def _uses_cuda_graphs(self) -> bool:
        if self.name != "inductor":
            return self.name == "cudagraphs"
        said = dict(self.patches).get("triton.cudagraphs")
        # Read where the user may have set it already: whoever did has imported Inductor's configuration.
        return bool(said) if said is not None else _cuda_graphs_by_default()

    def configured(self, mode: str | None, options: Mapping[str, Any] | None) -> TorchBackend:
        """Return this backend for a mode and options; options win over what the mode says.

        Raises:
            ConfigurationError: there is no such mode or option, or the backend has none.
        """
        if self.name != "inductor":
            raise ConfigurationError(
                "mode" if mode is not None else "options", "goes with a backend that takes it",
                f"backend={self.name!r}", "drop it, or use backend='inductor'",
            )  # fmt: skip
        patches = {**_mode_options(mode), **_checked_options(options or {})}
        return dataclasses.replace(self, patches=tuple(patches.items()))


inductor = TorchBackend("inductor")
"""Compile with Inductor: C++ on a CPU, Triton on an accelerator."""

aot_eager = TorchBackend("aot_eager")
"""Trace forward and backward with AOTAutograd, and run both as they are: to tell its errors from Inductor's."""


def torch_entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    """Return the backends that other distributions offer to `torch.compile`, by name."""
    return {point.name: point for point in importlib.metadata.entry_points(group="torch_dynamo_backends")}


def torch_backend_names(exclude_tags: Sequence[str] = ("debug", "experimental")) -> list[str]:
    """Return the names of the backends that torch has registered.

    Args:
        exclude_tags: leave out those with one of these tags of torch's.

    >>> "inductor" in torch_backend_names(), "aot_eager" in torch_backend_names()
    (True, False)
    """
    names: list[str] = importlib.import_module("torch._dynamo.backends.registry").list_backends(exclude_tags)
    return names


def _mode_options(mode: str | None) -> dict[str, Any]:
    if mode is None:
        return {}
    modes: dict[str, dict[str, Any]] = importlib.import_module("torch._inductor").list_mode_options()
    if mode not in modes:
        raise ConfigurationError("mode", f"must be one of {', '.join(modes)}", repr(mode), _near(mode, modes))
    return modes[mode]


def _checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    if not options:
        return {}
    config = importlib.import_module("torch._inductor.config")
    known = config.get_config_copy()
    checked = {}
    for given, value in options.items():
        name = str(given).replace("-", "_")
        if name not in known:
            raise ConfigurationError(
                f"options[{given!r}]", "must be an option of Inductor (torch._inductor.list_options())", "unknown",
                _near(name, known),
            )  # fmt: skip
        expected = config.get_type(name)
        if isinstance(expected, type) and not isinstance(value, expected):
            raise ConfigurationError(
                f"options[{given!r}]", f"must be of type {expected.__name__}", f"{value!r:.60}",
                f"its default is {known[name]!r:.60}",
            )  # fmt: skip
        checked[name] = value
    return checked


def _near(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else "leave it out"


def _cuda_graphs_by_default() -> bool:
    if not torch.cuda.is_available():
        return False
    return bool(importlib.import_module("torch._inductor.config").triton.cudagraphs)


def _next_generation() -> None:
    # `torch._inductor.cudagraph_trees` reuses the memory of a call's outputs only once this number has moved.
    importlib.import_module("torch._dynamo.mutation_guard").GenerationTracker.generation += 1
