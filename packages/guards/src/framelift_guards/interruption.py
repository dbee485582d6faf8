"""Exceptions that interrupt what runs: a signal's handler raised them, or another thread had them raised."""

from __future__ import annotations

import dis
import signal
import sys
import types
from collections.abc import Iterator

__all__ = ["is_interruption"]


def is_interruption(error: BaseException) -> bool:
    """Tell whether an exception came from outside: from a signal's handler, a tracer or profiler, or another thread.

    Such an exception is raised between any two instructions, a capture's own included; it is for the program that is
    interrupted, and no outcome of whatever ran. The code of the handlers that are installed is looked for in the
    traceback, so that a handler that the program calls itself, as any function, is found as well: what it raises then
    reaches the program likewise. What another thread had raised (``PyThreadState_SetAsyncExc``) is known by this: it
    has no arguments, and appeared at an instruction after which CPython looks for such exceptions, not at a ``raise``.

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
    if traceback is None:
        return False
    codes = {traceback.tb_frame.f_code}
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
        codes.add(traceback.tb_frame.f_code)
    return _came_from_another_thread(error, traceback) or not codes.isdisjoint(_installed())


_RAISED_BARE = (StopIteration, StopAsyncIteration, MemoryError)
"""What C code raises without arguments."""

_LOOKS_FOR_INTERRUPTIONS = ("RESUME", "CALL", "JUMP_BACKWARD")
"""Parts of the names of the instructions after which an exception from outside may come."""


def _came_from_another_thread(error: BaseException, innermost: types.TracebackType) -> bool:
    if error.args or isinstance(error, _RAISED_BARE) or innermost.tb_lasti < 0:
        return False
    instruction = dis.opname[innermost.tb_frame.f_code.co_code[innermost.tb_lasti]]
    return any(part in instruction for part in _LOOKS_FOR_INTERRUPTIONS)


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
