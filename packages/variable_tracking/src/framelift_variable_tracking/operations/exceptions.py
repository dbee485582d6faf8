"""Exceptions as values: raising, matching, chaining."""

from __future__ import annotations

from typing import Any

from framelift_bytecode_interp import NULL, Break, Enter, Frame, Raise, Result, Value

from ..classes import is_subclass
from ..effects import SetAttribute
from ..polyfills import protocols
from ..reasons import UnsupportedFeature
from ..variable import (
    NEW,
    ConstantVariable,
    ExceptionVariable,
    GeneratorVariable,
    ReferenceVariable,
    TracebackVariable,
    TraceEntry,
    Variable,
)
from .calls import Calls


class Exceptions(Calls):
    """The operations of `framelift_bytecode_interp.domain.Exceptions`."""

    def raise_exception(self, exception: Any, cause: Any, handled: Variable | None) -> Result[Variable]:
        if cause is NULL:
            cause = None
        if exception is NULL:
            if handled is None:
                return self.raise_error(RuntimeError, "No active exception to reraise")
            return Raise(handled, again=True)
        if _is_exception_class(exception):
            made = self.call(self.frame, exception, (), {})
            if type(made) is Enter:
                if cause is not None:
                    return self.polyfill(protocols.raise_with_cause, exception, cause)
                return self.polyfill(protocols.exception_made, exception)
            if type(made) is not Value:
                return made
            exception = made.value
        if not isinstance(exception, ExceptionVariable):
            if not self._certain(exception):
                return self.unsupported(exception, "raising")
            return self.raise_error(TypeError, "exceptions must derive from BaseException")
        if cause is not None:
            if _is_exception_class(cause):
                chained = self.call(self.frame, cause, (), {})
                if type(chained) is Enter:
                    return Break(UnsupportedFeature("raise from a class whose __init__ is Python code"))
                if type(chained) is not Value:
                    return chained
                cause = chained.value
            refused = self.set_cause(exception, cause)
            if refused is not None:
                return refused
        return Raise(exception)

    def _certain(self, variable: Variable) -> bool:
        return not is_subclass(variable.python_type(), BaseException)

    def set_cause(self, exception: ExceptionVariable, cause: Variable) -> Raise[Variable] | Break | None:
        """Store `__cause__`; answers the error of a cause that is none."""
        if self.as_constant(cause) is None:
            exception.cause = None
            self._link(exception, "__cause__", self.none)
        elif isinstance(cause, ExceptionVariable):
            exception.cause = cause
            self._link(exception, "__cause__", cause)
        elif not self._certain(cause):
            return self.unsupported(cause, "raising from it")
        else:
            return self.raise_error(TypeError, "exception causes must derive from BaseException")
        exception.suppress_context = True
        return None

    def matches(self, exception: Variable, types: Variable) -> Result[Variable]:
        candidates = self.sequence(types) if types.python_type() is tuple else (types,)
        if candidates is None:
            return self.unsupported(types, "catching")
        classes: list[type] = []
        for candidate in candidates:
            if not _is_exception_class(candidate):
                if isinstance(candidate, ReferenceVariable | ConstantVariable) and self._certain(candidate):
                    text = "catching classes that do not inherit from BaseException is not allowed"
                    return self.raise_error(TypeError, text)
                return self.unsupported(candidate, "catching")
            assert isinstance(candidate, ReferenceVariable)
            classes.append(candidate.value)
        return self.boolean(any(is_subclass(exception.python_type(), cls) for cls in classes))

    def split_group(self, exception: Variable, types: Variable) -> Result[Any]:
        return Break(UnsupportedFeature("except*"))

    def reraise_star(self, original: Variable, exceptions: Variable) -> Result[Variable]:
        return Break(UnsupportedFeature("except*"))

    def is_stop_iteration(self, exception: Variable) -> bool:
        return is_subclass(exception.python_type(), StopIteration)

    def new_stop_iteration(self, value: Variable) -> Variable:
        if type(value) is ConstantVariable and value.value is None:
            return ExceptionVariable(StopIteration)
        return ExceptionVariable(StopIteration, (value,))

    def stop_iteration_value(self, exception: Variable) -> Variable:
        assert isinstance(exception, ExceptionVariable)
        return exception.args[0] if exception.args else self.none

    def generator_raised(self, frame: Frame[Variable], exception: Variable) -> Variable:
        generator = frame.generator
        assert isinstance(generator, GeneratorVariable)
        generator.frame = None
        if not self.is_stop_iteration(exception):
            return exception
        made = ExceptionVariable(RuntimeError, (ConstantVariable("generator raised StopIteration"),))
        assert isinstance(exception, ExceptionVariable)
        made.cause = made.context = exception
        made.suppress_context = True
        return made

    def note_traceback(self, exception: Variable, frame: Frame[Variable]) -> None:
        if isinstance(exception, ExceptionVariable) and not frame.globals.hidden:
            namespace = frame.globals.namespace.variables
            exception.trace.append(TraceEntry(frame.code, namespace, frame.instruction.offset, frame.line))

    def set_context(self, exception: Variable, handled: Variable) -> None:
        if exception is handled or not isinstance(exception, ExceptionVariable):
            return
        # A chain that leads back to the exception is cut (Python/errors.c, _PyErr_SetObject); it may be a ring without.
        link: Variable | None = handled
        passed: set[int] = set()
        while isinstance(link, ExceptionVariable) and id(link) not in passed:
            passed.add(id(link))
            following = self._context_of(link) if exception.value is not NEW else link.context
            if following is exception:
                link.context = None
                self._link(link, "__context__", self.none)
                break
            link = following
        exception.context = handled
        self._link(exception, "__context__", handled)

    def _context_of(self, exception: ExceptionVariable) -> Variable | None:
        """Return the context of one that may exist; only the context of another one that exists leads to such."""
        found = self.handler_of(exception).get_attribute(self.tracking, exception, "__context__")
        return found.value if type(found) is Value else None

    def _link(self, exception: ExceptionVariable, name: str, other: Variable) -> None:
        """Store what an existing exception refers to, when the effects are done."""
        if exception.value is not NEW:
            self.effects.record(SetAttribute(exception, name, other))

    def exception_details(self, exception: Variable) -> tuple[Variable, Variable, Variable]:
        found = self.handler_of(exception).get_attribute(self.tracking, exception, "__traceback__")
        traceback = found.value if type(found) is Value else TracebackVariable(exception, 0)
        return self.reference(exception.python_type()), exception, traceback


def _is_exception_class(variable: Variable) -> bool:
    return (
        isinstance(variable, ReferenceVariable)
        and is_subclass(variable.cls, type)
        and is_subclass(variable.value, BaseException)
    )
