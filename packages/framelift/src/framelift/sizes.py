"""What a program says about the sizes of its tensors: they vary, may vary, never do.

The marks are the attributes that torch's own `mark_dynamic` and its kin leave on a tensor, so that either is honoured
by both, and they are gone when the tensor is. No call of `torch._dynamo` is needed for them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch

from framelift_bytecode_interp import Value
from framelift_graph_capture import MarkError, TensorVariable, break_on_call, session_of
from framelift_guards.plain import show
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Arguments,
    CallContext,
    FunctionRule,
    Keywords,
    Tracking,
)

__all__ = ["SIZE_RULES", "mark_dynamic", "mark_static", "mark_unbacked", "maybe_mark_dynamic"]

__framelift_hidden__ = True  # frames of this module are not the user's

Dims = int | Sequence[int]


@dataclasses.dataclass(frozen=True, slots=True)
class _Promise:
    """A dimension and its range, as torch reads them off a tensor."""

    dim: int
    min: int | None
    max: int | None


def mark_dynamic(t: torch.Tensor, dim: Dims, min: int | None = None, max: int | None = None) -> None:  # noqa: A002
    """Make sizes symbolic from the first capture on, and have it an error if the program makes a constant of one.

    Args:
        t: the tensor, before it is passed to what is lifted.
        dim: a dimension, or several; negative ones count from the end.
        min: the least size that will be passed.
        max: the greatest size that will be passed.

    Raises:
        MarkError: `t` is no tensor, has no such dimension, or the range is empty or leaves out the size that is there.
            The call of the lifted function raises one, with the line, where the program decides something about a
            marked size that does not hold for all of them; and where the size is 0 or 1, which are always specialised.

    >>> import framelift, torch
    >>> x = torch.ones(4, 3)
    >>> framelift.mark_dynamic(x, 0, min=2, max=64)
    >>> f = framelift.compile(lambda x: x * 2, backend="eager")
    >>> f(x).shape, f(torch.ones(9, 3)).shape, len(f.framelift.graphs)
    (torch.Size([4, 3]), torch.Size([9, 3]), 1)
    """
    for one in _checked("mark_dynamic", t, dim):
        _check_range(t, one, min, max)
        promised = _set_of(t, "_dynamo_dynamic_range")
        promised -= {earlier for earlier in promised if earlier.dim == one}
        promised.add(_Promise(one, min, max))
        _mark(t, "_dynamo_dynamic_indices", one)


def maybe_mark_dynamic(t: torch.Tensor, dim: Dims) -> None:
    """Make sizes symbolic from the first capture on, where the program does not make a constant of them.

    Args:
        t: the tensor.
        dim: a dimension, or several.

    Raises:
        MarkError: `t` is no tensor, or has no such dimension.

    >>> import framelift, torch
    >>> x = torch.ones(4)
    >>> framelift.maybe_mark_dynamic(x, 0)
    >>> f = framelift.compile(lambda x: x * 2 if x.size(0) == 4 else x, backend="eager")
    >>> f(x)
    tensor([2., 2., 2., 2.])
    """
    for one in _checked("maybe_mark_dynamic", t, dim):
        _mark(t, "_dynamo_weak_dynamic_indices", one)


def mark_static(t: Any, dim: Dims | None = None) -> Any:
    """Take sizes as they are, also under `dynamic=True` and after they have varied.

    In a function that is being captured it specialises on the sizes of a tensor then and there.

    Args:
        t: a tensor; or a subclass of `nn.Module`, whose int attributes are constants in any case.
        dim: a dimension, or several; all by default.

    Returns:
        The class where it was given one, so that it decorates; else None.

    Raises:
        MarkError: `t` is neither, or has no such dimension.

    >>> import framelift, torch
    >>> x = torch.ones(4, 3)
    >>> framelift.mark_static(x, 1)
    >>> f = framelift.compile(lambda x: x * 2, backend="eager", dynamic=True)
    >>> _ = f(x)
    >>> f.framelift.graphs[0].graph.find_nodes(op="placeholder")[-1].meta["example_value"].shape
    torch.Size([s77, 3])
    """
    if isinstance(t, type) and issubclass(t, torch.nn.Module):
        t._dynamo_marked_static = True  # type: ignore[attr-defined]
        return t
    for one in _checked("mark_static", t, range(t.dim()) if dim is None and isinstance(t, torch.Tensor) else dim):
        _mark(t, "_dynamo_static_indices", one)
    return None


def mark_unbacked(t: torch.Tensor, dim: Dims, **_options: object) -> None:
    """Refuse: sizes of arguments always have a value in a capture, so none can be treated as unknown.

    Tensors that `torch._dynamo.decorators.mark_unbacked` has marked are taken as by `maybe_mark_dynamic`.

    Raises:
        MarkError: always; it says what to do.

    >>> import framelift, torch
    >>> framelift.mark_unbacked(torch.ones(4), 0)
    Traceback (most recent call last):
    framelift_graph_capture.errors.MarkError: mark_unbacked(t, 0) must be about an unknown size, but is about 4; use \
