"""Where a comptime call stands: the capture, and the user's frames at the call."""

from __future__ import annotations

import builtins
from typing import IO, Any, Protocol

from framelift_bytecode_interp import Frame
from framelift_graph_capture import Session
from framelift_variable_tracking import CellVariable, Variable

from .errors import CaptureEndedError, ComptimeArgumentError, ComptimeError, StackLevelError, a_or_an
from .printing import variable_text

__all__ = ["File", "FrameView"]

File = IO[str] | None
"""Where to print: an open text file; standard output when left out."""


class Located(Protocol):
    """What has a line."""

    @property
    def filename(self) -> str: ...
    @property
    def line(self) -> int: ...


class FrameView:
    """A frame being captured.

    Args:
        session: the capture.
        frame: the frame that called comptime.
    """

    __slots__ = ("_captured", "_frame")

    def __init__(self, session: Session, frame: Frame[Variable]) -> None:
        self._captured = session
        self._frame = frame

    @property
    def _session(self) -> Session:
        if self._captured.closed:
            raise CaptureEndedError(
                "the context of a comptime function", "must be used while the frame is captured",
                "used after its capture ended", "take what is needed out of it inside of the comptime function",
            )  # fmt: skip
        return self._captured

    def _frames(self) -> list[Frame[Variable]]:
        """Return the user's frames, innermost first."""
        assert self._session is not None
        return [frame for frame in self._frame.chain() if not frame.globals.hidden]

    def _at(self, stacklevel: int) -> Frame[Variable]:
        frames = self._frames()
        if type(stacklevel) is not int:
            raise self._wrong_argument("stacklevel", "must be an int", stacklevel, "count frames from 0, this one")
        if not 0 <= stacklevel < len(frames):
            raise StackLevelError(
                "stacklevel", f"must be from 0 to {len(frames) - 1} here", str(stacklevel),
                "use a smaller one: " + ", ".join([f"{i} is {one.function_name}" for i, one in enumerate(frames)]),
                self._where(),
            )  # fmt: skip
        return frames[stacklevel]

    def _where(self) -> tuple[str, int]:
        frame = self._frames()[0]
        return frame.filename, frame.line

    def _bound(self, frame: Frame[Variable]) -> dict[str, Variable]:
        """Return what the slots of bound variables hold: values, and cells that nobody may have looked into yet."""
        session = self._session
        return {
            name: entry
            for name, entry in zip(frame.local_names, frame.locals, strict=True)
            if isinstance(entry, Variable) and not (isinstance(entry, CellVariable) and session.is_unbound(entry))
        }

    def _content(self, entry: Variable) -> Variable:
        return self._session.cell_content(entry) if isinstance(entry, CellVariable) else entry

    def _text(self, entry: Variable) -> str:
        """Return how a slot is printed; what is in a cell that the program has not read stays unread."""
        session = self._session
        if isinstance(entry, CellVariable) and entry.content is None:
            scratch = session.scratch()
            return variable_text(
                scratch, scratch.cell_content(CellVariable(None, None, entry.value, entry.content_source))
            )
        return variable_text(session, self._content(entry))

    def _write(self, text: str, file: Any) -> None:
        if file is not None and not callable(getattr(file, "write", None)):
            raise self._wrong_argument("file", "must be an open text file", file, "pass sys.stderr or io.StringIO()")
        if getattr(file, "closed", False) is True:
            raise ComptimeError("file", "must be an open text file", "closed", "print before closing it", self._where())
        builtins.print(text, file=file)

    def _wrong_argument(self, name: str, rule: str, value: object, remedy: str) -> ComptimeArgumentError:
        return ComptimeArgumentError(name, rule, f"{a_or_an(type(value).__name__)}", remedy, self._where())
