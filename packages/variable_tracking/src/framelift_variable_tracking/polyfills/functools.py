"""`functools` functions written in C (Modules/_functoolsmodule.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__framelift_hidden__ = True


def reduce(function: Callable[[Any, Any], Any], iterable: Iterable[Any], /) -> Any:
    """`functools.reduce(function, iterable)`."""
    iterator = iter(iterable)
    try:
        result = next(iterator)
    except StopIteration:
        raise TypeError("reduce() of empty iterable with no initial value") from None
    for item in iterator:
        result = function(result, item)
    return result


def reduce_from(function: Callable[[Any, Any], Any], iterable: Iterable[Any], initial: Any, /) -> Any:
    """`functools.reduce(function, iterable, initial)`."""
    result = initial
    for item in iterable:
        result = function(result, item)
    return result


_ABSENT = object()


def cached_property_get(descriptor: Any, instance: Any, owner: Any = None, /) -> Any:
    """`functools.cached_property.__get__`, as from CPython 3.12 on: without a lock around it."""
    if instance is None:
        return descriptor
    name = descriptor.attrname
    if name is None:
        raise TypeError("Cannot use cached_property instance without calling __set_name__ on it.")
    try:
        cache = instance.__dict__
    except AttributeError:
        raise TypeError(
            f"No '__dict__' attribute on {type(instance).__name__!r} instance to cache {name!r} property."
        ) from None
    value = cache.get(name, _ABSENT)
    if value is _ABSENT:
        value = descriptor.func(instance)
        cache[name] = value
    return value
