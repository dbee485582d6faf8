"""Errors that users see: each says its subject, the rule, the value it met, the remedy, and the user's line."""

from __future__ import annotations

from .trampoline import Position

__all__ = ["BackendError", "CaptureError", "FrameliftError", "GraphBreakError", "MarkError", "UserCodeError"]


class FrameliftError(Exception):
    """The base of every error that framelift raises on purpose.

    Args:
        subject: what the error is about.
        rule: what must hold.
        value: what was found instead.
        remedy: what to do.
        where: the user's line, when one is known.

    >>> print(FrameliftError("backend 'eagr'", "must be a known name", "an unknown one", "did you mean 'eager'?"))
    backend 'eagr' must be a known name, but is an unknown one; did you mean 'eager'?
    """

    code = "FL000"

    def __init__(
        self, subject: str, rule: str, value: str, remedy: str, where: Position | tuple[str, int] | None = None
    ) -> None:
        self.subject, self.rule, self.value, self.remedy = subject, rule, value, remedy
        self.where = (where.filename, where.line) if isinstance(where, Position) else where
        place = f" ({self.where[0]}:{self.where[1]})" if self.where is not None else ""
        super().__init__(f"{subject} {rule}, but is {value}; {remedy}{place}")


class GraphBreakError(FrameliftError):
    """A graph break under `fullgraph=True`."""

    code = "FL101"


class BackendError(FrameliftError):
    """A backend raised, or returned something that cannot be called."""

    code = "FL102"


class CaptureError(FrameliftError):
    """Capture failed for an internal reason; the frame ran eagerly (or, under `fullgraph=True`, was refused)."""

    code = "FL103"


class MarkError(FrameliftError):
    """A size is not what a mark says of it: out of its range, or specialised where it must stay free."""

    code = "FL104"


class UserCodeError(Exception):
    """Carries what code of the user's raised on purpose while it ran during a capture, such as an `assert` of its own.

    It leaves `capture`; whoever lifted the function raises `error` to the caller in its place.

    Args:
        error: the user's exception.

    >>> UserCodeError(AssertionError("x has 3 dimensions")).error
    AssertionError('x has 3 dimensions')
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
