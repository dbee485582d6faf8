"""Which line of the user's program is running: for errors that say where."""

from __future__ import annotations

import sys
import types

__all__ = ["user_line"]

_OTHERS = frozenset(["torch", "framelift"]) | sys.stdlib_module_names


def user_line() -> str | None:
    """Return the file and line of the innermost frame of the program, such as ``model.py:12``.

    That is one which is neither torch's nor ours, nor the standard library's (`contextlib` enters modes for others). It
    is told by the name of the frame's module, since these are packages of many folders.

    >>> user_line() is None  # the test is run by somebody
    False
    """
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _OTHERS and not package.startswith("framelift_"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None
