"""Operators of torch without a meta kernel, tried for real on little memory.

What an operator does to metadata it does whatever the data, or it would be marked as dependent on data. So where torch
has a kernel and no meta kernel, the kernel is run on memory of the right sizes, filled with zeros, with ones and with
numbers that rise, and what all runs agree on is the answer. torch's own `FakeTensorMode` does so too, on zeros alone.

It is tried only where it is safe:

- for operators of ATen that write to no argument and use no random numbers: a custom operator may do anything;
- on the CPU, since the kernel of another device may lay its results out in another way;
- where sizes are numbers, and arguments, and what their numbers could stand for, are within a million elements;
- where every result is a dense tensor of memory of its own, and at least two of the runs succeed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch._C
from torch._ops import OpOverload

from framelift_fake_tensors.errors import NoMetaKernelError, UnsupportedTensorError

__all__ = ["is_triable", "result_of_trial", "size_of_trial"]

_MOST_ELEMENTS = 2**20
_FILLS: tuple[Callable[[torch.Tensor], object], ...] = (
    torch.Tensor.zero_,
    lambda tensor: tensor.fill_(1),
    lambda tensor: tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape)),
)
_UNFIT = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape, torch.Tag.nondeterministic_seeded)


@functools.lru_cache(maxsize=1024)
def is_triable(operator: OpOverload, device: str) -> bool:
    """Tell whether an operator may be run for real to see what it does to metadata.

    Args:
        operator: the operator.
        device: the type of device that its results are on.

    >>> import torch
    >>> is_triable(torch.ops.aten.geqrf.default, "cpu"), is_triable(torch.ops.aten.geqrf.default, "cuda")
    (True, False)
    >>> is_triable(torch.ops.aten.bernoulli.default, "cpu")
    False
    """
    return (
        device == "cpu"
        and operator.namespace == "aten"
        and not operator._schema.is_mutable
        and not any(tag in operator.tags for tag in _UNFIT)
    )


def result_of_trial(operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a triable operator gives on meta tensors, by running it on memory of their sizes.

    Args:
        operator: the operator.
        args: meta tensors without symbols, and constants.
        kwargs: the same, by name.

    Raises:
        NoMetaKernelError: the trial is too large, or tells nothing for sure.
        UnsupportedTensorError: a result is sparse.

    >>> import torch
    >>> factors, scales = result_of_trial(torch.ops.aten.geqrf.default, (torch.ones(4, 3, device="meta"),), {})
    >>> factors.stride(), scales.shape
    ((1, 4), torch.Size([3]))
    """
    values = (*args, *kwargs.values())
    if size_of_trial(values) > _MOST_ELEMENTS:
        raise NoMetaKernelError(str(operator))
    results = [result for result in (_attempt(operator, args, kwargs, fill) for fill in _FILLS) if result is not None]
    if len(results) < 2 or any(_described(one) != _described(results[0]) for one in results):
        raise NoMetaKernelError(str(operator))
    return _as_meta(results[0])


def _attempt(
    operator: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], fill: Callable[[torch.Tensor], object]
) -> Any:
    filled, filled_kwargs = _filled(args, fill), _filled(kwargs, fill)
    try:
        with torch._C._DisableTorchDispatch():
            result = operator(*filled, **filled_kwargs)
    except RuntimeError:  # the data made no sense to it, or there is no kernel for this dtype either
        return None
    for tensor in _tensors((result,)):
        if tensor.layout is not torch.strided:
            raise UnsupportedTensorError(f"layout {tensor.layout}")
    given = {tensor.untyped_storage()._cdata for tensor in _tensors((*filled, *filled_kwargs.values()))}
    return result if _is_plain(result, given) else None


def _filled(value: Any, fill: Callable[[torch.Tensor], object]) -> Any:
    if isinstance(value, torch.Tensor) and value.is_meta:
        real = torch.empty_strided(value.size(), value.stride(), dtype=value.dtype)
        fill(real)
        return real
    if isinstance(value, (list, tuple)):
        return type(value)([_filled(item, fill) for item in value])
    if isinstance(value, dict):
        return {name: _filled(item, fill) for name, item in value.items()}
    if isinstance(value, torch.device):
        return torch.device("cpu")
    return value


def _is_plain(result: Any, given: set[int]) -> bool:
    if isinstance(result, (list, tuple)):
        return all(_is_plain(item, given) for item in result)
    return isinstance(result, torch.Tensor) and result.untyped_storage()._cdata not in given


def _described(result: Any) -> list[Any]:
    return [(one.size(), one.stride(), one.storage_offset(), one.dtype) for one in _tensors((result,))]


def _as_meta(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return torch.empty_strided(result.size(), result.stride(), dtype=result.dtype, device="meta")
    return type(result)([_as_meta(item) for item in result])


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def size_of_trial(values: Any) -> int:
    """Return how many elements arguments have, times what their numbers could make of it (`bins=[1000, 1000]`)."""
    elements = sum(tensor.numel() for tensor in _tensors(values))
    return max(1, elements) * math.prod(max(1, abs(number)) for number in _numbers(values))


def _numbers(values: Any) -> Iterator[int]:
    for value in values:
        if type(value) is int:
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _numbers(value)
