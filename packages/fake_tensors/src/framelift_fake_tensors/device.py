"""Which device the result of an operator is on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch._ops import OpOverload

__all__ = ["canonical", "current_index", "result_device"]

_CPU = torch.device("cpu")


def result_device(operator: OpOverload, args: Iterable[Any], kwargs: dict[str, Any]) -> torch.device:
    """Return the device of the results of `operator`, as eager chooses it.

    An explicit `device=` wins; else it is the device of the tensors, where 0-d tensors of the CPU join any device.

    Raises:
        RuntimeError: the tensors are on different devices, in eager's words.
    """
    explicit = kwargs.get("device")
    if explicit is not None:
        return canonical(torch.device(explicit))
    if operator.overloadpacket.__name__.startswith("_foreach_"):
        return _foreach_device(operator, args)
    device: torch.device | None = None
    is_scalar = False
    for tensor in _tensors((*args, *kwargs.values())):
        here, scalar = tensor.device, tensor.dim() == 0 and tensor.device.type == "cpu"
        if device is None or (is_scalar and not scalar):
            device, is_scalar = here, scalar
        elif here != device and not scalar and operator not in _MIXING:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, {device} and {here}!"
            )
    return device if device is not None else _CPU


def _foreach_device(operator: OpOverload, args: Iterable[Any]) -> torch.device:
    """Return the device of the first result; each member of the lists is a computation of its own, beside a tensor."""
    lists = [
        value for value in args if isinstance(value, (list, tuple)) and value and isinstance(value[0], torch.Tensor)
    ]
    if operator.overloadpacket is not torch.ops.aten._foreach_copy_:
        for together in zip(*lists, strict=False):
            result_device(torch.ops.aten.add.Tensor, together, {})
    return lists[0][0].device if lists else _CPU


def canonical(device: torch.device) -> torch.device:
    """Return `device` with the index that a tensor on it would have."""
    index: int | None = device.index  # torch's stubs say that there always is one
    if index is None and device.type not in ("cpu", "meta"):
        return torch.device(device.type, current_index(device.type))
    return device


def current_index(kind: str) -> int:
    """Return the index of the current device of type `kind`; 0 where torch uses none yet, or `kind` is no such type."""
    if kind != "cuda" or not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return 0
    return torch.cuda.current_device()


_MIXING = frozenset(
    [
        torch.ops.aten.copy_.default,
        torch.ops.aten.copy.default,
        torch.ops.aten.set_.source_Tensor,
        torch.ops.aten.index.Tensor,
        torch.ops.aten.index_put.default,
        torch.ops.aten.index_put_.default,
        torch.ops.aten._index_put_impl_.default,
        torch.ops.aten._pack_padded_sequence.default,
    ]
)
"""Operators that take tensors of several devices; the first tensor's is the result's."""


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)
