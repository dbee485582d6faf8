"""Torch's functions of functions on fakes: what `cond`, `while_loop`, `scan`, `map` and `flex_attention` return.

A step of a loop is run once, however many there are; of a condition that only data can tell, both branches are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.utils._pytree as pytree
from torch._ops import HigherOrderOperator

from framelift_fake_tensors.cache import metadata_of
from framelift_fake_tensors.data_dependent import NewNumber
from framelift_fake_tensors.errors import DataDependentError, NoMetaKernelError
from framelift_fake_tensors.tensor import FakeTensor

__all__ = ["run_higher_order"]


def run_higher_order(
    operator: HigherOrderOperator, args: tuple[Any, ...], kwargs: Mapping[str, Any], new: NewNumber
) -> Any:
    """Return what a function of functions gives on fakes.

    Args:
        operator: the function, such as `torch.ops.higher_order.cond`.
        args: functions, fakes and constants.
        kwargs: the same, by name.
        new: makes a symbol for a number that data decides.

    Raises:
        DataDependentError: the branches of a condition return different things, so that data decides of the shapes.
        NoMetaKernelError: torch has no implementation of it that calls other operators.
    """
    name: str = operator.name()  # type: ignore[no-untyped-call]
    rule = _RULES.get(name)
    if rule is not None:
        return rule(name, new, *args, **kwargs)
    dense = operator.py_kernels.get(torch._C.DispatchKey.CompositeExplicitAutograd)
    if dense is None:
        raise NoMetaKernelError(name)
    return dense(*args, **kwargs)


def _cond(
    name: str,
    _new: NewNumber,
    pred: Any,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    operands: Sequence[Any] = (),
) -> Any:
    if not isinstance(pred, (torch.Tensor, torch.SymBool)):
        return true_fn(*operands) if pred else false_fn(*operands)
    (first, form), (second, other) = (pytree.tree_flatten(branch(*operands)) for branch in (true_fn, false_fn))
    if form != other:
        raise RuntimeError(f"{name}: one branch returns {form}, the other {other}; both must return the same structure")
    if not all(map(_alike, first, second)):
        raise DataDependentError(name)
    return pytree.tree_unflatten(first, form)


def _alike(first: Any, second: Any) -> bool:
    if isinstance(first, FakeTensor) and isinstance(second, FakeTensor):
        return bool(metadata_of(first) == metadata_of(second))
    return type(first) is type(second) and bool(first == second)


def _while_loop(
    name: str,
    new: NewNumber,
    cond_fn: Callable[..., Any],
    body_fn: Callable[..., Any],
    carried: Sequence[Any],
    additional: Sequence[Any] = (),
    **options: Any,
) -> Any:
    if options.get("stack_output"):
        raise DataDependentError(name)
    # Of a number that is carried on, only the run tells the last value.
    carried = [new("number that a loop carries on") if type(value) is int else value for value in carried]
    again = cond_fn(*carried, *additional)
    if isinstance(again, torch.Tensor) and (again.dim() or again.dtype is not torch.bool):
        raise RuntimeError(
            f"{name}: cond_fn must return a boolean scalar, not {again.dtype} with {again.dim()} dimensions"
        )
    results = body_fn(*carried, *additional)
    if len(results) != len(carried):
        raise RuntimeError(
            f"{name}: body_fn must return {len(carried)} values, as many as it is given, not {len(results)}"
        )
    for place, (before, after) in enumerate(zip(carried, results, strict=True)):
        if isinstance(before, torch.Tensor) and (before.shape, before.dtype) != (after.shape, after.dtype):
            raise RuntimeError(
                f"{name}: value {place} becomes {tuple(after.shape)} of {after.dtype} in a step, and was "
                f"{tuple(before.shape)} of {before.dtype}; steps must keep the shape and dtype"
            )
    return tuple(
        [after if isinstance(after, torch.Tensor) else new("number that a loop carries on") for after in results]
    )


def _scan(
    _name: str,
    _new: NewNumber,
    combine_fn: Callable[..., Any],
    init: Sequence[Any],
    xs: Sequence[Any],
    additional: Sequence[Any] = (),
) -> list[Any]:
    if not xs:
        return list(init)
    outs = list(combine_fn(*init, *[x.select(0, 0) for x in xs], *additional))
    return [*outs[: len(init)], *[_stacked(out, xs[0].shape[0]) for out in outs[len(init) :]]]


def _map(
    _name: str, _new: NewNumber, function: Callable[..., Any], xs: Sequence[Any], additional: Sequence[Any]
) -> Any:
    outs, form = pytree.tree_flatten(function(*[x.select(0, 0) for x in xs], *additional))
    return pytree.tree_unflatten([_stacked(out, xs[0].shape[0]) for out in outs], form)


def _stacked(out: Any, count: Any) -> Any:
    return out.new_empty((count, *out.shape)) if isinstance(out, torch.Tensor) else out


_RULES: Mapping[str, Callable[..., Any]] = {
    "cond": _cond,
    "while_loop": _while_loop,
    "scan": _scan,
    "map_impl": _map,
}
