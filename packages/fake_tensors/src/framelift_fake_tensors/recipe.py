"""Results as recipes: what the cache keeps of a result, and how it is made again from other arguments."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch.autograd import graph

from framelift_fake_tensors.repetition import FromCall, Repetition
from framelift_fake_tensors.saved_tensors import saved_on_the_way
from framelift_fake_tensors.tensor import (
    FakeTensor,
    Memory,
    Mode,
    TorchCall,
    ViewOf,
    fakes_in,
    make_fake,
    maker_of,
    nodes_of,
    raw_version,
)

__all__ = ["UNTOLD", "Recipe", "counting", "recipe_of", "writing"]

Recipe = Callable[[Mode, Sequence[FakeTensor], TorchCall], Any]
"""Called with the mode, the fakes among the arguments, and the call, makes the result."""

UNTOLD = object()
"""What a recipe returns where the result must be computed after all."""

_CONSTANTS = (int, bool, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format)


# torch's own function looks first whether it has one tensor or several.
increment_versions: Callable[[tuple[torch.Tensor, ...]], None] = getattr(
    torch._C, "_increment_version", graph.increment_version
)

# How many views of one memory may be remembered before those that are gone are looked for.
_MANY = 63


class _NoRecipe(Exception):
    """The result is of a kind that can't be made again."""


def recipe_of(
    result: Any, fakes: Sequence[FakeTensor], signature: Callable[[FakeTensor], Any], call: Repetition
) -> Recipe | None:
    """Return how `result` is made again, or `None` where the cache must not try.

    Args:
        result: what a function returned.
        fakes: the fakes among its arguments, in order.
        signature: gives what the cache knows a fake by.
        call: the call that returned it.
    """
    try:
        return _Recipes(fakes, signature, call, list(fakes_in((result,)))).of(result)
    except _NoRecipe:
        return None


def writing(recipe: Recipe, writes: Mapping[int, int], recorded: Collection[int], call: Repetition) -> Recipe:
    """Return a recipe for a call that writes to arguments, and leaves their metadata as it is.

    Where autograd records the write, an argument gets a new history; if it has views or is one, theirs are new too,
    which only torch can tell.

    Args:
        recipe: makes the result.
        writes: how often which of the fakes among the arguments are written to, by position.
        recorded: for which of these autograd recorded it.
        call: the call that writes.
    """
    repetition = call
    if not recorded and list(writes.values()) == [1]:
        (written,) = writes

        def make_simply(mode: Mode, fakes: Sequence[FakeTensor], call: TorchCall) -> Any:
            increment_versions((counting(fakes[written]),))
            return recipe(mode, fakes, call)

        return make_simply
    lone = next(iter(writes.items())) if len(writes) == 1 else None

    def make(mode: Mode, fakes: Sequence[FakeTensor], call: TorchCall) -> Any:
        if recorded:
            if any(fakes[position].memory.shared or _is_saved(fakes[position]) for position in writes):
                return UNTOLD
            nodes = nodes_of(fakes)
            for position in recorded:
                fakes[position].history = FromCall(nodes, repetition, position, is_written=True)
        if lone is not None:
            position, count = lone
            counter = counting(fakes[position])
            for _ in range(count):
                increment_versions((counter,))
            return recipe(mode, fakes, call)
        for counter, version in [
            (counter, raw_version(counter) + count)
            for counter, count in [(counting(fakes[position]), count) for position, count in writes.items() if count]
        ]:
            while raw_version(counter) < version:  # others may count with it
                increment_versions((counter,))
        return recipe(mode, fakes, call)

    return make


def _is_saved(fake: FakeTensor) -> bool:
    """Tell whether autograd may have saved a fake with what made it: once written to, no backward pass goes there."""
    return fake.history is not None and fake.history.saves


def counting(fake: FakeTensor) -> FakeTensor:
    """Return the tensor that counts the versions of a view that torch does not know for one yet."""
    while isinstance(fake.history, ViewOf):
        fake = fake.history.base
    return fake


