"""Continuations are run in a loop, not from within each other.

A frame that breaks in each round of a loop has a chain of continuations as long as the loop. If each were called by the
entry code before it, a thousand rounds would be a thousand host frames; so a continuation's entry code answers with the
call that comes next, and the first entry code of the chain makes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["TailCall", "drive"]


class TailCall(NamedTuple):
    """The call that a continuation ends with."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def drive(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call `function(*arguments)`, and, for as long as the answer is a `TailCall`, that.

    >>> def count(n):
    ...     return n if n >= 5000 else TailCall(count, (n + 1,))
    >>> drive(count, 0)
    5000
    """
    result = function(*arguments)
    while type(result) is TailCall:
        result = result.function(*result.arguments)
    return result
