"""Results as recipes: what the cache keeps of a result, and how it is made again from other arguments."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd.graph import increment_version

from framelift_fake_tensors.tensor import FakeTensor, History, Memory, Mode, ViewOf, make_fake, nodes_of

__all__ = ["UNTOLD", "Recipe", "recipe_of", "writing"]

Recipe = Callable[[Mode, Sequence[FakeTensor]], Any]
"""Called with the mode and the fakes among the arguments, makes the result."""

UNTOLD = object()
"""What a recipe returns where the result must be computed after all."""

_CONSTANTS = (int, bool, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)


# How many views of one memory may be remembered before those that are gone are looked for.
_MANY = 63


class _NoRecipe(Exception):
    """The result is of a kind that can't be made again."""


def recipe_of(result: Any, fakes: Sequence[FakeTensor], signature: Callable[[FakeTensor], Any]) -> Recipe | None:
    """Return how `result` is made again, or `None` where the cache must not try.

    Args:
        result: what a function returned.
        fakes: the fakes among its arguments, in order.
        signature: gives what the cache knows a fake by.
    """
    try:
        return _recipe(result, fakes, signature, {})
    except _NoRecipe:
        return None


def writing(recipe: Recipe, positions: Sequence[int]) -> Recipe:
    """Return a recipe for a call that writes to arguments, and leaves their metadata as it is.

    Where autograd records the write, an argument gets a new history; if it has views or is one, theirs are new too,
    which only torch can tell.

    Args:
        recipe: makes the result.
        positions: which of the fakes among the arguments are written to.
    """

    def make(mode: Mode, fakes: Sequence[FakeTensor]) -> Any:
        written = [fakes[position] for position in positions]
        if torch.is_grad_enabled():
            nodes = nodes_of(fakes)
            if nodes:
                if any(fake.memory.shared for fake in written):
                    return UNTOLD
                for fake in written:
                    if fake.requires_grad:
                        fake.history = History(nodes)
        for fake in written:
            if not fake.is_inference():
                increment_version(fake)
        return recipe(mode, fakes)

    return make


def _recipe(
    result: Any, fakes: Sequence[FakeTensor], signature: Callable[[FakeTensor], Any], seen: dict[int, Memory]
) -> Recipe:
    if type(result) is FakeTensor:
        return _tensor(result, fakes, signature, seen)
    if isinstance(result, (*_CONSTANTS, torch.SymInt)):
        return lambda _mode, _fakes: result
    if type(result) is torch.Size:
        return lambda _mode, _fakes: result
    if isinstance(result, (tuple, list)):
        items = [_recipe(item, fakes, signature, seen) for item in result]
        return _container(type(result), items)
    raise _NoRecipe


def _container(kind: type, items: list[Recipe]) -> Recipe:
    if kind is list:
        return lambda mode, fakes: [item(mode, fakes) for item in items]
    if kind is tuple:
        return lambda mode, fakes: tuple([item(mode, fakes) for item in items])
    if hasattr(kind, "n_fields"):  # a structseq of torch.return_types
        return lambda mode, fakes: kind([item(mode, fakes) for item in items])
    raise _NoRecipe


def _tensor(
    result: FakeTensor, fakes: Sequence[FakeTensor], signature: Callable[[FakeTensor], Any], seen: dict[int, Memory]
) -> Recipe:
    for position, fake in enumerate(fakes):
        if fake is result:
            return lambda _mode, given: given[position]
    if result.is_conj() or result.is_neg() or getattr(result, "_is_param", False):
        raise _NoRecipe
    for position, fake in enumerate(fakes):
        if fake.memory is result.memory:
            return _view(result, position, fake, signature)
    if id(result.memory) in seen:
        raise _NoRecipe  # two results over one new memory: rare, and the second would need to find the first
    seen[id(result.memory)] = result.memory
    return _fresh(result, signature)


def _fresh(result: FakeTensor, signature: Callable[[FakeTensor], Any]) -> Recipe:
    size, stride, offset = tuple(result.size()), result.stride(), result.storage_offset()
    dtype, device, requires_grad = result.dtype, result.device, result.requires_grad
    owed = requires_grad and not result.is_leaf
    known = signature(result)
    version = result.signature_version

    def make(mode: Mode, fakes: Sequence[FakeTensor]) -> FakeTensor:
        fake = make_fake(mode, Memory(), size, stride, offset, dtype, device, requires_grad)
        fake.signature = known
        fake.signature_version = version
        if owed:
            fake.history = History(nodes_of(fakes))
        return fake

    return make


def _view(result: FakeTensor, position: int, base: FakeTensor, signature: Callable[[FakeTensor], Any]) -> Recipe:
    size, stride, offset = tuple(result.size()), result.stride(), result.storage_offset()
    dtype, device, requires_grad = result.dtype, result.device, result.requires_grad
    if dtype != base.dtype or torch.is_inference_mode_enabled():
        raise _NoRecipe
    known = signature(result)
    version = result.signature_version
    # `detach()` and `.data` share memory, and are no views to autograd: nothing is owed to them.
    is_view = result._is_view()
    grad_mode = torch.is_grad_enabled()

    def make(mode: Mode, fakes: Sequence[FakeTensor]) -> FakeTensor:
        base = fakes[position]
        memory = base.memory
        memory.shared = True
        fake = make_fake(mode, memory, size, stride, offset, dtype, device, requires_grad)
        fake.signature = known
        fake.signature_version = version
        if is_view:
            fake.history = ViewOf(base, grad_mode)
            if memory.views is None:
                memory.views = []
            elif len(memory.views) > _MANY and len(memory.views).bit_count() == 1:
                memory.views = [view for view in memory.views if view() is not None]
            memory.views.append(weakref.ref(fake))
        return fake

    return make
