"""Calls that print or return what the capture knows."""

from __future__ import annotations

import builtins
import difflib
import dis
import traceback
from typing import Any

import torch.fx

from framelift_bytecode_interp import Frame
from framelift_variable_tracking import Variable

from ..errors import UnknownLocalError
from ..printing import guard_text, variable_text
from ..provenance import GuardNote, Origin, guards_of, origin_of
from ..traced import Traced
from ..variable import ComptimeVar, variable_in
from ..view import File, FrameView
from ..watch import Watch

__all__ = ["LookingCalls", "LookingContext"]


_UNBOUND = "unbound here: not assigned yet, deleted, or not read any more after a graph break"


class LookingContext(FrameView):
    """What the context tells."""

    __slots__ = ()

    def get_local(self, name: str, *, stacklevel: int = 0) -> ComptimeVar:
        """Return a local, cell or free variable of the frame.

        Args:
            name: its name.
            stacklevel: 0 for the frame that called comptime, 1 for its caller, and so on.

        Raises:
            UnknownLocalError: the frame has no such variable, or it is unbound here.
            StackLevelError: there is no such frame.
        """
        if type(name) is not str:
            raise self._wrong_argument("get_local(name)", "takes the name of a local", name, "pass a string")
        frame = self._at(stacklevel)
        bound = self._bound(frame)
        if name in bound:
            return ComptimeVar(self._session, self._content(bound[name]))
        near = difflib.get_close_matches(name, bound, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise UnknownLocalError(
            f"local {name!r}", "must be bound in the frame",
            _UNBOUND if name in frame.local_names else f"unknown in {frame.function_name}",
            f"{hint}its locals are: {', '.join(bound) or 'none'}", self._where(),
        )  # fmt: skip

    def graph(self) -> torch.fx.Graph:
        """Return the graph as recorded so far. Calls may be added to it, and nothing else be changed."""
        graph = self._session.recorder.graph
        self._session.companion(Watch).lend_graph(graph)
        return graph

    def guards_of(self, val: ComptimeVar) -> tuple[GuardNote, ...]:
        """Return the guards that the capture has so far on a value and its parts, each with the user's line."""
        return guards_of(self._session, variable_in(self._session, val, "guards_of(val)"))

    def origin_of(self, val: ComptimeVar) -> Origin:
        """Return where a value came from: its source or the operation that makes it, and the user's line."""
        return origin_of(self._session, variable_in(self._session, val, "origin_of(val)"))

    # ---- printing ---------------------------------------------------------------------------------------------------

    def print(self, val: Any, *, file: File = None) -> None:
        """Print a variable, or the `repr` of anything else."""
        self._write(repr(val), file)

    def print_graph(self, *, verbose: bool = True, file: File = None) -> None:
        """Print the Python of the graph so far; `verbose` adds what fx knows of types and shapes."""
        self._write(self._session.recorder.source(verbose=bool(verbose)), file)

    def print_disas(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the frame's bytecode, with an arrow at the instruction that runs."""
        frame = self._at(stacklevel)
        code = dis.Bytecode(frame.code.raw, current_offset=frame.instruction.offset)
        self._write(code.dis(), file)

    def print_value_stack(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the values on the frame's stack below the call that runs, the top last."""
        frame = self._at(stacklevel)
        running = frame.completion or frame.instruction.completion
        below = len(frame.stack) - (0 if running is None else running.pops)
        for entry in frame.stack[:below]:
            if isinstance(entry, Variable):
                self._write(f"- {variable_text(self._session, entry)}", file)

    def print_value_stack_and_return(self, e: ComptimeVar, *, file: File = None, stacklevel: int = 0) -> ComptimeVar:
        """Print the value stack, and return `e`."""
        self.print_value_stack(file=file, stacklevel=stacklevel)
        return e

    def print_locals(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the frame's bound variables."""
        for name, entry in self._bound(self._at(stacklevel)).items():
            self._write(f"{name} = {self._text(entry)}", file)

    def print_bt(self, *, file: File = None, stacklevel: int = 0) -> None:
        """Print the user's stack, outermost first, as a traceback does."""
        self._at(stacklevel)
        frames = reversed(self._frames()[stacklevel:])
        summary = [_summary(one) for one in frames]
        self._write("".join(traceback.StackSummary.from_list(summary).format()), file)

    def print_guards(self, *, file: File = None) -> None:
        """Print the guards that the capture has so far."""
        self._write("\n".join([guard_text(guard) for guard in self._session.current_guards()]), file)


def _summary(frame: Frame[Variable]) -> traceback.FrameSummary:
    at = frame.instruction.positions
    return traceback.FrameSummary(
        frame.filename, frame.line, frame.function_name,
        end_lineno=at.end_line, colno=at.column, end_colno=at.end_column,
    )  # fmt: skip


class LookingCalls:
    """The same as calls of `comptime`."""

    @staticmethod
    def print(e: Traced, *, file: File = None) -> None:
        """Print a value at compile time; without a capture, print it now."""
        builtins.print(e, file=file)

    @staticmethod
    def print_graph(*, verbose: bool = True, file: File = None) -> None:
        """Print the graph so far; see `ComptimeContext.print_graph`."""

    @staticmethod
    def print_disas(*, file: File = None, stacklevel: int = 0) -> None:
        """Print the bytecode; see `ComptimeContext.print_disas`."""

    @staticmethod
    def print_value_stack(*, file: File = None, stacklevel: int = 0) -> None:
        """Print the value stack; see `ComptimeContext.print_value_stack`."""

    @staticmethod
    def print_value_stack_and_return(e: Traced, *, file: File = None, stacklevel: int = 0) -> Any:
        """Print the value stack below this call, and return `e`: for use inside an expression."""
        return e

    @staticmethod
    def print_locals(*, file: File = None, stacklevel: int = 0) -> None:
        """Print the locals; see `ComptimeContext.print_locals`."""

    @staticmethod
    def print_bt(*, file: File = None, stacklevel: int = 0) -> None:
        """Print the user's stack; see `ComptimeContext.print_bt`."""

    @staticmethod
    def print_guards(*, file: File = None) -> None:
        """Print the guards so far; see `ComptimeContext.print_guards`."""

    @staticmethod
    def guards_of(val: Traced) -> tuple[GuardNote, ...]:
        """Return the guards on a value; without a capture, there is none."""
        return ()

    @staticmethod
    def origin_of(val: Traced) -> Origin | None:
        """Return where a value came from; without a capture, None."""
        return None
