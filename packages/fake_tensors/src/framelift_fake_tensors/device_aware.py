"""Meta functions in Python that ask for the device of a tensor: they must see fakes, for twins are all `meta`.

On the CPU an FFT, a singular value decomposition or a batch norm lays its results out in another way than on a GPU, and
torch's meta functions know both ways. Which functions ask is read from their code, so that no list can grow stale.
"""

from __future__ import annotations

import dis
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

import torch
import torch._decomp
from torch._ops import OpOverload

from framelift_fake_tensors.custom import custom_fake

__all__ = ["device_aware"]

_ASK = frozenset(["device_hint", "is_cpu", "is_cuda", "is_mps", "is_xpu"])
_DEPTH = 4
"""How many calls deep a question about the device is looked for; torch asks at most two deep."""


def device_aware(operator: OpOverload) -> Callable[..., Any] | None:
    """Return the meta function or decomposition of an operator, if what it gives depends on the device.

    What a library registered for an operator of its own may always ask.

    Args:
        operator: an operator, of torch or of a library.

    >>> import torch
    >>> device_aware(torch.ops.aten.linalg_eig.default) is None, device_aware(torch.ops.aten.add.Tensor) is None
    (False, True)
    """
    if operator.namespace not in ("aten", "prims"):  # asked each time: another one may be registered
        return custom_fake(operator)
    return _device_aware(operator)


def _packed(tensor: torch.Tensor, lengths: torch.Tensor, batch_first: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sequences packed: how long they are, which is data, tells both sizes (native/PackedSequence.cpp)."""
    steps, batch = (1, 0) if batch_first else (0, 1)
    _check(
        lengths.dim() == 1 and lengths.shape[0] == tensor.shape[batch],
        lambda: (
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.shape[0]} "
            f"(batch_size={tensor.shape[batch]})"
        ),
    )
    _check(bool(tensor.numel() > 0), lambda: "Cannot pack empty tensors.")
    new_size = torch.library.get_ctx().new_dynamic_size
    longest = tensor.shape[steps]
    sizes = torch.empty((new_size(min=1, max=longest if type(longest) is int else None),), dtype=torch.int64)
    return tensor.new_empty(
        (new_size(min=1), *tensor.shape[2:])
    ), sizes  # the sizes are for the CPU, wherever the data is


_check: Callable[[bool, Callable[[], str]], None] = torch._check
_LOCATED: Mapping[OpOverload, Callable[..., Any]] = {torch.ops.aten._pack_padded_sequence.default: _packed}
"""Operators whose results are on several devices, and that torch has no meta function for."""


@functools.lru_cache(maxsize=4096)
def _device_aware(operator: OpOverload) -> Callable[..., Any] | None:
    if operator in _LOCATED:
        return _LOCATED[operator]
    function: Callable[..., Any] | None = torch._decomp.meta_table.get(operator)
    if function is None:
        function = torch._decomp.decomposition_table.get(operator)
    return function if function is not None and any(map(_asks, _reached(function, _DEPTH))) else None


def _reached(function: Any, depth: int) -> Iterator[CodeType]:
    """Return the code of a function and of those that it names in its own module and the like."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if not isinstance(function, FunctionType) or depth == 0:
        return
    yield function.__code__
    for step in dis.get_instructions(function.__code__):
        called = function.__globals__.get(step.argval) if step.opname == "LOAD_GLOBAL" else None
        if isinstance(called, FunctionType) and called.__module__ == function.__module__:
            yield from _reached(called, depth - 1)


@functools.lru_cache(maxsize=4096)
def _asks(code: CodeType) -> bool:
    if not _ASK.isdisjoint(code.co_names):
        return True
    if "device" not in code.co_names:
        return False
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    return (("LOAD_ATTR", "device"), ("LOAD_ATTR", "type")) in itertools.pairwise(steps)
