"""Attribute functions and hashing, for objects whose special methods are Python code (Python/bltinmodule.c)."""

from __future__ import annotations

from typing import Any

__framelift_hidden__ = True


def getattr_default(owner: Any, name: str, default: Any, /) -> Any:
    """`getattr(owner, name, default)`."""
    try:
        return getattr(owner, name)
    except AttributeError:
        return default


def hasattr_(owner: Any, name: str, /) -> bool:
    """`hasattr(owner, name)`: only AttributeError means no."""
    try:
        getattr(owner, name)
    except AttributeError:
        return False
    return True


def hash_(value: Any, /) -> int:
    """`hash(value)` where `__hash__` is Python code, as Objects/typeobject.c: slot_tp_hash."""
    result = type(value).__hash__(value)  # type: ignore[call-arg]
    if not isinstance(result, int):
        raise TypeError("__hash__ method should return an integer")
    if result == -1:
        return -2
    if -(1 << 63) <= result < 1 << 63:
        return int(result)
    return hash(int(result))


def setattr_(owner: Any, name: str, value: Any, /) -> None:
    """`setattr(owner, name, value)` where `__setattr__` or a property is Python code."""
    type(owner).__setattr__(owner, name, value)  # type: ignore[call-arg]


def delattr_(owner: Any, name: str, /) -> None:
    """`delattr(owner, name)` where `__delattr__` or a property is Python code."""
    type(owner).__delattr__(owner, name)  # type: ignore[call-arg]


def check_by(method: Any, subject: Any, /) -> bool:
    """`isinstance` or `issubclass` by a metaclass's method, as Objects/abstract.c: object_isinstance."""
    return True if method(subject) else False  # noqa: SIM210 - `bool` is what it does


def instance_of_any(subject: Any, classes: tuple[type, ...], /) -> bool:
    """`isinstance(subject, classes)`."""
    for cls in classes:  # noqa: SIM110 - a generator expression has a frame of its own
        if isinstance(subject, cls):
            return True
    return False


def subclass_of_any(subject: Any, classes: tuple[type, ...], /) -> bool:
    """`issubclass(subject, classes)`."""
    for cls in classes:  # noqa: SIM110 - a generator expression has a frame of its own
        if issubclass(subject, cls):
            return True
    return False
