"""Where kernels lay results out in another way than the meta functions that stand for them.

A meta kernel knows of no device, and some of torch's meta functions in Python know less of memory formats than the
kernels do. What is here is by operator, with the kernel that it was read from; `tests/test_layouts.py` looks for more.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch._decomp
from torch._ops import OpOverload
from torch._prims_common import suggest_memory_format

from framelift_fake_tensors.convolution import format_of_convolution
from framelift_fake_tensors.errors import NoMetaKernelError
from framelift_fake_tensors.kernels import compute, is_symbolic
from framelift_fake_tensors.layout import settled
from framelift_fake_tensors.trial import is_triable, result_of_trial

__all__ = ["as_laid_out", "format_on_cpu"]

_LAST = (torch.channels_last, torch.channels_last_3d)
_aten = torch.ops.aten
_AS_FIRST = frozenset(
    [
        _aten.channel_shuffle.default,  # native/ChanelShuffle.cpp
        _aten.native_channel_shuffle.default,
        _aten.max_unpool2d.default,  # native/MaxUnpooling.cpp
        _aten.pixel_shuffle.default,  # native/PixelShuffle.cpp
        _aten.reflection_pad2d.default,
        _aten.reflection_pad3d.default,  # native/ReflectionPad.cpp
        _aten.replication_pad2d.default,
        _aten.replication_pad3d.default,  # native/ReplicationPadding.cpp
    ]
)
"""Operators whose kernels for the CPU keep the channels of the first argument last."""
_BATCH_NORMS = frozenset(
    [
        _aten.native_batch_norm.default,
        _aten._native_batch_norm_legit.default,
        _aten._native_batch_norm_legit.no_stats,
        _aten._batch_norm_with_update.default,
    ]
)
"""Their kernel (native/Normalization.cpp) keeps channels last, and makes all else contiguous: transposed lines too."""
_VIEWS = frozenset([_aten.view.default, _aten._unsafe_view.default])


def format_on_cpu(operator: OpOverload, args: Sequence[Any]) -> torch.memory_format | None:
    """Return the memory format of the first result of an operator, where kernels for the CPU choose it by the argument.

    Args:
        operator: any operator; `None` for most.
        args: its arguments, fakes among them.

    >>> format_on_cpu(torch.ops.aten.add.Tensor, ()) is None
    True
    """
    if (operator not in _AS_FIRST and operator not in _BATCH_NORMS) or args[0].device.type != "cpu":
        return None
    memory_format = suggest_memory_format(args[0])
    return memory_format if memory_format in _LAST or operator in _BATCH_NORMS else None


def as_laid_out(
    operator: OpOverload, args: Sequence[Any], lowered: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> Any:
    """Return what a meta function gave, laid out as the kernel of the device would.

    Args:
        operator: any operator.
        args: its arguments, fakes among them.
        lowered: the same, meta tensors in place of fakes.
        kwargs: arguments by name, meta tensors in place of fakes.
        result: a meta tensor, or several.

    >>> import torch
    >>> as_laid_out(torch.ops.aten.add.Tensor, (), (), {}, 2)
    2
    """
    if operator in _VIEWS:
        return _as_viewed(operator, lowered[0], lowered[1], result)
    memory_format = format_of_convolution(operator, args)
    if memory_format is not None:
        return _with_channels_last(result, memory_format)
    memory_format = format_on_cpu(operator, args)
    if memory_format is not None:
        return as_format(result, memory_format)
    if isinstance(result, torch.Tensor) and _is_empty(result) and _is_elementwise_on_cpu(operator, args):
        return _as_of_nothing(operator, lowered, kwargs, result)
    if _is_elementwise_in_python(operator):
        return _as_iterated(lowered, result)
    return result


def _as_viewed(operator: OpOverload, tensor: torch.Tensor, wanted: Sequence[Any], result: torch.Tensor) -> torch.Tensor:
    """Return a view whose dimensions of one element have the strides that the kernel gives them.

    The kernel (aten/src/ATen/TensorUtils.cpp, computeStride) goes from the last dimension to the first, and joins one
    of size 1 to what is right of it; the function in Python that knows symbols gives it another stride. It also takes
    a few sizes that the kernel refuses, which is seen by asking the kernel with the numbers of this run.
    """
    if not is_symbolic((tensor, result)):
        return result
    size, stride, hinted = _hints(tensor.size()), _hints(tensor.stride()), _hints(wanted)
    if size is not None and stride is not None and hinted is not None:
        compute(operator, (torch.empty_strided(size, stride, dtype=tensor.dtype, device=tensor.device), hinted), {})
    sizes = settled(result.size())
    if 1 not in _numbers(sizes) or 0 in _numbers(sizes):
        return result
    strides: list[Any] = list(result.stride())
    for dim in reversed(range(len(sizes))):
        if type(sizes[dim]) is int and sizes[dim] == 1:
            at_end = dim == len(sizes) - 1
            last = tensor.stride()[-1] if tensor.dim() else 1
            strides[dim] = last if at_end else sizes[dim + 1] * strides[dim + 1]
    viewed: torch.Tensor = compute(_aten.as_strided.default, (result, sizes, strides, result.storage_offset()), {})
    return viewed


def _hints(extents: Sequence[Any]) -> list[int] | None:
    """Return sizes or strides as the numbers of this run; nothing, where only data tells one."""
    hints = [extent.node.hint if isinstance(extent, torch.SymInt) else extent for extent in extents]
    return None if None in hints else hints


def _numbers(extents: Sequence[Any]) -> list[int]:
    return [extent for extent in extents if type(extent) is int]


def _is_empty(tensor: torch.Tensor) -> bool:
    return not tensor._has_symbolic_sizes_strides and tensor.dim() > 1 and 0 in tensor.shape


def _is_elementwise_on_cpu(operator: OpOverload, args: Sequence[Any]) -> bool:
    devices = [one.device.type for one in args if isinstance(one, torch.Tensor)]
    return torch.Tag.pointwise in operator.tags and set(devices) == {"cpu"} and is_triable(operator, "cpu")


def _as_of_nothing(
    operator: OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: torch.Tensor
) -> torch.Tensor:
    """Return a result without elements, laid out as the kernel for the CPU does.

    torch's iterator multiplies the sizes up as they are, so that strides are 0 after a dimension without elements; for
    the meta device it does not. To try it costs nothing: there is nothing to compute.
    """
    try:
        tried = result_of_trial(operator, args, dict(kwargs))
    except NoMetaKernelError:  # the arguments are too large for a trial, say
        return result
    return tried if tried.shape == result.shape and tried.dtype == result.dtype else result


def _with_channels_last(result: Any, memory_format: torch.memory_format) -> Any:
    """Return what a convolution gives, or its gradients, with channels last; the gradient of a bias has none."""
    if isinstance(result, torch.Tensor):
        return as_format(result, memory_format) if result.dim() >= 3 else result
    return None if result is None else tuple([_with_channels_last(item, memory_format) for item in result])


def as_format(tensor: torch.Tensor, memory_format: torch.memory_format) -> torch.Tensor:
    """Return a meta tensor of the same sizes in a memory format; lines (3 dimensions) are images of one row.

    >>> as_format(torch.empty(2, 3, 4, device="meta"), torch.channels_last).stride()
    (12, 1, 3)
    """
    are_lines = tensor.dim() == 3
    image = compute(_aten.unsqueeze.default, (tensor, 2), {}) if are_lines else tensor
    made: torch.Tensor = compute(_aten.clone.default, (image,), {"memory_format": memory_format})
    return compute(_aten.squeeze.dim, (made, 2), {}) if are_lines else made


@functools.lru_cache(maxsize=4096)
def _is_elementwise_in_python(operator: OpOverload) -> bool:
    """Tell whether the meta function of an operator of two tensors, element by element, is written in Python."""
    arguments = [argument for argument in operator._schema.arguments if isinstance(argument.type, torch.TensorType)]
    return (
        (torch.Tag.pointwise in operator.tags or operator is _aten.floor_divide.default)  # which torch does not mark
        and len(arguments) == 2
        and not operator._schema.is_mutable
        and (operator in torch._decomp.meta_table or operator in torch._decomp.decomposition_table)
    )


def _as_iterated(args: Sequence[Any], result: Any) -> Any:
    """Return the result of an operator on two tensors, laid out as torch's iterator over their elements does.

    The functions in Python expand their arguments first, and lose which dimensions were there; `eq` has a kernel in C++
    for metadata, that is the iterator.
    """
    pair = tuple(args[:2])
    if not all(isinstance(one, torch.Tensor) for one in (result, *pair)):
        return result
    symbolic = is_symbolic(pair)
    if symbolic and pair[0].dim() == pair[1].dim() and 1 not in _numbers((*pair[0].size(), *pair[1].size())):
        return result  # none of them was expanded
    if all(one.is_contiguous() for one in pair):
        return result
    iterated = compute(_aten.eq.Tensor, pair, {})
    if not symbolic and (iterated.stride() == result.stride() or iterated.shape != result.shape):
        return result
    return torch.empty_strided(result.size(), iterated.stride(), dtype=result.dtype, device=result.device)
