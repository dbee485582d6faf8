"""`comptime` itself, and what capture does at a call of it."""

from __future__ import annotations

import builtins
import types
from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import UNBOUND, Break, Value
from framelift_graph_capture import RequestedBreak, Session, session_of
from framelift_guards import Source
from framelift_variable_tracking import (
    NEW,
    NOT_CONSTANT,
    Answer,
    Arguments,
    CallContext,
    CellVariable,
    FunctionRule,
    FunctionVariable,
    Keywords,
    ReferenceVariable,
    Tracking,
    TypeHandler,
    Variable,
)

from .context import ComptimeContext, GraphBreakRequest
from .errors import ComptimeError
from .variable import ComptimeVar

__all__ = ["RULES", "TYPES", "Comptime", "comptime"]


class Comptime:
    """Runs user code while the frame around it is captured; without a capture, each call behaves as its fallback.

    >>> comptime(lambda ctx: ctx.print_graph(), lambda: print("not captured"))
    not captured
    """

    def __call__(self, fn: Callable[[ComptimeContext], Any], fallback_fn: Callable[[], Any] = lambda: None) -> Any:
        """Run `fn(ctx)` during the capture, and `fallback_fn()` otherwise.

        Args:
            fn: gets a `ComptimeContext`; its free variables are those of the captured frame.
            fallback_fn: what runs when the code is not being captured.
        """
        if not callable(fn):
            raise TypeError(f"comptime takes a function of the context, not a {type(fn).__name__}")
        return fallback_fn()

    @staticmethod
    def print(e: Any) -> None:
        """Print a value at compile time; without a capture, print it now."""
        builtins.print(e)  # noqa: T201 - it is what was asked for

    @staticmethod
    def print_graph(*, verbose: bool = True, file: Any = None) -> None:
        """Print the graph so far; see `ComptimeContext.print_graph`."""

    @staticmethod
    def print_disas(*, file: Any = None, stacklevel: int = 0) -> None:
        """Print the bytecode; see `ComptimeContext.print_disas`."""

    @staticmethod
    def print_value_stack(*, file: Any = None, stacklevel: int = 0) -> None:
        """Print the value stack; see `ComptimeContext.print_value_stack`."""

    @staticmethod
    def print_value_stack_and_return(e: Any, *, file: Any = None, stacklevel: int = 0) -> Any:
        """Print the value stack below this call, and return `e`: for use inside an expression."""
        return e

    @staticmethod
    def print_locals(*, file: Any = None, stacklevel: int = 0) -> None:
        """Print the locals; see `ComptimeContext.print_locals`."""

    @staticmethod
    def print_bt(*, file: Any = None, stacklevel: int = 0) -> None:
        """Print the user's stack; see `ComptimeContext.print_bt`."""

    @staticmethod
    def print_guards(*, file: Any = None) -> None:
        """Print the guards so far; see `ComptimeContext.print_guards`."""

    @staticmethod
    def graph_break(msg: str = "") -> None:
        """End the graph here; see `ComptimeContext.graph_break`."""

    @staticmethod
    def assert_static(e: Any) -> None:
        """Check that a value is static; see `ComptimeContext.assert_static`."""

    @staticmethod
    def force_static(e: Any) -> None:
        """Specialise a value; see `ComptimeContext.force_static`."""

    @staticmethod
    def breakpoint() -> None:
        """Enter the debugger at compile time."""

    @staticmethod
    def sleep(sec: float) -> None:
        """Sleep at compile time."""


comptime = Comptime()
"""The one `Comptime`."""


def _host(session: Session, variable: Variable) -> Any:
    """Return what a comptime function sees of a value: the object itself where there is one, else a `ComptimeVar`."""
    known = session.domain.as_constant(variable)
    if known is not NOT_CONSTANT:
        return known
    if isinstance(variable, FunctionVariable):
        return variable.value if variable.value is not NEW else _host_function(session, variable)
    value = getattr(variable, "value", NEW)
    return ComptimeVar(session, variable) if value is NEW or value is None or session.is_symbolic(variable) else value


def _host_cell(session: Session, cell: CellVariable) -> types.CellType:
    if cell.value is not None:
        return cell.value
    content = session.cell_content(cell)
    return types.CellType() if content is UNBOUND else types.CellType(_host(session, content))


def _host_function(session: Session, variable: Variable) -> Callable[..., Any]:
    """Return the comptime function itself: a real function over the cells of the captured frame."""
    if not isinstance(variable, FunctionVariable):
        return _host(session, variable)  # type: ignore[no-any-return]
    if variable.value is not NEW:
        return variable.value  # type: ignore[no-any-return]
    closure = tuple([_host_cell(session, cell) for cell in variable.closure or ()])
    function = types.FunctionType(variable.code, variable.globals, variable.name, None, closure)
    if variable.defaults:
        function.__defaults__ = tuple([_host(session, item) for item in variable.defaults])
    if variable.kwdefaults:
        function.__kwdefaults__ = {name: _host(session, item) for name, item in variable.kwdefaults.items()}
    return function


def _run(domain: Tracking, context: CallContext, act: Callable[[ComptimeContext], Any]) -> Answer:
    session = session_of(domain)
    try:
        act(ComptimeContext(session, context.frame))
    except GraphBreakRequest as request:
        message = str(request)
        return Break(RequestedBreak(f"comptime's graph_break({message!r})" if message else "comptime's graph_break()"))
    return Value(domain.constant(None))


def _comptime_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    function = args[0] if args else kwargs.get("fn")
    session = session_of(domain)
    host = None if function is None else _host_function(session, function)
    if not callable(host):
        raise ComptimeError(
            "comptime(fn)", "takes a function of the context", repr(host), "pass a function", session.where()
        )
    return _run(domain, context, host)


def _method_rule(name: str) -> FunctionRule:
    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        session = session_of(domain)
        seen = ("print", "assert_static", "force_static")
        positional = [ComptimeVar(session, item) if name in seen else _host(session, item) for item in args]
        named = {key: _host(session, item) for key, item in kwargs.items()}
        return _run(domain, context, lambda ctx: getattr(ctx, name)(*positional, **named))

    return rule


def _stack_and_return_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    session = session_of(domain)
    value = args[0] if args else kwargs["e"]
    named = {key: _host(session, item) for key, item in kwargs.items() if key != "e"}
    answer = _run(domain, context, lambda ctx: ctx.print_value_stack(**named))
    return Value(value) if isinstance(answer, Value) else answer


class ComptimeHandler(TypeHandler):
    """`comptime` as a value: never guarded, since it is code for the compiler and not of the program."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        return ReferenceVariable(value, source)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        found = getattr(comptime, name, None)
        if found is None:
            return domain.raise_error(AttributeError, f"'Comptime' object has no attribute {name!r}")
        return Value(domain.reference(found))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        return _comptime_rule(domain, CallContext(domain.frame, variable), args, kwargs)


_METHODS = (
    "print", "print_graph", "print_disas", "print_value_stack", "print_locals", "print_bt", "print_guards",
    "graph_break", "assert_static", "force_static", "breakpoint", "sleep",
)  # fmt: skip

TYPES: dict[type, TypeHandler] = {Comptime: ComptimeHandler()}
"""The handler of `comptime`, for a registry."""

RULES: dict[Any, FunctionRule] = {
    **{getattr(comptime, name): _method_rule(name) for name in _METHODS},
    comptime.print_value_stack_and_return: _stack_and_return_rule,
}
"""What calls of `comptime`'s methods mean, for a registry."""
