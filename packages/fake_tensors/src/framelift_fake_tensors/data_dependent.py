"""Operators whose results have a shape, or a value, that only data can tell: unbacked symbols stand for it.

torch marks some operators that need no data for most of their arguments (`linalg.lstsq`, `ctc_loss`): their rules make
no symbol then, and so work without any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

import torch
from torch._ops import HigherOrderOperator, OpOverload

from framelift_fake_tensors.errors import DataDependentError

__all__ = ["NewNumber", "compute_with_new_numbers", "masks_as_positions", "refusing"]


class NewNumber(Protocol):
    """Makes a symbolic number that only the run will tell."""

    def __call__(self, name: str, kind: type = int, *, minimum: int | None = None, maximum: int | None = None) -> Any:
        """Return the number; `name` is for messages, the others are the least and the greatest value it can have."""


def refusing(operator: OpOverload | HigherOrderOperator) -> NewNumber:
    """Return what raises `DataDependentError` where `operator` needs a new number."""

    def refuse(name: str, kind: type = int, *, minimum: int | None = None, maximum: int | None = None) -> NoReturn:
        raise DataDependentError(str(operator))

    return refuse


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


_check: Callable[[Any, Callable[[], str]], None] = torch._check
"""Raises `RuntimeError` with a message where a condition is known to be false; else takes it as true."""


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
    size: list[Any] = list(tensor.shape)  # numbers and symbols
    if any(isinstance(one, int) and one == 0 for place, one in enumerate(size) if place != dim % len(size)):
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    if isinstance(size[dim], int) and size[dim] == 0:
        return tensor.new_empty(size), _long(tensor, 0), _long(tensor, 0)
    count = new("unique slices", minimum=0)
    inverse = _long(tensor, size[dim]) if with_inverse else _long(tensor, 0)
    # The slices are found along the first dimension, which is moved back after (aten/src/ATen/native/Unique.cpp): so
    # they lie one after the other, and no stride depends on how many there are.
    strides, step = [0] * len(size), 1
    for place in [*reversed([place for place in range(len(size)) if place != dim % len(size)]), dim]:
        strides[place] = step
        step *= torch.sym_max(size[place], 1)  # type: ignore[no-untyped-call]
    size[dim] = count
    return tensor.new_empty_strided(size, strides), inverse, _long(tensor, count) if with_counts else _long(tensor, 0)


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
    if tensor.dtype is torch.bool:
        return _truth(new, args, _kwargs)
    if tensor.dtype.is_floating_point:
        return new("value of a tensor", float)
    if tensor.dtype.is_complex:  # there are no such symbols
        raise DataDependentError("aten._local_scalar_dense.default")
    return new("value of a tensor", minimum=None if tensor.dtype.is_signed else 0)


def _truth(new: NewNumber, _args: Sequence[Any], _kwargs: Mapping[str, Any]) -> Any:
    return new("truth of a tensor", minimum=0, maximum=1) == 1


def _least_squares(new: NewNumber, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    # aten/src/ATen/native/BatchLinearAlgebra.cpp: the solution is the upper part of a buffer that starts as `other`,
    # column by column; whether drivers that decompose make residuals depends on the rank.
    matrix, other = args[:2]
    driver = kwargs.get("driver") or "gelsy"
    _check(driver in ("gels", "gelsy", "gelsd", "gelss"), lambda: f"torch.linalg.lstsq: no driver {driver}")
    _check(matrix.dim() >= 2, lambda: "torch.linalg.lstsq: input must have at least 2 dimensions")
    _check(
        other.dim() >= 1 and 0 <= matrix.dim() - other.dim() <= 1,
        lambda: "torch.linalg.lstsq: other must have as many dimensions as input, or one less",
    )
    _check(matrix.dtype == other.dtype, lambda: "torch.linalg.lstsq: input and other must have one dtype")
    _check(
        matrix.dtype.is_floating_point or matrix.dtype.is_complex,
        lambda: f"torch.linalg.lstsq: not for {matrix.dtype}",
    )
    rows, columns = matrix.shape[-2:]
    is_vector = matrix.dim() - 1 == other.dim() and tuple(other.shape) == tuple(matrix.shape[:-1])
    right = other.unsqueeze(-1) if is_vector else other
    _check(right.shape[-2] == rows, lambda: "torch.linalg.lstsq: input and other must have equally many rows")
    batch = torch.broadcast_shapes(matrix.shape[:-2], right.shape[:-2])  # type: ignore[no-untyped-call]
    width = right.shape[-1]
    columnwise = matrix.new_empty((*batch, width, max(rows, columns))).narrow(-1, 0, columns)
    none, count = matrix.new_empty((0,)), matrix.new_empty((0,), dtype=torch.long)
    real = matrix.real.dtype if matrix.dtype.is_complex else matrix.dtype
    values, residuals = matrix.new_empty((0,), dtype=real), none.to(real)
    if driver != "gels":
        count = matrix.new_empty(batch, dtype=torch.long)
    if driver in ("gelsd", "gelss"):
        values = matrix.new_empty((*batch, min(rows, columns)), dtype=real)
        if rows > columns:
            raise DataDependentError("aten.linalg_lstsq.default")
    elif driver == "gels" and rows > columns:
        residuals = matrix.new_empty((*batch, width), dtype=real)
    return columnwise.squeeze(-2) if is_vector else columnwise.mT, residuals, count, values


def _ctc_loss(new: NewNumber, args: Sequence[Any], _kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    # aten/src/ATen/native/LossCTC.cpp: 2 * length + 1 states for the longest target.
    logs, targets, _input_lengths, lengths = args[:4]
    _check(logs.dim() == 3, lambda: "ctc_loss: log_probs must have 3 dimensions")
    steps, batch, _labels = logs.shape
    _check(len(lengths) == batch, lambda: f"ctc_loss: target_lengths must have {batch} entries")
    if targets.dim() > 1:
        longest = targets.shape[1]
    elif isinstance(lengths, torch.Tensor):
        longest = new("length of a target", minimum=0)
    else:
        longest = max([*lengths, 0])
    return logs.new_empty((batch,)), logs.new_empty((batch, steps, 2 * longest + 1))


_RULES: Mapping[OpOverload, Rule] = {
    torch.ops.aten._ctc_loss.Tensor: _ctc_loss,
    torch.ops.aten._ctc_loss.default: _ctc_loss,
    torch.ops.aten._local_scalar_dense.default: _item,
    torch.ops.aten._unique.default: _unique,
    torch.ops.aten._unique2.default: _unique2,
    torch.ops.aten.allclose.default: _truth,
    torch.ops.aten.bincount.default: _bincount,
    torch.ops.aten.equal.default: _truth,
    torch.ops.aten.linalg_lstsq.default: _least_squares,
    torch.ops.aten.masked_select.default: _masked_select,
    torch.ops.aten.nonzero.default: _nonzero,
    torch.ops.aten.repeat_interleave.Tensor: _repeat_interleave,
    torch.ops.aten.unique_consecutive.default: _unique_consecutive,
    torch.ops.aten.unique_dim.default: _unique_dim,
    torch.ops.aten.unique_dim_consecutive.default: _unique_dim,
}