mark_dynamic: the size stays free, except that 0 and 1 are captured apart
    """
    for one in _checked("mark_unbacked", t, dim):
        raise MarkError(
            f"mark_unbacked(t, {one})", "must be about an unknown size", f"about {t.size(one)}",
            "use mark_dynamic: the size stays free, except that 0 and 1 are captured apart",
        )  # fmt: skip


def _checked(name: str, t: object, dim: object) -> list[int]:
    """Return the dimensions, counted from the front."""
    if not isinstance(t, torch.Tensor):
        raise MarkError(
            f"{name}(t, …)", "takes a tensor", f"of type {type(t).__name__}", "mark the tensors that it holds"
        )
    dims = list(dim) if isinstance(dim, (list, tuple, range)) else [dim]
    count, found = t.dim(), []
    for one in dims:
        if isinstance(one, bool) or not isinstance(one, int):
            raise MarkError(f"{name}(t, dim)", "takes an int or several", show(one), "pass the number of a dimension")
        if not -count <= one < count:
            raise MarkError(
                f"{name}(t, {one})", "must name a dimension of the tensor", f"out of range for shape {tuple(t.shape)}",
                f"pass a number from {-count} to {count - 1}" if count else "a 0-d tensor has no size to mark",
            )  # fmt: skip
        found.append(one % count)
    return found


def _check_range(t: torch.Tensor, dim: int, least: object, most: object) -> None:
    for name, bound in (("min", least), ("max", most)):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int) or bound < 0):
            raise MarkError(
                f"mark_dynamic(t, {dim}, {name}=…)", "takes an int of at least 0, or None", show(bound),
                "pass the size that is the limit",
            )  # fmt: skip
    size = t.size(dim)
    text = f"mark_dynamic(t, {dim}, min={least}, max={most})"
    if isinstance(least, int) and isinstance(most, int) and least > most:
        raise MarkError(text, "must be a range of sizes", "an empty one", "swap min and max")
    if (isinstance(least, int) and size < least) or (isinstance(most, int) and size > most):
        raise MarkError(
            text, "must be a range that holds the size of the tensor", f"about a size of {size}", "widen the range"
        )


def _set_of(t: torch.Tensor, attribute: str) -> set[Any]:
    fields = t.__dict__
    found: set[Any] = fields.setdefault(attribute, set())
    return found


def _mark(t: torch.Tensor, attribute: str, dim: int) -> None:
    _set_of(t, attribute).add(dim)
    # What torch's own functions take for granted on a tensor that bears a mark.
    for name in ("_dynamo_hint_overrides", "_specialize_on"):
        t.__dict__.setdefault(name, {})
    t.__dict__["_has_dynamo_dim_marking"] = True


def _static_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    tensor = args[0] if args else kwargs.get("t")
    dim = args[1] if len(args) > 1 else kwargs.get("dim")
    dims = None if dim is None else domain.as_constant(dim)
    if not isinstance(tensor, TensorVariable) or dims is NOT_CONSTANT:
        return break_on_call("framelift.mark_static()")(domain, context, args, kwargs)
    fake: Any = session_of(domain).realise(tensor).fake
    for one in range(fake.dim()) if dims is None else _checked("mark_static", fake, dims):
        int(fake.size(one))
    return Value(domain.constant(None))


SIZE_RULES: dict[Any, FunctionRule] = {
    mark_dynamic: break_on_call("framelift.mark_dynamic()"),
    maybe_mark_dynamic: break_on_call("framelift.maybe_mark_dynamic()"),
    mark_unbacked: break_on_call("framelift.mark_unbacked()"),
    mark_static: _static_rule,
}
"""The rules of these functions, for a registry: in a capture a mark takes effect for what comes after a break."""
