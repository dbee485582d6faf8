"""Backends: what turns a graph into something to call.

A backend is `(gm, example_inputs) -> callable`, exactly as for `torch.compile`. Other distributions add one
through the entry-point group `framelift.backends`; a program adds one through `register_backend`.
"""

from __future__ import annotations

import difflib
import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import torch

from .errors import UnknownBackendError
from .inductor import aot_eager, inductor

__all__ = ["Backend", "eager", "list_backends", "lookup_backend", "register_backend"]

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


def list_backends() -> list[str]:
    """Return the names of the backends that can be used, in alphabetical order.

    >>> "eager" in list_backends()
    True
    """
    return sorted({*_BUILT_IN, *_registered, *_entry_points()})


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
    names = list_backends()
    near = difflib.get_close_matches(backend, names, n=1)
    suggestion = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownBackendError(
        f"backend {backend!r}", "must be a known name", "unknown", f"{suggestion}known names: {', '.join(names)}"
    )
