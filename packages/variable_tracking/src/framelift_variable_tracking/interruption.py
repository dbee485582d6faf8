"""Exceptions that interrupt a capture: a signal's handler raised them, wherever the interpreter happened to be."""

from __future__ import annotations

import signal
import sys
import types
from collections.abc import Iterator

__all__ = ["is_interruption"]


def is_interruption(error: BaseException) -> bool:
    """Tell whether an exception came out of a signal's handler, or of a function that traces or profiles.

    Such a function runs between any two instructions, a capture's own included; what it raises is for the program that
    is interrupted, and no outcome of whatever ran. The code of the functions that are installed is looked for in the
    traceback, so that a handler that the program calls itself, as any function, is found as well: what it raises then
    reaches the program likewise.

    Args:
        error: an exception that was caught.

    >>> def handler(number, frame):
    ...     raise TimeoutError
    >>> before = signal.signal(signal.SIGINT, handler)
    >>> try:
    ...     signal.raise_signal(signal.SIGINT)
    ... except TimeoutError as error:
    ...     print(is_interruption(error), is_interruption(TimeoutError()))
    True False
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    traceback = error.__traceback__
    codes: set[types.CodeType] = set()
    while traceback is not None:
        codes.add(traceback.tb_frame.f_code)
        traceback = traceback.tb_next
    return not codes.isdisjoint(_installed())


def _installed() -> Iterator[types.CodeType]:
    """Yield the code of what is called between instructions."""
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    for function in (*handlers, sys.gettrace(), sys.getprofile()):
        if isinstance(function, types.MethodType):
            found: object = function.__func__
        elif isinstance(function, types.FunctionType):
            found = function
        else:
            found = next((vars(cls)["__call__"] for cls in type(function).__mro__ if "__call__" in vars(cls)), None)
        if isinstance(found, types.FunctionType):
            yield found.__code__
