"""Constructors of numbers for objects with special methods (Objects/abstract.c: PyNumber_Long, PyNumber_Float)."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

__framelift_hidden__ = True

T = TypeVar("T")


def bool_of(value: Any, /) -> bool:
    """`bool(value)`, as Objects/object.c: PyObject_IsTrue; the interpreter does the truth test itself."""
    return True if value else False  # noqa: SIM210 - `bool` is what this function stands for


def int_of(value: Any, /) -> int:
    """`int(value)` for an object that is neither a number nor a text."""
    cls = type(value)
    if hasattr(cls, "__int__"):
        result = cls.__int__(value)
        if not isinstance(result, int):
            raise TypeError("__int__ returned non-int (type " + type(result).__name__ + ")")
        return exactly(result, int)
    if hasattr(cls, "__index__"):
        result = cls.__index__(value)
        if not isinstance(result, int):
            raise TypeError("__index__ returned non-int (type " + type(result).__name__ + ")")
        return exactly(result, int)
    raise TypeError("int() argument must be a string, a bytes-like object or a real number, not '" + cls.__name__ + "'")


def float_of(value: Any, /) -> float:
    """`float(value)` for an object that is neither a number nor a text."""
    cls = type(value)
    if hasattr(cls, "__float__"):
        result = cls.__float__(value)
        if not isinstance(result, float):
            raise TypeError(cls.__name__ + ".__float__ returned non-float (type " + type(result).__name__ + ")")
        return exactly(result, float)
    if hasattr(cls, "__index__"):
        return float(index(value))
    raise TypeError("float() argument must be a string or a real number, not '" + cls.__name__ + "'")


def index(value: Any, /) -> int:
    """`operator.index(value)`, as Objects/abstract.c: PyNumber_Index."""
    cls = type(value)
    if not hasattr(cls, "__index__"):
        raise TypeError("'" + cls.__name__ + "' object cannot be interpreted as an integer")
    result = cls.__index__(value)
    if not isinstance(result, int):
        raise TypeError("__index__ returned non-int (type " + type(result).__name__ + ")")
    return exactly(result, int)


def exactly(result: T, wanted: type[T], /) -> T:
    """Return what a special method gave; an instance of a subclass is deprecated, and made plain.

    The warning breaks the capture. The polyfills here are entered whole, so the break is at their call, which then
    warns for real, at the program's own line.
    """
    if type(result) is not wanted:
        warnings.warn(wanted.__name__ + " expected", DeprecationWarning, stacklevel=3)
    return result
