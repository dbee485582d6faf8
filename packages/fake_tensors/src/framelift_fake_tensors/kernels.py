"""How an operator is computed on tensors of the meta device: kernels, Python meta functions, decompositions.

With numbers for sizes, torch's meta kernels in C++ are fast and right, and come first. With symbolic sizes most of them
fail (they read sizes as numbers), so what is written in Python comes first, and the kernel last.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
import torch._C
import torch._decomp
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from framelift_fake_tensors.custom import custom_fake
from framelift_fake_tensors.errors import NoMetaKernelError
from framelift_fake_tensors.undisturbed import let_kernels_be

__all__ = ["compute", "is_missing", "is_symbolic", "symbols_in"]

Kernel = Callable[..., Any]
_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


def is_symbolic(values: Sequence[Any]) -> bool:
    """Tell whether a tensor with symbolic sizes, or a symbolic number, is among (nested) values."""
    for value in values:
        if isinstance(value, torch.Tensor):
            if value._has_symbolic_sizes_strides:
                return True
        elif isinstance(value, _SYMBOLIC) or (isinstance(value, (list, tuple)) and is_symbolic(value)):
            return True
    return False


def symbols_in(values: Iterable[Any]) -> Iterator[Any]:
    """Return the symbolic numbers among (nested) values, the sizes of tensors aside.

    >>> list(symbols_in([1, {"size": (2, 3)}]))
    []
    """
    for value in values:
        if isinstance(value, _SYMBOLIC):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from symbols_in(value)
        elif isinstance(value, dict):
            yield from symbols_in(value.values())


def compute(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what `operator` gives on meta tensors.

    Args:
        operator: an ATen, prims or custom operator.
        args: meta tensors and constants.
        kwargs: the same, by name.

    Raises:
        NoMetaKernelError: nothing tells the result without data.
    """
    try:
        if not is_symbolic(args) and not (kwargs and is_symbolic(tuple(kwargs.values()))):
            try:
                return _kernel(operator, args, kwargs)
            except RuntimeError as error:  # NotImplementedError is one
                if not is_missing(error):
                    raise
        return _compute_in_python(operator, args, kwargs)
    except RuntimeError as error:
        if is_missing(error):
            raise NoMetaKernelError(str(operator)) from error
        raise


def _kernel(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    let_kernels_be()
    with torch._C._DisableTorchDispatch():
        return operator(*args, **kwargs)


def _compute_in_python(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    let_kernels_be()
    with _MetaDispatch():
        for kernel in _kernels(operator):
            result = kernel(*args, **kwargs)
            if result is not NotImplemented:
                return result
    try:
        return _kernel(operator, args, kwargs)
    except RuntimeError as error:
        functional = _functional(operator)
        if functional is None or "symbolic sizes/strides" not in str(error):
            raise
    # In place, and only its functional twin knows symbols: it checks the arguments, and the metadata stays as it is.
    with _MetaDispatch():
        functional(*args, **kwargs)
    return args[0]


def is_missing(error: RuntimeError) -> bool:
    """Tell whether torch said that nothing tells the result of an operator without data.

    >>> is_missing(RuntimeError("There was no fake impl registered for mylib::f"))
    True
    """
    if isinstance(error, NotImplementedError):
        return "'Meta'" in str(error) or "with Meta tensors" in str(error)
    return "no fake impl registered" in str(error)  # what a torch.library.custom_op without one raises


@functools.lru_cache(maxsize=4096)
def _kernels(operator: OpOverload) -> tuple[Kernel, ...]:
    return tuple(_candidates(operator))


def _candidates(operator: OpOverload) -> Iterator[Kernel]:
    if operator in _KERNEL_KNOWS_SYMBOLS:
        return
    functional = _functional(operator)
    if functional is not None and functional.is_view and torch.Tag.inplace_view in operator.tags:
        yield functools.partial(_viewed_in_place, functional)
    prim = getattr(operator, "prim_meta_impl", None)
    if prim is not None:
        yield prim
    registered = torch._decomp.meta_table.get(operator)
    if registered is not None:
        yield registered
    decomposition = torch._decomp.decomposition_table.get(operator)
    if decomposition is not None:
        yield decomposition
    if operator._can_decompose():
        yield operator.decompose
    if operator.namespace in ("aten", "prims"):
        return
    custom = custom_fake(operator)
    if custom is not None:
        yield custom


def _viewed_in_place(functional: OpOverload, tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Do in place what an operator does that makes a view.

    The kernels in C++ hand a tensor its own sizes to copy while it drops them, where they are symbols (`squeeze_` of a
    dimension that stays), which ends the process.
    """
    view = functional(tensor, *args, **kwargs)
    into = torch.ops.aten.as_strided_.default
    changed: torch.Tensor = into(tensor, list(view.size()), list(view.stride()), view.storage_offset())
    return changed


@functools.lru_cache(maxsize=1024)
def _functional(operator: OpOverload) -> OpOverload | None:
    packet = operator.overloadpacket
    name = packet.__name__
    if not name.endswith("_") or operator.namespace != "aten":
        return None
    functional = getattr(torch.ops.aten, name[:-1], None)
    overload = getattr(functional, operator._overloadname, None)
    return overload if isinstance(overload, OpOverload) else None


_KERNEL_KNOWS_SYMBOLS = frozenset(
    [
        torch.ops.aten.as_strided.default,
        torch.ops.aten.as_strided_.default,
        torch.ops.aten.detach.default,
        torch.ops.aten.empty.memory_format,
        torch.ops.aten.empty_strided.default,
        torch.ops.aten.set_.source_Storage_storage_offset,
    ]
)
"""Operators whose C++ meta kernel takes symbolic sizes, and that others are written with: nothing else is tried."""


class _MetaDispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sends the operators that Python meta functions and decompositions call back to `compute`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # as for the mode of FakeMode

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return compute(func, args, kwargs or {})
