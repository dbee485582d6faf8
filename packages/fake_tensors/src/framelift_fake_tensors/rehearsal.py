"""Errors in eager's words: an operator is rehearsed on a little real memory, to see what it raises.

Meta functions check less than kernels do, and say it otherwise. So where a meta function raised, or where a kernel
checks what none of them does (whether elements that are written to lie on each other, whether a view is within its
storage, whether there is a kernel for these dtypes), the kernel is run on zeros laid out as the fakes are, on the CPU
and within bounds; only its error is of interest.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch._C
from torch._ops import OpOverload

from framelift_fake_tensors.tensor import FakeTensor, Memory, fakes_in
from framelift_fake_tensors.trial import size_of_trial

__all__ = ["WITHIN_STORAGE", "error_of", "refuse_growth", "refuse_several_dtypes", "rehearse"]

_MOST_ELEMENTS = 2**20
_MOST_ELEMENTS_FOR_DTYPES = 2**14
_MOST_KNOWN = 4096
_KNOWN: set[tuple[Any, ...]] = set()
_ABOUT_DTYPES = ("dtype", "scalar type", "not implemented for", "for complex", "complex types", "data type", "be cast")
_aten = torch.ops.aten
_LARGEST = 2**59
"""So many elements of 16 bytes each are as many as an address can tell."""
_LARGEST_INT = 2**63 - 1
_FACTORIES = frozenset(
    [
        _aten.empty.memory_format,
        _aten.empty_strided.default,
        _aten.zeros.default,
        _aten.ones.default,
        _aten.full.default,
        _aten.rand.default,
        _aten.randn.default,
    ]
)

WITHIN_STORAGE: frozenset[Any] = frozenset([_aten.as_strided.default, _aten.as_strided_.default])
"""What every device refuses that would reach beyond the memory."""
_PRODUCTS: frozenset[Any] = frozenset(
    [
        _aten.addbmm.default,
        _aten.addmm.default,
        _aten.addmv.default,
        _aten.convolution.default,
        _aten.mm.default,
        _aten.mv.default,
    ]
)
"""What every device refuses for arguments of several dtypes, and their meta functions do not."""


def rehearse(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise what a kernel for the CPU raises about dtypes, and how arguments lie in memory.

    Args:
        operator: the operator.
        args: its arguments, fakes among them.
        kwargs: the same, by name.

    >>> rehearse(torch.ops.aten.zeros.default, ([2],), {})
    """
    if _checks_layout(operator, args, kwargs):
        error = error_of(operator, args, kwargs)
    elif operator is _aten.index.Tensor:
        error = _error_about_masks(operator, args, kwargs)
    elif operator in _FACTORIES:
        error = _error_about_size(operator, args, kwargs)
    else:
        error = _error_about_dtypes(operator, args, kwargs)
    if error is not None:
        raise error