class _Recipes:
    def __init__(
        self,
        fakes: Sequence[FakeTensor],
        signature: Callable[[FakeTensor], Any],
        call: Repetition,
        results: Sequence[FakeTensor],
    ) -> None:
        self._fakes = fakes
        self._call = call
        self._signature = signature
        self._results = results
        self._seen: set[int] = set()

    def of(self, result: Any) -> Recipe:
        if type(result) is FakeTensor:
            return self._tensor(result)
        if isinstance(result, (*_CONSTANTS, torch.SymInt, torch.Size)):
            return lambda _mode, _fakes, _call: result
        if isinstance(result, (tuple, list)):
            return _container(type(result), [self.of(item) for item in result])
        raise _NoRecipe

    def _tensor(self, result: FakeTensor) -> Recipe:
        for position, fake in enumerate(self._fakes):
            if fake is result:
                return lambda _mode, given, _call: given[position]
        if result.is_conj() or result.is_neg() or result._is_zerotensor() or getattr(result, "_is_param", False):
            raise _NoRecipe
        place = next(place for place, one in enumerate(self._results) if one is result)
        for position, fake in enumerate(self._fakes):
            if fake.memory is result.memory:
                view = _view(result, fake, place, self._signature, self._call.function in _DETACHES)
                return lambda mode, given, call: view(mode, given[position], call)
        if id(result.memory) in self._seen:
            raise _NoRecipe  # two results over one new memory: rare, and the second would need to find the first
        self._seen.add(id(result.memory))
        if not result._is_view():
            return _fresh(result, self._signature, self._call, place, self._fakes)
        base = result._base
        new_base, view = (
            _fresh(base, self._signature, self._call, place, self._fakes, is_base=True),
            _view(result, base, place, self._signature),
        )
        return lambda mode, given, call: view(mode, new_base(mode, given, call), None)


def _container(kind: type, items: list[Recipe]) -> Recipe:
    if kind is list:
        return lambda mode, fakes, call: [item(mode, fakes, call) for item in items]
    if kind is tuple:
        return lambda mode, fakes, call: tuple([item(mode, fakes, call) for item in items])
    if hasattr(kind, "n_fields"):  # a structseq of torch.return_types
        return lambda mode, fakes, call: kind([item(mode, fakes, call) for item in items])
    raise _NoRecipe


def _fresh(
    result: FakeTensor,
    signature: Callable[[FakeTensor], Any],
    call: Repetition,
    place: int,
    given: Sequence[FakeTensor],
    is_base: bool = False,
) -> Recipe:
    size, stride, offset = tuple(result.size()), result.stride(), result.storage_offset()
    dtype, device, requires_grad = result.dtype, result.device, result.requires_grad
    owed = requires_grad and not result.is_leaf
    nbytes = result.memory.nbytes
    known = signature(result)
    version = result.signature_version
    writes = 0 if result.is_inference() else raw_version(result)
    wrapper = maker_of(size, stride, offset, dtype, device, requires_grad)
    saved = saved_on_the_way(result.grad_fn, nodes_of(given)) if owed else []
    saves = bool(saved)
    memories = {id(fake.memory) for fake in fakes_in(saved)}
    watched = [place for place, fake in enumerate(given) if id(fake.memory) in memories and not fake.is_inference()]

    def make(mode: Mode, fakes: Sequence[FakeTensor], _call: TorchCall) -> FakeTensor:
        fake = wrapper()
        fake.fake_mode = mode
        fake.memory = Memory(None, nbytes)
        fake.signature = known
        if version >= 0:
            fake.signature_version = version
        if owed:
            history = fake.history = FromCall(nodes_of(fakes), call, place, is_base)
            history.saves = saves
            if watched:
                counters = [counting(fakes[place]) for place in watched]
                history.saved = [(counter, raw_version(counter)) for counter in counters]
        if writes:
            torch._C._autograd._unsafe_set_version_counter((fake,), (writes,))
        return fake

    return make


# No views to autograd, but what is written to them counts for what they share memory with.
_DETACHES: frozenset[Any] = frozenset(
    [torch.Tensor.detach, torch.detach, torch.ops.aten.detach, torch.ops.aten.detach.default]
)


def _view(
    result: FakeTensor, base: FakeTensor, place: int, signature: Callable[[FakeTensor], Any], counts: bool = False
) -> Callable[[Mode, FakeTensor, TorchCall | None], FakeTensor]:
    size, stride, offset = tuple(result.size()), result.stride(), result.storage_offset()
    dtype, device, requires_grad = result.dtype, result.device, result.requires_grad
    if dtype != base.dtype or torch.is_inference_mode_enabled() or result.is_inference():
        raise _NoRecipe
    known = signature(result)
    version = result.signature_version
    # `.data` shares memory, and is no view to autograd: nothing is owed to it.
    is_view = result._is_view() or counts
    grad_mode = torch.is_grad_enabled()

    def make(mode: Mode, base: FakeTensor, call: TorchCall | None) -> FakeTensor:
        memory = base.memory
        memory.shared = True
        fake = make_fake(mode, memory, size, stride, offset, dtype, device, requires_grad)
        fake.signature = known
        fake.signature_version = version
        if is_view:
            fake.history = ViewOf(base, grad_mode, call, place)
            if memory.views is None:
                memory.views = []
            elif len(memory.views) > _MANY and len(memory.views).bit_count() == 1:
                memory.views = [view for view in memory.views if view() is not None]
            memory.views.append(weakref.ref(fake))
        return fake

    return make
