"""`comptime` itself, and what capture does at a call of it."""

from __future__ import annotations

import bdb
import inspect
import traceback
import types
import typing
import warnings
from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import Break, Value
from framelift_graph_capture import RequestedBreak, Session, UserCodeError, session_of
from framelift_guards import ConstantSource, Is, Source
from framelift_variable_tracking import (
    Answer,
    Arguments,
    CallContext,
    FunctionRule,
    FunctionVariable,
    Keywords,
    ReferenceVariable,
    Tracking,
    TypeHandler,
    Variable,
)

from .calls.asserting import AssertingCalls
from .calls.looking import LookingCalls
from .calls.pausing import PausingCalls
from .calls.steering import GraphBreakRequest, SteeringCalls
from .context import ComptimeContext
from .errors import ComptimeArgumentError, ComptimeError, ComptimeWarning, a_or_an
from .host import Host, variable_of
from .reasons import ComptimeRaised
from .traced import Traced
from .variable import ComptimeVar
from .watch import Watcher

__all__ = ["RULES", "TYPES", "UNGUARDED", "Comptime", "comptime"]


class Comptime(LookingCalls, AssertingCalls, SteeringCalls, PausingCalls):
    """Runs user code while the frame around it is captured; without a capture, each call behaves as its fallback.

    >>> comptime(lambda ctx: ctx.print_graph(), lambda: print("not captured"))
    not captured
    """

    def __call__(self, fn: Callable[[ComptimeContext], Any], fallback_fn: Callable[[], Any] = lambda: None) -> Any:
        """Run `fn(ctx)` during the capture, and `fallback_fn()` otherwise.

        Args:
            fn: gets a `ComptimeContext`; its free variables are those of the captured frame.
            fallback_fn: what runs when the code is not being captured.

        Returns:
            What the function returns, for the program: a value of the capture (`ComptimeVar`) or a constant.
        """
        if not callable(fn):
            raise TypeError(f"comptime takes a function of the context, not a {type(fn).__name__}")
        return fallback_fn()


comptime = Comptime()
"""The one `Comptime`."""


def _name_of(function: Any) -> str:
    name = getattr(function, "__qualname__", None)
    return name if isinstance(name, str) else type(function).__name__


def _is_dropped(context: CallContext) -> bool:
    """Tell whether the program drops the result of the call: any result will do then."""
    frame = context.frame
    following = frame.index + 1
    return frame.code.instructions[following].opname == "POP_TOP"


def _passes(error: Exception, session: Session) -> Exception | None:
    """Return what is raised to the caller for an exception that the user means: an assertion, or leaving a debugger."""
    if isinstance(error, ComptimeError):
        return error
    if isinstance(error, (AssertionError, bdb.BdbQuit)):
        where = session.where()
        if where is not None:
            error.add_note(f"raised during the capture of {where[0]}:{where[1]}")
        return UserCodeError(error)
    return None


def _report(error: Exception, name: str, session: Session) -> ComptimeRaised:
    """Warn at the user's line, with the user's exception and its traceback, and return the reason of the break."""
    told = "".join(traceback.format_exception_only(error)).strip()
    reason = ComptimeRaised(name, told)
    filename, line = session.where() or ("<unknown>", 0)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next  # the user's function comes below frames of this module
    lines = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    text = f"[{reason.code}] {reason.explanation} ({filename}:{line}); {reason.hint}\n{lines}"
    try:
        warnings.warn_explicit(ComptimeWarning(text, error), None, filename, line)
    except ComptimeWarning as warning:  # warnings are errors here: it is one for the caller, not for the capture
        warning.__cause__ = error
        raise UserCodeError(warning) from error
    return reason


def _run(domain: Tracking, context: CallContext, name: str, act: Callable[[ComptimeContext], Any]) -> Answer:
    """Run `act` and answer what it returns, as a variable."""
    session = session_of(domain)
    try:
        result = act(ComptimeContext(session, context.frame))
    except GraphBreakRequest as request:
        message = str(request)
        return Break(RequestedBreak(f"comptime's graph_break({message!r})" if message else "comptime's graph_break()"))
    except Exception as error:
        passing = _passes(error, session)
        if passing is error:
            raise
        if passing is not None:
            raise passing from error
        return Break(_report(error, name, session))
    if _is_dropped(context):
        return Value(domain.constant(None))
    return Value(variable_of(session, result, f"the comptime function {name}"))


def _bound(
    domain: Tracking, signature: inspect.Signature, args: Arguments, kwargs: Keywords
) -> inspect.BoundArguments | Answer:
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        return domain.raise_error(TypeError, str(error))


_SIGNATURE = inspect.signature(comptime)


def _comptime_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    bound = _bound(domain, _SIGNATURE, args, kwargs)
    if not isinstance(bound, inspect.BoundArguments):
        return bound
    session, variable = session_of(domain), bound.arguments["fn"]
    host = Host(session)
    function = host.object_of(variable)
    if not callable(function):
        raise ComptimeArgumentError(
            "comptime(fn)", "takes a function of the context", f"{a_or_an(variable.python_type().__name__)}",
            "pass a function", session.where(),
        )  # fmt: skip
    if not _is_dropped(context):
        _guard_identity(domain, variable)
    name = _name_of(function)

    def act(ctx: ComptimeContext) -> Any:
        watcher = Watcher(session, name, host.cells)
        try:
            return function(ctx)
        finally:
            watcher.check()

    return _run(domain, context, name, act)


def _guard_identity(domain: Tracking, variable: Variable) -> None:
    """Rely on which function it is: its result is used."""
    source = variable.source
    if isinstance(variable, FunctionVariable) and source is not None and type(source) is not ConstantSource:
        domain.guard(source, Is(variable.value))


def _method_rule(name: str, function: Callable[..., Any]) -> FunctionRule:
    signature = inspect.signature(function)
    hints = typing.get_type_hints(function, include_extras=True)

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        bound = _bound(domain, signature, args, kwargs)
        if not isinstance(bound, inspect.BoundArguments):
            return bound
        session = session_of(domain)
        host = Host(session)

        def seen(parameter: str, given: Any) -> Any:
            if isinstance(given, tuple):
                return tuple([seen(parameter, item) for item in given])
            if isinstance(given, dict):
                return {key: seen(parameter, item) for key, item in given.items()}
            return ComptimeVar(session, given) if hints.get(parameter) is Traced else host.object_of(given)

        for parameter, given in bound.arguments.items():
            bound.arguments[parameter] = seen(parameter, given)
        return _run(domain, context, name, lambda ctx: getattr(ctx, name)(*bound.args, **bound.kwargs))

    return rule


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


def _calls() -> dict[str, types.FunctionType]:
    return {
        name: getattr(Comptime, name)
        for name in dir(Comptime)
        if not name.startswith("_") and isinstance(getattr(Comptime, name), types.FunctionType)
    }


TYPES: dict[type, TypeHandler] = {Comptime: ComptimeHandler()}
"""The handler of `comptime`, for a registry."""

RULES: dict[Any, FunctionRule] = {function: _method_rule(name, function) for name, function in _calls().items()}
"""What calls of `comptime`'s methods mean, for a registry."""

UNGUARDED: tuple[object, ...] = (comptime,)
"""What is no part of the program, for a registry: where it is found need not stay as it is."""