def refuse_growth(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise what a kernel raises that would have to make the argument that it writes to larger.

    Meta functions resize it, as they do with an `out` of the wrong size.

    Args:
        operator: the operator.
        args: its arguments, fakes among them.
        kwargs: the same, by name.

    >>> refuse_growth(torch.ops.aten.add_.Tensor, (), {})
    """
    if not args or not isinstance(args[0], FakeTensor) or not _writes_in_place(operator):
        return
    written, others = args[0], [one for one in args[1:] if isinstance(one, FakeTensor)]
    if all(_expands(one.size(), written.size()) for one in others):
        return
    error = error_of(operator, args, kwargs, _MOST_ELEMENTS_FOR_DTYPES)
    if error is None and _is_elementwise(operator):
        sizes = [[_number(extent) for extent in one.size()] for one in (written, *others)]
        broadcast = list(torch.broadcast_shapes(*sizes))  # type: ignore[no-untyped-call]
        error = RuntimeError(f"output with shape {sizes[0]} doesn't match the broadcast shape {broadcast}")
    if error is not None:
        raise error


@functools.lru_cache(maxsize=4096)
def _writes_in_place(operator: OpOverload) -> bool:
    """Tell whether an operator writes to its first argument, and leaves the metadata of that as it is."""
    name = operator._opname
    return (
        operator.namespace == "aten"
        and operator._schema.is_mutable
        and name.endswith("_")
        and torch.Tag.inplace_view not in operator.tags
        and not name.startswith(("resize", "_resize", "set_"))
    )


@functools.lru_cache(maxsize=4096)
def _is_elementwise(operator: OpOverload) -> bool:
    """Tell whether torch marks an operator in place, or what it does to a new tensor, as one on each element."""
    functional = getattr(_aten, operator._opname.rstrip("_"), None)
    twin = getattr(functional, operator._overloadname, operator)
    return torch.Tag.pointwise in operator.tags or torch.Tag.pointwise in twin.tags


def _expands(size: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Tell whether a size may be expanded to another, as far as this run tells; where data tells, it may."""
    if len(size) > len(wanted):
        return False
    numbers = []
    for extent, other in zip(reversed(size), reversed(wanted), strict=False):
        try:
            numbers.append((_number(extent), _number(other)))
        except _Untold:
            continue
    return all(extent in (1, other) for extent, other in numbers)


def _error_about_masks(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    """Return what an index raises about masks of another shape: that depends on no data, other than the result."""
    if not any(index is not None and not index.dtype.is_signed for index in args[1]):
        return _error_about_dtypes(operator, args, kwargs)
    error = error_of(operator, args, kwargs)
    return error if isinstance(error, IndexError) else None


def _error_about_size(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    """Return what a factory raises, if a number among its sizes and strides is negative, or their product too large."""
    try:
        real = _Stage(False).of(args)
    except _Untold:
        return None
    numbers = [number for sizes in real if isinstance(sizes, (list, tuple)) for number in sizes]
    if all(number >= 0 for number in numbers) and math.prod(numbers) < _LARGEST:
        return None
    if max(numbers) > _LARGEST_INT:
        return RuntimeError(f"Storage size calculation overflowed with sizes={numbers}")
    device = torch.device("cpu" if min(numbers) < 0 else "meta")  # the kernel for the CPU raises before it allocates
    with torch._C._DisableTorchDispatch():
        try:
            operator(*real, **{**kwargs, "device": device, "pin_memory": None})
        except (RuntimeError, TypeError) as error:
            return error.with_traceback(None)
    return None


def _checks_layout(operator: OpOverload, args: Iterable[Any], kwargs: dict[str, Any]) -> bool:
    """Tell whether a kernel might refuse how arguments lie in memory, which no meta function looks at."""
    if operator in WITHIN_STORAGE:
        return True
    if not operator._schema.is_mutable:
        return False
    fakes = {id(fake): fake for fake in fakes_in((args, kwargs))}.values()
    memories = [id(fake.memory) for fake in fakes]
    return len(set(memories)) != len(memories) or any(0 in fake.stride() for fake in fakes)


def _error_about_dtypes(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception | None:
    """Return what a kernel raises that takes no arguments of these dtypes; each combination of dtypes is tried once."""
    dtypes = tuple([fake.dtype for fake in fakes_in((args, kwargs))])
    key = (operator, dtypes, tuple(map(type, args)))
    if not dtypes or operator.is_view or key in _KNOWN:
        return None
    error = error_of(operator, args, kwargs, _MOST_ELEMENTS_FOR_DTYPES)
    if error is not None and any(words in str(error) for words in _ABOUT_DTYPES):
        return error
    if any(type(n) is int and n == 0 for fake in fakes_in((args, kwargs)) for n in fake.shape):
        return None  # a kernel that has nothing to do may not look at dtypes
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN.add(key)
    return None


def refuse_several_dtypes(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise what kernels say of a product of several dtypes; the one for the CPU is asked, on next to nothing.

    Args:
        operator: the operator.
        args: its arguments, fakes among them.
        kwargs: the same, by name.

    >>> refuse_several_dtypes(torch.ops.aten.mm.default, (), {})
    """
    fakes = list(fakes_in((args, kwargs))) if operator in _PRODUCTS else []
    if len({fake.dtype for fake in fakes}) < 2 or any(fake.device.type == "meta" for fake in fakes):
        return
    most = 1 if operator is _aten.convolution.default else 2

    def real(value: Any) -> Any:
        if isinstance(value, FakeTensor):
            return torch.zeros([min(_number(extent), most) for extent in value.size()], dtype=value.dtype)
        return _number(value)

    try:
        small = [real(value) for value in args[:3]]
        if most == 1:
            ones, zeros = [1] * (args[0].dim() - 2), [0] * (args[0].dim() - 2)
            small += [ones, zeros, ones, False, zeros, 1]
        named = {name: real(value) for name, value in kwargs.items()}
    except _Untold:
        return
    with torch._C._DisableTorchDispatch():
        operator(*small, **named)


def error_of(
    operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], most: int = _MOST_ELEMENTS
) -> Exception | None:
    """Return what the kernel of an operator for the CPU raises; `None` if nothing, or if it can't be tried.

    Args:
        operator: the operator; only torch's own are tried.
        args: its arguments, fakes among them.
        kwargs: the same, by name.
        most: how many elements it may have to do with.

    >>> error_of(torch.ops.aten.zeros.default, ([-1],), {})
    RuntimeError('zeros: Dimension size must be non-negative.')
    """
    if operator.namespace != "aten":
        return None
    try:
        stage = _Stage(operator in WITHIN_STORAGE)
        real, real_kwargs = stage.of(args), stage.of(kwargs)
    except _Untold:
        return None
    if size_of_trial((*real, *real_kwargs.values())) > most:
        return None
    is_random = torch.Tag.nondeterministic_seeded in operator.tags
    state = torch.random.fork_rng(devices=[], enabled=is_random)
    with torch._C._DisableTorchDispatch(), state, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            operator(*real, **real_kwargs)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            return error.with_traceback(None)
    return None


class _Untold(Exception):
    """What an argument is, only data tells; or it is too large, or not on the CPU."""


class _Stage:
    """Real tensors that lie as fakes do; those of one memory share theirs.

    Args:
        exact: whether the size of storages matters.
    """

    def __init__(self, exact: bool) -> None:
        self._exact = exact
        self._storages: dict[Memory, torch.UntypedStorage] = {}
        self._known: dict[int, torch.Tensor] = {}

    def of(self, value: Any) -> Any:
        if isinstance(value, FakeTensor):
            if id(value) not in self._known:
                self._known[id(value)] = self._tensor(value)
            return self._known[id(value)]
        if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return _number(value)
        if type(value) in (list, tuple, torch.Size):
            return type(value)([self.of(item) for item in value])
        if type(value) is dict:
            return {name: self.of(item) for name, item in value.items()}
        if isinstance(value, torch.device) and value.type != "cpu":
            raise _Untold
        return value

    def _tensor(self, fake: FakeTensor) -> torch.Tensor:
        if fake.device.type != "cpu" and not self._exact:  # what is in a memory is no question of the device
            raise _Untold
        size, stride = [_number(extent) for extent in fake.size()], [_number(extent) for extent in fake.stride()]
        offset = _number(fake.storage_offset())
        storage = self._storages.get(fake.memory)
        if storage is None:
            storage = self._storages[fake.memory] = self._storage(fake, size, stride, offset)
        made = torch.empty(0, dtype=fake.dtype).set_(storage, offset, size, stride)
        if fake.is_conj():
            torch._C._set_conj(made, True)
        if fake.is_neg():
            torch._C._set_neg(made, True)
        return made

    def _storage(self, fake: FakeTensor, size: list[int], stride: list[int], offset: int) -> torch.UntypedStorage:
        extent = 0 if 0 in size else offset + 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        known = fake.memory.nbytes
        if self._exact and known is None:
            raise _Untold
        nbytes = extent * fake.itemsize if known is None else known
        if max(nbytes, extent * fake.itemsize) > 8 * _MOST_ELEMENTS:
            raise _Untold
        return torch.zeros(nbytes, dtype=torch.uint8).untyped_storage()


def _number(extent: Any) -> Any:
    if not isinstance(extent, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return extent
    hint = extent.node.hint
    if hint is None:
        raise _Untold
    return hint
