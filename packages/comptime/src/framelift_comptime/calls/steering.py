"""Calls that change what is captured: a break, a specialisation, a guard, a call in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import Break, Value
from framelift_guards import PredicateError, Satisfies

from ..errors import ComptimeArgumentError, ComptimeError, a_or_an
from ..host import variable_of
from ..provenance import source_of
from ..traced import Traced
from ..variable import ComptimeVar, variable_in
from ..view import FrameView

__all__ = ["GraphBreakRequest", "SteeringCalls", "SteeringContext"]


class GraphBreakRequest(BaseException):
    """Leaves a comptime function that asked for a break. Not an `Exception`, so that no `except` of its stops it."""


class SteeringContext(FrameView):
    """What the context changes."""

    __slots__ = ()

    def graph_break(self, msg: str = "") -> None:
        """End the graph here; the rest of the frame is captured as another one.

        Args:
            msg: becomes part of the break's explanation.
        """
        if type(msg) is not str:
            raise self._wrong_argument("graph_break(msg)", "takes a text", msg, "pass a string, or nothing")
        assert self._session is not None
        raise GraphBreakRequest(msg)

    def force_static(self, val: ComptimeVar) -> None:
        """Specialise a number that depends on sizes, or every size of a tensor; see `ComptimeVar.force_static`."""
        variable_in(self._session, val, "force_static(val)")
        val.force_static()

    def add_guard(self, val: ComptimeVar, predicate: Callable[..., object], msg: str | None = None) -> None:
        """Guard what a function tells of a value: a call for which it tells otherwise gets a capture of its own.

        Args:
            val: a value that existed before the capture: an argument, a global, an attribute of one, a size.
            predicate: takes the real value at each call, after all other guards were found to hold; whether its
                answer is true must stay as it is now. It must not use what exists at compile time only.
            msg: what to call it in messages; its name and line when left out.

        Raises:
            ComptimeError: the value is made by the program, or the predicate raises for the value of this call.
        """
        session = self._session
        variable = variable_in(session, val, "add_guard(val, predicate)")
        if not callable(predicate):
            raise self._wrong_argument("add_guard(val, predicate)", "takes a function", predicate, "pass a predicate")
        self._refuse_compile_time_values(predicate)
        source = source_of(session, variable)
        if source is None:
            raise ComptimeError(
                f"add_guard({val!r}, predicate)", "needs a value that existed before the capture",
                "one that the program makes", "guard the argument, global or size that it is made of", self._where(),
            )  # fmt: skip
        if session.is_symbolic(variable):
            session.lower(variable)  # its own guards come first
        condition = Satisfies(predicate, msg)
        try:
            answer = condition.holds(source.fetch(session.scope))
        except PredicateError as error:
            raise ComptimeError(
                f"add_guard({source.name}, predicate)", "needs a predicate that answers", f"one that raised: {error}",
                "let it answer for the value of this call", self._where(),
            ) from error.__cause__  # fmt: skip
        session.domain.guard(source, Satisfies(predicate, msg, answer=answer))

    def emit(self, fn: Callable[..., Any], *vals: Any, **named: Any) -> ComptimeVar:
        """Put a call into the graph, and return what it gives.

        Args:
            fn: a torch function, or any function that takes tensors and gives tensors or None. It is called by what
                runs the graph: a backend that traces graphs further (AOTAutograd, Inductor) calls it while it traces.
            vals: its arguments: `ComptimeVar`s and Python constants.
            named: its keyword arguments.

        Raises:
            ComptimeError: the call cannot be part of a graph, or it raises for such arguments.
        """
        session, call = self._session, f"emit({getattr(fn, '__name__', type(fn).__name__)}, ...)"
        if not callable(fn):
            raise self._wrong_argument("emit(fn, *vals)", "takes a function first", fn, "pass a torch function")
        variables = tuple([variable_of(session, item, call) for item in vals])
        keywords = {name: variable_of(session, item, call) for name, item in named.items()}
        before = session.recorder.operations
        answer = session.record(self._frame, fn, variables, keywords)
        if isinstance(answer, Value):
            # What torch's own functions tell from metadata needs no call; one of the user's may do more than tell.
            if session.recorder.operations > before or session.claims(fn, variables, keywords):
                return ComptimeVar(session, answer.value)
            why = "it gives neither a tensor nor None, so the graph would drop the call"
        else:
            why = getattr(answer.reason, "explanation", "") if isinstance(answer, Break) else "it is Python code"
        raise ComptimeError(
            call, "must be a call that the graph can hold", f"not: {why}", "emit functions of tensors", self._where()
        )

    def _refuse_compile_time_values(self, predicate: Any) -> None:
        plain = getattr(predicate, "__func__", predicate)
        cells = getattr(plain, "__closure__", None) or ()
        names = getattr(getattr(plain, "__code__", None), "co_freevars", ())
        held = [(name, _content(cell)) for name, cell in zip(names, cells, strict=False)]
        held += [("as a default value", value) for value in getattr(plain, "__defaults__", None) or ()]
        for name, value in held:
            if isinstance(value, (ComptimeVar, FrameView)):
                raise ComptimeArgumentError(
                    "add_guard(val, predicate)", "takes a predicate over run-time values",
                    f"using {name}, {a_or_an(type(value).__name__)}",
                    "use what it tells, such as its as_python_constant()", self._where(),
                )  # fmt: skip


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None


class SteeringCalls:
    """The same as calls of `comptime`."""

    @staticmethod
    def graph_break(msg: str = "") -> None:
        """End the graph here; see `ComptimeContext.graph_break`. Without a capture, do nothing."""

    @staticmethod
    def force_static(val: Traced) -> None:
        """Specialise a value; see `ComptimeContext.force_static`. Without a capture, do nothing."""

    @staticmethod
    def add_guard(val: Traced, predicate: Callable[..., object], msg: str | None = None) -> None:
        """Guard a value by a predicate; see `ComptimeContext.add_guard`. Without a capture, do nothing."""

    @staticmethod
    def emit(fn: Callable[..., Any], *vals: Traced, **named: Traced) -> Any:
        """Put a call into the graph; see `ComptimeContext.emit`. Without a capture, make it."""
        return fn(*vals, **named)
