"""`ComptimeContext`: what a comptime function is given."""

from __future__ import annotations

from .calls.asserting import AssertingContext
from .calls.looking import LookingContext
from .calls.pausing import PausingContext
from .calls.steering import SteeringContext

__all__ = ["ComptimeContext"]


class ComptimeContext(LookingContext, AssertingContext, SteeringContext, PausingContext):
    """The frame being captured, from the inside. It can be used until the capture ends.

    Args:
        session: the capture.
        frame: the frame that called comptime.

    >>> import torch
    >>> from framelift_comptime import RULES, TYPES, comptime
    >>> from framelift_graph_capture import FunctionCall, capture, default_registry
    >>> def f(x):
    ...     y = x * 2
    ...     comptime(lambda ctx: ctx.print_locals())
    ...     return y
    >>> registry = default_registry().extend(types=TYPES, functions=RULES)
    >>> _ = capture(FunctionCall(f), {"x": torch.ones(3)}, registry=registry, dynamic=None)
    x = FakeTensor(..., size=(3,))
    y = FakeTensor(..., size=(3,))
    """

    __slots__ = ()

    def parent(self) -> ComptimeContext:
        """Return the context of the caller's frame.

        Raises:
            StackLevelError: there is none.
        """
        return ComptimeContext(self._session, self._at(1))
