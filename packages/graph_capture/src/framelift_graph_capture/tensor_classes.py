"""What torch's classes of tensors bind themselves, and whether the program has bound something else since."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

__all__ = ["asked_by", "is_patched"]

# As they were when framelift was imported: whatever was patched before that takes part in operations as torch's own.
_AS_THEY_WERE: dict[type, dict[str, object]] = {cls: dict(cls.__dict__) for cls in (torch.Tensor, torch.nn.Parameter)}
_NOTHING = object()
_MIRRORED = {"__lt__": "__gt__", "__gt__": "__lt__", "__le__": "__ge__", "__ge__": "__le__"}


def is_patched(cls: type, name: str) -> bool:
    """Tell whether the program gave one of torch's classes of tensors an attribute, or took it away.

    A patch that is taken back by assignment leaves what was inherited, as an attribute of the class's own.

    >>> is_patched(torch.Tensor, "sin"), is_patched(torch.Tensor, "split")
    (False, False)
    """
    found = cls.__dict__.get(name, _NOTHING)
    if found is _AS_THEY_WERE[cls].get(name, _NOTHING):
        return False
    return found is not getattr(cls.__mro__[1], name, _NOTHING)


@functools.cache
def asked_by(function: Callable[..., object]) -> tuple[str, ...]:
    """Return the special methods that a function of `operator` may ask a tensor for.

    >>> import operator
    >>> asked_by(operator.add), asked_by(operator.iadd), asked_by(operator.lt)
    (('__add__', '__radd__'), ('__iadd__', '__add__', '__radd__'), ('__lt__', '__gt__'))
    """
    name = function.__name__.strip("_")
    own = f"__{name}__"
    if own in _MIRRORED:
        return own, _MIRRORED[own]
    plain = f"__{name[1:]}__"
    if name.startswith("i") and hasattr(torch.Tensor, plain):
        return own, plain, f"__r{name[1:]}__"
    reflected = f"__r{name}__"
    return (own, reflected) if hasattr(torch.Tensor, reflected) else (own,)
