"""Tensors that autograd saves for the backward pass, and what a second pass finds of them.

A backward pass frees them, unless it retains the graph. On fakes no operator of a backward pass runs, and nothing is
freed; so which nodes were passed is written down, on the node.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import torch

from framelift_fake_tensors.tensor import FakeTensor, History, Node

__all__ = ["free", "is_freed", "raise_as_eager", "saved_on_the_way"]

_FREED = "framelift_fake_tensors.freed"
_RAW = "_raw_saved_"


def saved_on_the_way(node: Any, until: Iterable[Node]) -> bool:
    """Tell whether a node of autograd, or one that it was computed by, saves a tensor.

    Args:
        node: torch's node of a result.
        until: where to stop: the nodes of what it was computed from.

    >>> x = torch.ones(2, requires_grad=True)
    >>> saved_on_the_way((x * x + 1).grad_fn, ()), saved_on_the_way((x + 1).grad_fn, ())
    (True, False)
    """
    waiting = [node]
    seen: dict[int, Any] = {id(one): one for one in until}  # they must live: an id may be another's afterwards
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen[id(node)] = node
        if _saves(node):
            return True
        waiting += [edge for edge, _ in node.next_functions if not hasattr(edge, "variable")]
    return False


def free(node: Node) -> None:
    """Write down that a backward pass went by a node, and did not retain the graph."""
    if isinstance(node, History):
        node.is_freed = True
    elif not isinstance(node, FakeTensor) and _saves(node):
        _notes(node)[_FREED] = True


def is_freed(node: Node) -> bool:
    """Tell whether a node saved tensors, and a backward pass has freed them."""
    if isinstance(node, History):
        return node.is_freed and node.saves
    return not isinstance(node, FakeTensor) and _FREED in _notes(node)


def raise_as_eager() -> None:
    """Raise what torch raises when it needs tensors that it has freed, by having it do so."""
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch(), torch.enable_grad():
        number = torch.ones((), requires_grad=True)
        product = number * number
        torch.autograd.backward(product)
        torch.autograd.backward(product)


def _notes(node: Any) -> dict[str, Any]:
    notes: dict[str, Any] = node.metadata  # torch's stubs call it a method
    return notes


def _saves(node: Any) -> bool:
    return any(_is_there(node, name) for name in _names(node.__class__))


def _is_there(node: Any, name: str) -> bool:
    try:
        return getattr(node, name) is not None
    except RuntimeError:  # it was written to since, which no gradient is computed from here
        return True


@functools.lru_cache(maxsize=1024)
def _names(kind: type) -> tuple[str, ...]:
    """Return the attributes of a class of nodes that hold one saved tensor each; a user's function has none."""
    if issubclass(kind, torch._C._FunctionBase):
        return ()
    return tuple([name.replace("_raw", "", 1) for name in dir(kind) if name.startswith(_RAW)])
