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
