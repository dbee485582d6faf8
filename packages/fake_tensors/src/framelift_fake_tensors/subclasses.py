"""Fakes of subclasses of `torch.Tensor`: they keep their type.

A subclass that adds methods, attributes or a `__torch_function__` has a class of fakes that derives from `FakeTensor`
and from it: `isinstance` tells the truth, its methods are there, and its `__torch_function__` is asked as eager asks
it. A subclass that wraps other tensors and says how (`__tensor_flatten__`) is wrapped again, around their fakes.
Others, with a `__torch_dispatch__` that may do anything with data, have no fakes.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch._C
from torch.overrides import _get_overloaded_args

from framelift_fake_tensors.errors import UnsupportedTensorError
from framelift_fake_tensors.tensor import FakeTensor

__all__ = ["asked_subclasses", "class_of_fakes", "is_wrapper", "rewrapped", "set_attributes"]

_BASES = (torch.Tensor, torch.nn.Parameter)
_NO_FUNCTION = torch._C._disabled_torch_function_impl
_OURS = frozenset(FakeTensor.__annotations__)


def class_of_fakes(kind: type[torch.Tensor]) -> type[FakeTensor]:
    """Return the class of the fakes of tensors of class `kind`; the same one each time.

    Args:
        kind: a subclass of `torch.Tensor`, or such a class of fakes.

    Raises:
        UnsupportedTensorError: the class has a `__torch_dispatch__` of its own, or can't be derived from.

    >>> import torch
    >>> class Labelled(torch.Tensor):
    ...     pass
    >>> fakes = class_of_fakes(Labelled)
    >>> issubclass(fakes, Labelled), fakes is class_of_fakes(fakes), class_of_fakes(torch.Tensor)
    (True, True, <class 'framelift_fake_tensors.tensor.FakeTensor'>)
    """
    if kind in _BASES:
        return FakeTensor
    if issubclass(kind, FakeTensor):
        return kind
    # A class knows its subclasses weakly, and so lives no longer than the program and its fakes keep it.
    for known in type.__subclasses__(kind):
        if known.__bases__ == (FakeTensor, kind):
            return known  # type: ignore[return-value]
    return _derived(kind)


def _derived(kind: type[torch.Tensor]) -> type[FakeTensor]:
    if kind.__torch_dispatch__ is not torch._C._disabled_torch_dispatch_impl:
        raise UnsupportedTensorError(
            f"type {kind.__name__}, which has a __torch_dispatch__ of its own and no __tensor_flatten__"
        )
    clash = sorted(name for name in _OURS if hasattr(kind, name))
    if clash:
        raise UnsupportedTensorError(f"type {kind.__name__}, whose attribute {clash[0]!r} is one of FakeTensor's")
    namespace = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    try:
        derived: Any = types.new_class(kind.__name__, (FakeTensor, kind), exec_body=lambda body: body.update(namespace))
    except TypeError as error:
        raise UnsupportedTensorError(f"type {kind.__name__}, of which no other can be derived ({error})") from error
    # Only now: torch takes the default one away from a new class that has a __torch_dispatch__.
    derived.__torch_function__ = next(
        vars(cls)["__torch_function__"] for cls in kind.__mro__ if "__torch_function__" in vars(cls)
    )
    return derived  # type: ignore[no-any-return]


def is_wrapper(kind: type) -> bool:
    """Tell whether tensors of a class wrap others and say how these are taken out and put in again.

    >>> import torch
    >>> from framelift_fake_tensors import FakeTensor
    >>> is_wrapper(torch.Tensor), is_wrapper(FakeTensor)
    (False, False)
    """
    return (
        kind not in _BASES
        and issubclass(kind, torch.Tensor)
        and hasattr(kind, "__tensor_flatten__")
        and hasattr(kind, "__tensor_unflatten__")
    )


def rewrapped(tensor: Any, fake: Callable[[torch.Tensor, str], torch.Tensor]) -> torch.Tensor:
    """Return a tensor like one that wraps others, around their fakes.

    Args:
        tensor: what `is_wrapper` holds for.
        fake: makes the fake of a tensor, given the name of the attribute that holds it.
    """
    names, context = tensor.__tensor_flatten__()
    inner = {name: fake(getattr(tensor, name), name) for name in names}
    made: torch.Tensor = type(tensor).__tensor_unflatten__(inner, context, tensor.size(), tensor.stride())
    return made.requires_grad_(tensor.requires_grad) if tensor.is_leaf else made


def set_attributes(tensor: torch.Tensor, target: FakeTensor, fake: Callable[[torch.Tensor, str], torch.Tensor]) -> None:
    """Give a fake the attributes that a program set on an instance of a subclass, tensors among them as fakes."""
    for name, value in vars(tensor).items():
        if name in _OURS:
            raise UnsupportedTensorError(f"an attribute {name!r}, which is one of FakeTensor's")
        setattr(target, name, fake(value, name) if isinstance(value, torch.Tensor) else value)


def asked_subclasses(values: Iterable[Any]) -> list[Any]:
    """Return the arguments whose `__torch_function__` torch would ask now, in its order.

    Args:
        values: the arguments of a call, in containers or not.
    """
    if not torch._C._is_torch_function_enabled():
        return []
    found = [value for value in _subclassed(values) if type(value).__torch_function__ is not _NO_FUNCTION]
    return _get_overloaded_args(found) if found else []


def _subclassed(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            if type(value) is not FakeTensor and type(value) not in _BASES:
                yield value
        elif isinstance(value, (tuple, list)):
            yield from _subclassed(value)
        elif isinstance(value, dict):
            yield from _subclassed(value.values())
