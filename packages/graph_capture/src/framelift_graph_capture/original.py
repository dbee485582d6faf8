"""What a lifted function carries: the function that it dispatches for."""

from __future__ import annotations

import types

__all__ = ["ORIGINAL", "original_of"]

ORIGINAL = "_framelift_original"
"""The attribute of a lifted function that holds the function it was made from."""


def original_of(function: object) -> types.FunctionType | None:
    """Return the function that a lifted one was made from, or `None` for anything else.

    A capture goes on in the program, not in how it is dispatched. A wrapper of a lifted function has a copy of its
    attributes (`functools.wraps`), yet is a function of its own: not generated.

    >>> original_of(original_of) is None
    True
    """
    if not isinstance(function, types.FunctionType) or function.__globals__.get("__name__") != "framelift_generated":
        return None
    found = function.__dict__.get(ORIGINAL)
    return found if isinstance(found, types.FunctionType) else None
