"""Operators whose results have a shape, or a value, that only data can tell: unbacked symbols stand for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch._ops import OpOverload

from framelift_fake_tensors.errors import DataDependentError

__all__ = ["NewNumber", "compute_with_new_numbers", "masks_as_positions"]


class NewNumber(Protocol):
    """Makes a symbolic number that only the run will tell."""

    def __call__(self, name: str, kind: type = int, *, minimum: int | None = None) -> Any:
        """Return the number; `name` is for messages, `minimum` the least value that it can have."""


Rule = Callable[[NewNumber, Sequence[Any], Mapping[str, Any]], Any]


def compute_with_new_numbers(
    operator: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], new: NewNumber
) -> Any:
    """Return what a data-dependent operator gives on meta tensors, with new symbols for what data would tell.

    Args:
        operator: the operator.
        args: meta tensors and constants.
        kwargs: the same, by name.
        new: makes a new symbol.

    Raises:
        DataDependentError: nothing but the data tells even what kind of result it is.
    """
    rule = _RULES.get(operator)
    if rule is None:
        raise DataDependentError(str(operator))
    return rule(new, args, kwargs)


def masks_as_positions(indices: Sequence[torch.Tensor | None], new: NewNumber) -> list[torch.Tensor | None]:
    """Return indices with each mask as the index tensors that select the same elements.

    Masks of one index select equally many elements, or eager raises: they share one symbol.

    Args:
        indices: the index tensors, as `aten.index.Tensor` takes them.
        new: makes a new symbol.
    """
    count: Any = None
    result: list[torch.Tensor | None] = []
    for index in indices:
        if index is None or index.dtype not in (torch.bool, torch.uint8):
            result.append(index)
            continue
        if count is None:
            count = new("elements that a mask selects", minimum=0)
        result.extend([_long(index, count) for _ in range(index.dim())])
    return result


def _long(like: torch.Tensor, *size: Any) -> torch.Tensor:
    return torch.empty(size, dtype=torch.long, device=like.device)


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], position: int, name: str, default: Any) -> Any:
    return args[position] if position < len(args) else kwargs.get(name, default)


def _nonzero(new: NewNumber, args: Sequence[Any], _kwargs: Mapping[str, Any]) -> torch.Tensor:
    (tensor,) = args
    count, dims = new("nonzero elements", minimum=0), tensor.dim()
    # One column of positions after the other: aten/src/ATen/native/TensorAdvancedIndexing.cpp.
    return _long(tensor, dims, count).t()


def _masked_select(new: NewNumber, args: Sequence[Any], _kwargs: Mapping[str, Any]) -> torch.Tensor:
    tensor, mask = args
    torch.broadcast_shapes(tensor.shape, mask.shape)  # type: ignore[no-untyped-call]
    result: torch.Tensor = tensor.new_empty((new("elements that a mask selects", minimum=0),))
    return result


def _repeat_interleave(new: NewNumber, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    (repeats,) = args
    known = kwargs.get("output_size")
    count = new("sum of repeats", minimum=0) if known is None else known
    result: torch.Tensor = repeats.new_empty((count,))
    return result


def _bincount(new: NewNumber, args: Sequence[Any], kwargs: Mapping[str, Any]) -> torch.Tensor:
    weights = _argument(args, kwargs, 1, "weights", None)
    bins = new("bins", minimum=_argument(args, kwargs, 2, "minlength", 0))
    if weights is None:
        return _long(args[0], bins)
    dtype = torch.float if weights.dtype == torch.float else torch.double
    return torch.empty((bins,), dtype=dtype, device=args[0].device)


def _unique_of_all(with_inverse: bool, with_counts: bool, new: NewNumber, tensor: torch.Tensor) -> tuple[Any, ...]:
    count = new("unique elements", minimum=0)
    inverse = _long(tensor, *tensor.shape) if with_inverse else _long(tensor, 0)
    return tensor.new_empty((count,)), inverse, _long(tensor, count) if with_counts else _long(tensor, 0)


def _unique_of_dimension(
    dim: int, with_inverse: bool, with_counts: bool, new: NewNumber, tensor: torch.Tensor
) -> tuple[Any, ...]:
    count, size = new("unique slices", minimum=0), list(tensor.shape)
    inverse = _long(tensor, size[dim]) if with_inverse else _long(tensor, 0)
    size[dim] = count
    return tensor.new_empty(size), inverse, _long(tensor, count) if with_counts else _long(tensor, 0)


def _unique(new: NewNumber, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    return _unique_of_all(_argument(args, kwargs, 2, "return_inverse", False), False, new, args[0])[:2]


def _unique2(new: NewNumber, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    inverse = _argument(args, kwargs, 2, "return_inverse", False)
    counts = _argument(args, kwargs, 3, "return_counts", False)
    # The kernel that sorts makes the inverse whenever it makes counts (aten/src/ATen/native/Unique.cpp).
    return _unique_of_all(inverse or counts, counts, new, args[0])


def _unique_dim(new: NewNumber, args: Sequence[Any], _kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    return _unique_of_dimension(args[1], True, True, new, args[0])  # both are made whatever was asked


def _unique_consecutive(new: NewNumber, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    inverse = _argument(args, kwargs, 1, "return_inverse", False)
    counts = _argument(args, kwargs, 2, "return_counts", False)
    dim = _argument(args, kwargs, 3, "dim", None)
    if dim is None:
        return _unique_of_all(inverse, counts, new, args[0])
    return _unique_of_dimension(dim, True, True, new, args[0])


def _item(new: NewNumber, args: Sequence[Any], _kwargs: Mapping[str, Any]) -> Any:
    (tensor,) = args
    if tensor.dtype.is_floating_point:
        return new("value of a tensor", float)
    if tensor.dtype.is_complex or tensor.dtype is torch.bool:  # there are no such symbols
        raise DataDependentError("aten._local_scalar_dense.default")
    return new("value of a tensor", minimum=None if tensor.dtype.is_signed else 0)


_RULES: Mapping[OpOverload, Rule] = {
    torch.ops.aten._local_scalar_dense.default: _item,
    torch.ops.aten._unique.default: _unique,
    torch.ops.aten._unique2.default: _unique2,
    torch.ops.aten.bincount.default: _bincount,
    torch.ops.aten.masked_select.default: _masked_select,
    torch.ops.aten.nonzero.default: _nonzero,
    torch.ops.aten.repeat_interleave.Tensor: _repeat_interleave,
    torch.ops.aten.unique_consecutive.default: _unique_consecutive,
    torch.ops.aten.unique_dim.default: _unique_dim,
}
