"""Which line of the user's program is running: for errors that say where."""

from __future__ import annotations

import sys
import types

__all__ = ["line_of", "user_line"]

_OTHERS = frozenset(["torch", "framelift", "typer", "click", "rich"]) | sys.stdlib_module_names


def user_line() -> str | None:
    """Return the file and line of the innermost frame of the program, such as ``model.py:12``.

    That is one which is neither torch's nor ours, nor the standard library's (`contextlib` enters modes for others). It
    is told by the name of the frame's module, since these are packages of many folders.

    >>> user_line() is None  # the test is run by somebody
    False
    """
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if _is_of_the_program(frame):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None


def line_of(error: BaseException) -> str | None:
    """Return the line of the program, such as ``model.py:12``, where an error passed last on its way to who caught it.

    Args:
        error: an error that was raised.

    >>> line_of(ValueError()) is None  # nobody raised it
    True
    """
    found = None
    trace = error.__traceback__
    while trace is not None:
        if _is_of_the_program(trace.tb_frame):
            found = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _is_of_the_program(frame: types.FrameType) -> bool:
    names = frame.f_globals
    package = str(names.get("__package__") or names.get("__name__", "")).partition(".")[
        0
    ]  # `python -m` runs `__main__`
    return package not in _OTHERS and not package.startswith("framelift_")
