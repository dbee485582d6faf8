"""Continuations are run in a loop, not from within each other.

A frame that breaks in each round of a loop has a chain of continuations as long as the loop. If each were called by the
entry code before it, a thousand rounds would be a thousand host frames; so a continuation's entry code answers with the
call that comes next, and the first entry code of the chain makes it.
"""

from __future__ import annotations

import contextlib
import itertools
import types
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
    try:
        result = function(*arguments)
        while type(result) is TailCall:
            result = result.function(*result.arguments)
        return result
    except BaseException as error:
        result = arguments = ()
        error.__traceback__ = _of_the_program(error.__traceback__)
        raise


def _of_the_program(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback without the frames that a continuation runs in.

    They are no part of the program; and they hold what is raised, where it was handled before, or was the outcome of an
    operation: the exception would be in a cycle with its own traceback, and live until the next collection. An error of
    these frames themselves keeps them.
    """
    kept = []
    while traceback is not None:
        kept.append(traceback)
        traceback = traceback.tb_next
    if not kept or _is_own(kept[-1]):
        return kept[0] if kept else None
    for entry in kept:
        if _is_own(entry):  # the program's frames refer to it by `f_back`
            with contextlib.suppress(RuntimeError):  # it runs: an exception that was raised before, further out
                entry.tb_frame.clear()
    kept = [entry for entry in kept if not _is_own(entry)]
    for entry, following in itertools.pairwise(kept):
        entry.tb_next = following
    return kept[0]


def _is_own(traceback: types.TracebackType) -> bool:
    return str(traceback.tb_frame.f_globals.get("__name__")).startswith("framelift")
