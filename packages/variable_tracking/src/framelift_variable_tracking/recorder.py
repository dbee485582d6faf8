"""The seam to whoever records operations in a graph: this package knows no torch, and asks."""

from __future__ import annotations

from typing import Protocol

from framelift_bytecode_interp import Frame, Result

from .variable import Variable


class Recorder(Protocol):
    """Decides which calls become operations of a graph, and what symbolic numbers mean to Python."""

    def claims(self, function: object, args: tuple[Variable, ...], kwargs: dict[str, Variable]) -> bool:
        """Tell whether a call of this callable, which existed before the capture, is recorded."""
        ...

    def record(
        self, frame: Frame[Variable], function: object, args: tuple[Variable, ...], kwargs: dict[str, Variable]
    ) -> Result[Variable]:
        """Record a call that was claimed."""
        ...

    def as_index(self, number: Variable) -> int | None:
        """Return the value of a symbolic number where Python needs a plain one, guarding it; None to break."""
        ...


class NullRecorder:
    """Records nothing: every call is interpreted or breaks.

    >>> NullRecorder().claims(len, (), {})
    False
    """

    def claims(self, function: object, args: tuple[Variable, ...], kwargs: dict[str, Variable]) -> bool:
        return False

    def record(
        self,
        frame: Frame[Variable],
        function: object,
        args: tuple[Variable, ...],
        kwargs: dict[str, Variable],
    ) -> Result[Variable]:
        raise NotImplementedError("this recorder claims no call")

    def as_index(self, number: Variable) -> int | None:
        return None
