"""Calls that stop the capture for a person."""

from __future__ import annotations

import builtins
import time

from ..view import FrameView

__all__ = ["PausingCalls", "PausingContext"]


class PausingContext(FrameView):
    """Where the context waits."""

    __slots__ = ()

    def breakpoint(self) -> None:
        """Enter the debugger (`sys.breakpointhook`) with the context at hand as `ctx`."""
        ctx = self  # noqa: F841 - what the person at the prompt looks at
        builtins.breakpoint()  # noqa: T100 - it is what was asked for

    def sleep(self, sec: float) -> None:
        """Sleep, so that a person can attach a tool to the process.

        Args:
            sec: seconds.
        """
        if type(sec) not in (int, float) or not sec >= 0:
            raise self._wrong_argument("sleep(sec)", "takes a number of seconds, not negative", sec, "pass 0.5, say")
        time.sleep(sec)


class PausingCalls:
    """The same as calls of `comptime`; without a capture, they do nothing."""

    @staticmethod
    def breakpoint() -> None:
        """Enter the debugger at compile time; `ctx` is the context."""

    @staticmethod
    def sleep(sec: float) -> None:
        """Sleep at compile time."""
