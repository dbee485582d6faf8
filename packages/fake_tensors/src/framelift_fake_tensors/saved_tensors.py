"""Tensors that autograd saves for the backward pass, and what a second pass finds of them.

A backward pass frees them, unless it retains the graph. On fakes no operator of a backward pass runs, and nothing is
freed; so which nodes were passed is written down, on the node.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import torch

from framelift_fake_tensors.tensor import FakeTensor, History, Memory, Node, make_fake, raw_version

__all__ = ["free", "is_freed", "raise_as_eager", "refuse_written", "saved_on_the_way"]

_FREED = "framelift_fake_tensors.freed"
_RAW = "_raw_saved_"


def saved_on_the_way(node: Any, until: Iterable[Node]) -> list[Any]:
    """Return the tensors that a node of autograd, and those that it was computed by, save.

    Args:
        node: torch's node of a result.
        until: where to stop: the nodes of what it was computed from.

    >>> x = torch.ones(2, requires_grad=True)
    >>> len(saved_on_the_way((x * x + 1).grad_fn, ())), saved_on_the_way((x + 1).grad_fn, ())
    (2, [])
    """
    found: list[Any] = []
    waiting = [node]
    seen: dict[int, Any] = {id(one): one for one in until}  # they must live: an id may be another's afterwards
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen[id(node)] = node
        found += _saved(node)
        waiting += [edge for edge, _ in node.next_functions if not hasattr(edge, "variable")]
    return found


def free(node: Node) -> None:
    """Write down that a backward pass went by a node, and did not retain the graph."""
    if isinstance(node, History):
        node.is_freed = True
    elif not isinstance(node, FakeTensor) and _saves(node):
        _notes(node)[_FREED] = True


def refuse_written(node: Node) -> None:
    """Raise what torch raises where a tensor that a node saved was written to since."""
    if isinstance(node, History):
        for fake, version in node.saved:
            if raw_version(fake) != version:
                _raise_about(fake)
    elif not isinstance(node, FakeTensor):
        for name in _names(node.__class__):
            getattr(node, name)


def _raise_about(fake: FakeTensor) -> None:
    """Raise what torch raises about a tensor that was written to, by having it find one like it so."""
    cpu = torch.device("cpu")
    with torch.enable_grad():
        leaf = make_fake(fake.fake_mode, Memory(), (), (), 0, torch.float32, cpu, requires_grad=True)
        saved = make_fake(fake.fake_mode, Memory(), fake.size(), fake.stride(), 0, fake.dtype, cpu)
        product: Any = leaf * saved
        torch.autograd.graph.increment_version(saved)
        refuse_written(product.grad_fn)


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
    return bool(_saved(node))


def _saved(node: Any) -> list[Any]:
    """Return what a node saves; for a tensor that was written to since, what torch says about it."""
    found: list[Any] = []
    for name in _names(node.__class__):
        try:
            value = getattr(node, name)
        except RuntimeError as error:
            value = str(error)  # a backward pass says so (see `refuse_written`)
        if value is not None:
            found += value if isinstance(value, (list, tuple)) else [value]
    return found


@functools.lru_cache(maxsize=1024)
def _names(kind: type) -> tuple[str, ...]:
    """Return the attributes of a class of nodes that hold one saved tensor each; a user's function has none."""
    if issubclass(kind, torch._C._FunctionBase):
        return ()
    return tuple([name.replace("_raw", "", 1) for name in dir(kind) if name.startswith(_RAW)])
