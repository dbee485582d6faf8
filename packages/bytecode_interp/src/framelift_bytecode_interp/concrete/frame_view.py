"""What `sys._getframe()` gives in an interpreted frame: a view with the attributes of CPython's frame objects.

It is no `types.FrameType` (CPython makes those only for code that it runs), so C functions that need one refuse it.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

from ..frame import Frame
from .attempt import PACKAGE, is_own
from .names import local_names


def native_caller() -> FrameType | None:
    """The nearest native frame that isn't this package's: who called the interpreter."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and is_own(frame):
        frame = frame.f_back
    return frame


class FrameView:
    """An interpreted frame, as the program that runs in it sees it; it follows the frame.

    Args:
        frame: the interpreted frame.
    """

    __slots__ = ("_frame",)

    def __init__(self, frame: Frame[Any]) -> None:
        self._frame = frame

    @property
    def f_back(self) -> FrameView | FrameType | None:
        """The caller's frame: a view, or the native frame that called the interpreter."""
        back = self._frame.back
        while back is not None and back.filename.startswith(PACKAGE):
            back = back.back
        return native_caller() if back is None else FrameView(back)

    @property
    def f_builtins(self) -> dict[str, Any]:
        """The builtins."""
        found: dict[str, Any] = self._frame.builtins
        return found

    @property
    def f_code(self) -> CodeType:
        """The user's code object."""
        return self._frame.code.raw

    @property
    def f_globals(self) -> dict[str, Any]:
        """The globals."""
        found: dict[str, Any] = self._frame.globals
        return found

    @property
    def f_lasti(self) -> int:
        """The byte offset of the current instruction."""
        return self._frame.instruction.offset

    @property
    def f_lineno(self) -> int:
        """The current line."""
        return self._frame.line

    @property
    def f_locals(self) -> Any:
        """A copy of the local variables."""
        return local_names(self._frame)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameView) and other._frame is self._frame

    def __hash__(self) -> int:
        return id(self._frame)

    def __repr__(self) -> str:
        return f"<view of interpreted {self._frame!r}>"


def frame_at(frame: Frame[Any], depth: int) -> FrameView | FrameType:
    """`sys._getframe(depth)`.

    Raises:
        ValueError: the call stack is not that deep.
    """
    found: FrameView | FrameType | None = FrameView(frame)
    for _ in range(depth):
        found = None if found is None else found.f_back
    if found is None:
        raise ValueError("call stack is not deep enough")
    return found
