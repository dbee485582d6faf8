"""Calls that check what the capture assumes: a failure is an error at the user's line, never a break."""

from __future__ import annotations

from framelift_graph_capture import BreakRecord, SymbolicNumberVariable

from ..errors import ComptimeAssertionError
from ..provenance import GuardNote, guards_of
from ..traced import Traced
from ..variable import ComptimeVar, variable_in
from ..view import FrameView

__all__ = ["AssertingCalls", "AssertingContext"]


class AssertingContext(FrameView):
    """What the context checks."""

    __slots__ = ()

    def assert_static(self, val: ComptimeVar, msg: str = "") -> None:
        """Check that a value is no number that depends on sizes, and no tensor with such a size.

        Raises:
            ComptimeAssertionError: it is.
        """
        variable_in(self._session, val, "assert_static(val)")
        if val.has_dynamic_part():
            raise self._failed(
                val, "must be static", "dynamic", "mark it static, use force_static, or compile with dynamic=False", msg
            )

    def assert_dynamic(self, val: ComptimeVar, msg: str = "") -> None:
        """Check that a value is a number that depends on sizes, or a tensor with such a size.

        Raises:
            ComptimeAssertionError: it is not.
        """
        variable_in(self._session, val, "assert_dynamic(val)")
        if not val.has_dynamic_part():
            remedy = "mark it dynamic before the call, or compile with dynamic=True"
            remedies = "; ".join([remedy, *self._static_because(val)])
            raise self._failed(val, "must be dynamic", "static", remedies, msg)

    def assert_no_break(self, msg: str = "") -> None:
        """Check that no graph break comes in the rest of this frame, nor in what it calls.

        Raises:
            ComptimeAssertionError: from the break, later; it names the break and this line.
        """
        session, frame = self._session, self._frames()[0]
        outermost = frame.back is None
        asserted = f"{frame.function_name}, after assert_no_break() at {frame.filename}:{frame.line},"

        def observe(record: BreakRecord) -> None:
            frames = session.frames
            if any(one is frame for one in frames) or (outermost and not frames):
                why = f"broken by [{record.code}] {record.explanation}"
                raise ComptimeAssertionError(_with(msg, asserted), "must not break", why, record.hint, record.where)

        session.on_break(observe)

    def _static_because(self, val: ComptimeVar) -> list[str]:
        """Return which decisions made sizes static, as far as they can be about this value."""
        variable = variable_in(self._session, val, "assert_dynamic(val)")
        notes = guards_of(self._session, variable)
        if isinstance(variable, SymbolicNumberVariable) and variable.source is None:  # it was made of any of them
            notes = tuple([GuardNote.of(guard) for guard in self._session.current_guards()])
        return [
            f"{note.text} is relied on at {note.line}"
            for note in notes
            if note.kind == "SHAPE_ENV" and " == " in note.text and note.line is not None
        ]

    def _failed(self, val: ComptimeVar, rule: str, found: str, remedy: str, msg: str) -> ComptimeAssertionError:
        return ComptimeAssertionError(_with(msg, f"value {val!r}"), rule, found, remedy, self._where())


def _with(msg: str, subject: str) -> str:
    return f"{msg}: {subject}" if msg else subject


class AssertingCalls:
    """The same as calls of `comptime`; without a capture, they do nothing."""

    @staticmethod
    def assert_static(val: Traced, msg: str = "") -> None:
        """Check that a value is static; see `ComptimeContext.assert_static`."""

    @staticmethod
    def assert_dynamic(val: Traced, msg: str = "") -> None:
        """Check that a value is dynamic; see `ComptimeContext.assert_dynamic`."""

    @staticmethod
    def assert_no_break(msg: str = "") -> None:
        """Check that the rest of the frame does not break; see `ComptimeContext.assert_no_break`."""
