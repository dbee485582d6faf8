"""Backends: what turns a graph into something to call.

A backend is `(gm, example_inputs) -> callable`, exactly as for `torch.compile`. Other distributions add one
through the entry-point group `framelift.backends`; a program adds one through `register_backend`. What is registered
with torch, by torch itself or through the group `torch_dynamo_backends`, can be used by name as well.
"""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from .errors import ConfigurationError, UnknownBackendError
from .inductor import TorchBackend, aot_eager, boundary, inductor, torch_backend_names, torch_entry_points

__all__ = [
    "Backend",
    "call_beginning",
    "compile_graph",
    "configured_backend",
    "eager",
    "list_backends",
    "lookup_backend",
    "register_backend",
]

Backend = Callable[..., Callable[..., Any]]

ENTRY_POINT_GROUP = "framelift.backends"

# The one mutable table of the umbrella: names that this program registered. It holds backends, never captures.
_registered: dict[str, Backend] = {}


def eager(gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
    """Run the graph as it is, operation by operation."""
    return gm.forward


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


_BUILT_IN: dict[str, Backend] = {"aot_eager": aot_eager, "eager": eager, "inductor": inductor}


def register_backend(name: str, backend: Backend) -> None:
    """Make a backend known by name in this program.

    Args:
        name: what `compile(backend=name)` will find.
        backend: `(gm, example_inputs) -> callable`.

    Raises:
        TypeError: `backend` cannot be called.
        ValueError: `name` is taken by another backend.

    >>> register_backend("mine", eager)
    >>> "mine" in list_backends()
    True
    """
    if not callable(backend):
        raise TypeError(f"backend {name!r} must be callable, but is {type(backend).__name__}; pass a function")
    known = _registered.get(name) or _BUILT_IN.get(name)
    if known is not None and known is not backend:
        raise ValueError(f"backend name {name!r} must be new, but is taken by {known!r}; choose another name")
    _registered[name] = backend


def list_backends(exclude_tags: Sequence[str] = ("debug", "experimental")) -> list[str]:
    """Return the names of the backends that can be used, in alphabetical order.

    Args:
        exclude_tags: of the backends that torch registered, leave out those with one of these tags of torch's.

    >>> "eager" in list_backends(), "inductor" in list_backends(), "aot_eager_decomp_partition" in list_backends()
    (True, True, False)
    """
    return sorted({*_own_names(), *torch_backend_names(exclude_tags)})


def _own_names() -> list[str]:
    return [*_BUILT_IN, *_registered, *_entry_points(), *torch_entry_points()]


def lookup_backend(backend: str | Backend) -> Backend:
    """Return the backend of that name, or the callable itself.

    Raises:
        UnknownBackendError: no backend has that name, or it is neither a name nor callable.
    """
    if not isinstance(backend, str):
        if callable(backend):
            return backend
        raise UnknownBackendError(
            f"backend {type(backend).__name__}",
            "must be a name or a callable (gm, example_inputs) -> callable",
            "neither",
            f"known names: {', '.join(list_backends())}",
        )
    found = _registered.get(backend) or _BUILT_IN.get(backend)
    if found is not None:
        return found
    point = _entry_points().get(backend)
    if point is not None:
        loaded: Backend = point.load()
        return loaded
    if backend in torch_entry_points() or backend in torch_backend_names(()):
        return TorchBackend(backend)
    names = list_backends(())
    near = difflib.get_close_matches(backend, names, n=3)
    suggestion = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise UnknownBackendError(
        f"backend {backend!r}", "must be a known name", "unknown",
        f"{suggestion}known names: {', '.join(list_backends())}",
    )  # fmt: skip


def configured_backend(name: str, mode: str | None, options: Mapping[str, Any] | None) -> Backend:
    """Return the backend of that name for a mode and options. The mode "default" is every backend's.

    Raises:
        ConfigurationError: the backend does not take them, or knows no such mode or option.
        UnknownBackendError: no backend has that name.
    """
    found = lookup_backend(name)
    wanted: dict[str, Any] = {"mode": None if mode == "default" else mode, "options": options or None}
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        return found
    if isinstance(found, TorchBackend):
        return found.configured(given.get("mode"), given.get("options"))
    try:
        inspect.signature(found).bind(None, (), **given)
    except TypeError:
        raise ConfigurationError(
            " and ".join(given), "goes with a backend that takes it", f"backend={name!r}",
            "drop it, or use backend='inductor'",
        ) from None  # fmt: skip
    return functools.partial(found, **given)


def compile_graph(backend: Backend, gm: torch.fx.GraphModule, example_inputs: Sequence[Any]) -> Callable[..., Any]:
    """Compile a captured graph; a `CompiledGraph` where the backend assumed more than the capture did.

    Args:
        backend: what compiles it.
        gm: the graph.
        example_inputs: its inputs in the call that was captured.
    """
    if backend is eager or isinstance(backend, TorchBackend):
        return backend(gm, list(example_inputs))
    compiled: Callable[..., Any] = boundary().compile_foreign(gm, example_inputs, backend)
    return compiled


def call_beginning(backend: Backend) -> Callable[[], object] | None:
    """Return what a backend wants called when a call of the user's begins; None if it does not care."""
    return backend.begins() if isinstance(backend, TorchBackend) else None
