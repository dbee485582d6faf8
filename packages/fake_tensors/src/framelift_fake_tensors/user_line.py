"""Which line of the user's program is running: for errors that say where."""

from __future__ import annotations

import sys
import types

__all__ = ["user_line"]

_OURS = ("torch", "framelift")


def user_line() -> str | None:
    """Return the file and line of the innermost frame that is neither torch's nor ours, such as ``model.py:12``.

    It is told by the name of the frame's module, since both are packages of many folders.

    >>> user_line() is None  # the test is run by somebody
    False
    """
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _OURS and not package.startswith("framelift_"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None
