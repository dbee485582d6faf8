"""`ComptimeContext`: what a comptime function is given."""

from __future__ import annotations

import builtins
import dis
import pdb  # noqa: T100 - `breakpoint` is asked for
import sys
import time
import traceback
from typing import IO, Any

import torch.fx

from framelift_bytecode_interp import UNBOUND, Frame
from framelift_graph_capture import Session
from framelift_variable_tracking import CellVariable, Variable

from .errors import ComptimeError, StackLevelError, UnknownLocalError
from .printing import guard_text, variable_text
from .variable import ComptimeVar

__all__ = ["ComptimeContext", "GraphBreakRequest"]

File = IO[str] | None


class GraphBreakRequest(BaseException):
    """Leaves a comptime function that asked for a break. Not an `Exception`, so that no `except` of its stops it."""


class ComptimeContext:
    """The frame being captured, from the inside.

    Args:
        session: the capture.
        frame: the frame that called comptime.
    """

    def __init__(self, session: Session, frame: Frame[Variable]) -> None:
        self._session = session
        self._frame = frame

    # ---- looking ----------------------------------------------------------------------------------------------------

    def get_local(self, name: str, *, stacklevel: int = 0) -> ComptimeVar:
        """Return a local, cell or free variable of the frame.

        Args:
            name: its name.
            stacklevel: 0 for the frame that called comptime, 1 for its caller, and so on.

        Raises:
            UnknownLocalError: the frame has no such variable, or it is unbound here.
            StackLevelError: there is no such frame.
        """
        bound = self._locals(self._at(stacklevel))
        if name not in bound:
            known = ", ".join(bound) or "none"
            raise UnknownLocalError(
                f"local {name!r}", "must be bound in the frame", "not", f"its locals are: {known}", self._where()
            )
        return ComptimeVar(self._session, bound[name])

    def graph(self) -> torch.fx.Graph:
        """Return the graph as recorded so far."""
        return self._session.recorder.graph

    def parent(self) -> ComptimeContext:
        """Return the context of the caller's frame."""
        return ComptimeContext(self._session, self._at(1))

    # ---- printing ---------------------------------------------------------------------------------------------------

    def print(self, value: Any, *, file: File = None) -> None:
        """Print a variable, or anything else."""
        builtins.print(repr(value), file=file)

    def print_graph(self, *, verbose: bool = True, file: File = None) -> None:
        """Print the Python of the graph so far; `verbose` adds what fx knows of types and shapes."""
        builtins.print(self._session.recorder.source(verbose=verbose), file=file)

    def print_disas(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the frame's bytecode, with an arrow at the instruction that runs."""
        frame = self._at(stacklevel)
        code = dis.Bytecode(frame.code.raw, current_offset=frame.instruction.offset)
        builtins.print(code.dis(), file=file)

    def print_value_stack(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the values on the frame's stack below the call that runs."""
        frame = self._at(stacklevel)
        running = frame.instruction.completion if frame is self._frame else frame.completion
        pops = 0 if running is None else running.pops
        for entry in frame.stack[: len(frame.stack) - pops]:
            if isinstance(entry, Variable):
                builtins.print(f"- {variable_text(self._session, entry)}", file=file)

    def print_locals(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the frame's bound variables."""
        for name, variable in self._locals(self._at(stacklevel)).items():
            builtins.print(f"{name} = {variable_text(self._session, variable)}", file=file)

    def print_bt(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the user's stack, outermost first, as a traceback does."""
        frames = reversed(list(self._at(stacklevel).chain()))
        summary = [traceback.FrameSummary(one.filename, one.line, one.function_name) for one in frames]
        builtins.print("".join(traceback.StackSummary.from_list(summary).format()), file=file)

    def print_guards(self, *, file: File = None) -> None:
        """Print the guards that the capture has so far."""
        builtins.print("\n".join([guard_text(guard) for guard in self._session.current_guards()]), file=file)

    # ---- acting -----------------------------------------------------------------------------------------------------

    def graph_break(self, msg: str = "") -> None:
        """End the graph here; the rest of the frame is captured as another one."""
        raise GraphBreakRequest(msg)

    def assert_static(self, value: ComptimeVar) -> None:
        """Check that a value does not depend on dynamic sizes.

        Raises:
            ComptimeError: it does.
        """
        if value.is_dynamic() or (
            value.is_proxy() and any(isinstance(size, torch.SymInt) for size in getattr(value.as_fake(), "shape", ()))
        ):
            raise ComptimeError(
                f"value {value!r}", "must be static", "dynamic", "mark it static, or compile with dynamic=False",
                self._where(),
            )  # fmt: skip

    def force_static(self, value: ComptimeVar) -> None:
        """Specialise a value that depends on dynamic sizes."""
        value.force_static()

    def breakpoint(self) -> None:
        """Enter the debugger with the context at hand as `ctx`."""
        ctx = self  # noqa: F841 - what the person at the prompt looks at
        pdb.Pdb(stdout=sys.stdout).set_trace()

    def sleep(self, sec: float) -> None:
        """Sleep, so that a person can attach a tool to the process."""
        time.sleep(sec)

    # ---- frames -----------------------------------------------------------------------------------------------------

    def _at(self, stacklevel: int) -> Frame[Variable]:
        frames = list(self._frame.chain())
        if not 0 <= stacklevel < len(frames):
            raise StackLevelError(
                "stacklevel", f"must be from 0 to {len(frames) - 1} here", str(stacklevel),
                "use a smaller one: " + ", ".join([f"{i} is {one.function_name}" for i, one in enumerate(frames)]),
                self._where(),
            )  # fmt: skip
        return frames[stacklevel]

    def _where(self) -> tuple[str, int]:
        return self._frame.filename, self._frame.line

    def _locals(self, frame: Frame[Variable]) -> dict[str, Variable]:
        bound: dict[str, Variable] = {}
        for name, entry in zip(frame.local_names, frame.locals, strict=True):
            content = self._session.cell_content(entry) if isinstance(entry, CellVariable) else entry
            if content is not UNBOUND and isinstance(content, Variable):
                bound[name] = content
        return bound
