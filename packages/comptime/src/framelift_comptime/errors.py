"""What can be wrong with a comptime call, each reported at the user's line."""

from __future__ import annotations

from framelift_graph_capture.errors import FrameliftError

__all__ = ["ComptimeError", "StackLevelError", "UnknownLocalError"]


class ComptimeError(FrameliftError):
    """The base of the errors of comptime functions."""

    code = "FL400"


class UnknownLocalError(ComptimeError, LookupError):
    """`ctx.get_local` of a name that the frame does not have."""

    code = "FL401"


class StackLevelError(ComptimeError, IndexError):
    """A `stacklevel` with no user frame at it."""

    code = "FL402"
