"""Symbolic sizes made numbers, for code that nobody wrote for symbols."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch._C

from framelift_fake_tensors.tensor import fakes_in, make_fake

__all__ = ["knows_no_symbols", "numbers", "pin"]

# What torch says when a kernel without symbols meets one (c10/core/TensorImpl.h).
_KNOWS_NO_SYMBOLS = (
    "symbolic sizes/strides",
    "customized tensor",
    "expected to contain only concrete integers",
    "NO overloaded args that actually triggered dispatch",  # for a tensor that is of no subclass
    "cannot access PyObject for Tensor",  # torch 2.11 for the same
)


def knows_no_symbols(error: BaseException) -> bool:
    """Tell whether an error is what C++ says when it meets a symbolic size and wants a number.

    >>> knows_no_symbols(RuntimeError("Cannot call numel() on tensor with symbolic sizes/strides"))
    True
    """
    return any(words in str(error) for words in _KNOWS_NO_SYMBOLS)


def pin(values: Iterable[Any]) -> bool:
    """Make the sizes of fakes numbers, with guards, for code that nobody wrote for symbols; tell whether any was none.

    Args:
        values: nested values with fakes among them.
    """
    pinned = False
    for fake in fakes_in(values):
        if not fake._has_symbolic_sizes_strides:
            continue
        size = [int(extent) for extent in fake.size()]
        stride, offset = [int(extent) for extent in fake.stride()], int(fake.storage_offset())
        fixed = make_fake(fake.fake_mode, fake.memory, size, stride, offset, fake.dtype, fake.device)
        with torch._C._DisableTorchDispatch():
            fake.data = fixed
        torch._C._set_throw_on_mutable_data_ptr(fake)
        fake.signature = fake.meta_twin = fake.memory.storage = fake.memory.symbolic_base = None
        pinned = True
    return pinned


def numbers(value: Any) -> Any:
    """Return nested values with each symbolic size as the number that it is in this run, with a guard.

    >>> numbers([1, {"a": (2, None)}])
    [1, {'a': (2, None)}]
    """
    if isinstance(value, torch.SymInt):
        return int(value)
    if isinstance(value, (list, tuple)):
        return type(value)([numbers(item) for item in value])
    if isinstance(value, dict):
        return {name: numbers(item) for name, item in value.items()}
    return value
