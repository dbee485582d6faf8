"""Arithmetic functions on objects with special methods (Objects/abstract.c)."""

from __future__ import annotations

from typing import Any

__framelift_hidden__ = True


def divmod_(left: Any, right: Any, /) -> Any:
    """`divmod(left, right)`, as PyNumber_Divmod by binary_op1: a subclass on the right is asked first."""
    left_type = type(left)
    right_type = type(right)
    own = getattr(left_type, "__divmod__", None)
    other = getattr(right_type, "__rdivmod__", None)
    if left_type is right_type:
        other = None
    if other is not None and issubclass(right_type, left_type) and other is not getattr(left_type, "__rdivmod__", None):
        result = other(right, left)
        if result is not NotImplemented:
            return result
        other = None
    if own is not None:
        result = own(left, right)
        if result is not NotImplemented:
            return result
    if other is not None:
        result = other(right, left)
        if result is not NotImplemented:
            return result
    raise TypeError(
        "unsupported operand type(s) for divmod(): '" + left_type.__name__ + "' and '" + right_type.__name__ + "'"
    )
