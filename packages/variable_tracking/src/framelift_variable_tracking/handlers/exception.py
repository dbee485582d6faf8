"""Exceptions and tracebacks."""

from __future__ import annotations

import ast
import types
from typing import Any

from framelift_bytecode_interp import Break, Value, add_traceback_entry
from framelift_guards import AttributeSource, Source, TypeIs

from ..classes import made_in_python, name_of, native_base
from ..effects import SetAttribute, expression
from ..emitter import Emitter
from ..evaluation import native_error, plain_all
from ..handler import Answer, Arguments, Keywords, Tracking
from ..reasons import UnsupportedOperation
from ..variable import NEW, ExceptionVariable, TracebackVariable, TraceEntry, Variable
from .identity import IdentityHandler
from .instance import InstanceHandler, fill_attributes

_PLAIN: frozenset[type] = frozenset({
    ArithmeticError, AssertionError, AttributeError, BaseException, BufferError, EOFError, Exception,
    FloatingPointError, GeneratorExit, IndexError, KeyError, KeyboardInterrupt, LookupError, MemoryError, NameError,
    NotImplementedError, OverflowError, RecursionError, ReferenceError, RuntimeError, StopAsyncIteration,
    StopIteration, SystemError, TypeError, UnboundLocalError, UserWarning, ValueError, Warning, ZeroDivisionError,
    DeprecationWarning, FutureWarning, RuntimeWarning,
})  # fmt: skip
"""Built-in exceptions that hold nothing but their arguments, or what follows from these."""

_FIELDS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def own(variable: Variable) -> ExceptionVariable:
    """Return the variable as that of an exception."""
    assert isinstance(variable, ExceptionVariable)
    return variable


def traceback_of(domain: Tracking, exception: ExceptionVariable) -> Variable:
    """Return `exception.__traceback__`: one object for as long as the exception stays where it is."""
    depth = len(exception.trace)
    found = exception.tracebacks.get(depth)
    if found is None:
        if depth:
            found = TracebackVariable(exception, depth)
        elif exception.source is None:
            return domain.constant(None)
        else:
            found = domain.wrap(exception.value.__traceback__, AttributeSource(exception.source, "__traceback__"))
        exception.tracebacks[depth] = found
    return found


def _is_made(raised: Variable, exception: ExceptionVariable) -> bool:
    """Tell whether the traceback of what was raised is known: it is the exception itself, or was made here."""
    return raised is exception or (isinstance(raised, ExceptionVariable) and raised.value is NEW)


def chain_exception(exception: Any, cause: Any, context: Any, suppress: bool) -> None:
    """Set what an exception refers to besides its arguments."""
    exception.__cause__ = cause
    exception.__context__ = context
    exception.__suppress_context__ = suppress


def trace_exception(exception: Any, trace: tuple[TraceEntry, ...]) -> None:
    """Give an exception the traceback that it would have, had the captured frames raised it."""
    for entry in trace:
        add_traceback_entry(exception, entry.code, entry.namespace, entry.offset, entry.line)


def inner_traceback(exception: BaseException, outside: int) -> types.TracebackType | None:
    """Return the traceback of an exception as it was before so many frames more were passed."""
    traceback = exception.__traceback__
    for _ in range(outside):
        traceback = None if traceback is None else traceback.tb_next
    return traceback


class ExceptionHandler(InstanceHandler):
    """`BaseException` and its subclasses."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        if issubclass(cls, BaseExceptionGroup):
            return super(InstanceHandler, self).wrap(domain, value, source)
        domain.guard(source, TypeIs(cls))
        made = ExceptionVariable(cls, None, source, value)
        made.context = made.cause = None
        return made

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if cls not in _PLAIN:
            return self._construct_from_constants(domain, cls, args, kwargs)
        if kwargs:
            if cls in (AttributeError, NameError):
                return Break(UnsupportedOperation(name_of(cls), "construction", "with keyword arguments"))
            return domain.raise_error(TypeError, f"{name_of(cls)}() takes no keyword arguments")
        return Value(ExceptionVariable(cls, args))

    @staticmethod
    def _construct_from_constants(domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        """Make an exception that keeps more than its arguments: what it keeps must follow from constants."""
        values = None if kwargs else plain_all(domain, args)
        if values is not None and not issubclass(cls, BaseExceptionGroup):
            try:
                made: Any = cls(*values)
            except (TypeError, ValueError) as error:
                return native_error(domain, error)
            if made.args == tuple(values):  # an OSError keeps names of files apart
                return Value(ExceptionVariable(type(made), args))
        return Break(UnsupportedOperation(name_of(cls), "construction", "it keeps more than its arguments"))

    def _like(self, domain: Tracking, exception: ExceptionVariable) -> BaseException | None:
        """Return an exception made here that C code tells no different, if the exception holds constants."""
        if exception.value is not NEW or exception.cls in _PLAIN or made_in_python(exception.cls):
            return None
        values = plain_all(domain, exception.args)
        return None if values is None else exception.cls(*values)

    def arguments(self, domain: Tracking, exception: ExceptionVariable) -> tuple[Variable, ...]:
        """Return `exception.args`."""
        if exception.args is None:
            assert exception.source is not None
            source = AttributeSource(exception.source, "args")
            items = domain.sequence(domain.wrap(exception.value.args, source))
            exception.args = tuple(items or ())
        args: tuple[Variable, ...] = exception.args
        return args

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        exception = own(variable)
        if name == "args":
            return domain.build_tuple(self.arguments(domain, exception))
        if name == "__traceback__":
            return Value(traceback_of(domain, exception))
        if name in {"__cause__", "__context__", "__suppress_context__"}:
            return self._chained(domain, exception, name)
        if name == "value" and native_base(exception.cls) is StopIteration:
            args = self.arguments(domain, exception)
            return Value(args[0] if args else domain.constant(None))
        if name in exception.missing:
            return Value(exception.missing[name])
        like, found = self._like(domain, exception), domain.find(exception.cls, name)
        if like is not None and found is not None and type(found[1]) in _FIELDS:
            return domain.from_native(getattr(like, name))
        return super().get_attribute(domain, variable, name)

    def _chained(self, domain: Tracking, exception: ExceptionVariable, name: str) -> Answer:
        known = exception.cause if name == "__cause__" else exception.context
        if name == "__suppress_context__":
            if exception.value is NEW:
                return Value(domain.constant(exception.suppress_context))
        elif known is not None or exception.value is NEW:
            return Value(domain.constant(None) if known is None else known)
        assert exception.source is not None
        return Value(domain.wrap(getattr(exception.value, name), AttributeSource(exception.source, name)))

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        exception = own(variable)
        if exception.value is not NEW and name != "__traceback__":
            return domain.unsupported(variable, f"setting the attribute {name!r} of an existing exception")
        if name == "args":
            items = domain.sequence(value)
            if items is None:
                return domain.unsupported(value, "use as exception arguments")
            exception.args = tuple(items)
        elif name == "__cause__":
            refused = domain.set_cause(exception, value)
            if refused is not None:
                return refused
        elif name == "__context__":
            exception.context = value if isinstance(value, ExceptionVariable) else None
        elif name == "__suppress_context__":
            truth = domain.truth(value)
            if type(truth) is not Value:
                return domain.unsupported(value, "use as __suppress_context__")
            exception.suppress_context = truth.value
        elif name == "__traceback__":
            return self._set_traceback(domain, exception, value)
        else:
            return super().set_attribute(domain, variable, name, value)
        return Value(domain.constant(None))

    def _set_traceback(self, domain: Tracking, exception: ExceptionVariable, value: Variable) -> Answer:
        if domain.as_constant(value) is None:
            trace = []
        elif isinstance(value, TracebackVariable) and _is_made(value.exception, exception):
            trace = own(value.exception).trace[: value.depth]
        elif exception.value is NEW:
            return domain.unsupported(exception, "giving it a traceback that existed before")
        else:
            trace = []
        if exception.value is not NEW:
            domain.effects.record(SetAttribute(exception, "__traceback__", value))
        exception.trace[:] = trace
        exception.tracebacks = {depth: one for depth, one in exception.tracebacks.items() if depth < len(trace)}
        exception.tracebacks[len(trace)] = value
        return Value(domain.constant(None))

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        exception = own(variable)
        if name == "__init__":
            if kwargs:
                return domain.raise_error(TypeError, f"{name_of(exception.cls)}() takes no keyword arguments")
            if exception.source is not None:
                return domain.unsupported(variable, "initialising an existing exception")
            exception.args = args
            return Value(domain.constant(None))
        if name == "with_traceback" and len(args) == 1:
            stored = self._set_traceback(domain, exception, args[0])
            return Value(exception) if type(stored) is Value else stored
        if name in {"__str__", "__repr__"} and not args:
            return self.convert(domain, variable, "s" if name == "__str__" else "r")
        return domain.unsupported(variable, f"the method {name!r}")

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        exception = own(variable)
        args = self.arguments(domain, exception)
        if conversion == "s" and native_base(exception.cls) not in _PLAIN:
            like = self._like(domain, exception)
            return domain.unsupported(variable, "str()") if like is None else Value(domain.constant(str(like)))
        if conversion == "s":
            if not args:
                return Value(domain.constant(""))
            if len(args) == 1:
                return domain.convert(args[0], "r" if native_base(exception.cls) is KeyError else "s")
            packed = domain.build_tuple(args)
            return domain.convert(packed.value, "s") if type(packed) is Value else packed
        texts = []
        for arg in args:
            text = domain.convert(arg, conversion)
            shown = domain.as_constant(text.value) if type(text) is Value else None
            if not isinstance(shown, str):
                return domain.unsupported(variable, "repr() of arguments that are not constants")
            texts.append(shown)
        return Value(domain.constant(f"{name_of(exception.cls)}({', '.join(texts)})"))

    # ---- making it again --------------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        exception = own(variable)
        cls = emitter.constant(exception.cls, "exception_class")
        if issubclass(exception.cls, BaseExceptionGroup):
            # `__new__` copies the exceptions of the group, so they have to be there before a list of them is filled.
            message, group = exception.args
            members = [emitter.value(member) for member in group.items]
            copied = ast.Tuple(members, ast.Load())
            return emitter.call(native_base(exception.cls).__new__, cls, emitter.value(message), copied)
        args = [emitter.value(arg) for arg in exception.args]
        if not made_in_python(exception.cls):
            return ast.Call(cls, args, [])
        return emitter.call(native_base(exception.cls).__new__, cls, *args)

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        exception = own(variable)
        if made_in_python(exception.cls):
            base: Any = native_base(exception.cls)
            args = [emitter.value(arg) for arg in exception.args]
            emitter.statement(expression(emitter.call(base.__init__, emitter.value(exception), *args)))
        for name, value in exception.missing.items():
            stored = emitter.call(setattr, emitter.value(exception), ast.Constant(name), emitter.value(value))
            emitter.statement(expression(stored))
        fill_attributes(emitter, exception)
        if exception.cause is not None or exception.context is not None or exception.suppress_context:
            parts = (
                _optional(emitter, exception.cause),
                _optional(emitter, exception.context),
                ast.Constant(exception.suppress_context),
            )
            emitter.statement(expression(emitter.call(chain_exception, emitter.value(exception), *parts)))
        if exception.trace:
            trace = emitter.constant(tuple(exception.trace), "trace")
            emitter.statement(expression(emitter.call(trace_exception, emitter.value(exception), trace)))


def _optional(emitter: Emitter, variable: Variable | None) -> ast.expr:
    return ast.Constant(None) if variable is None else emitter.value(variable)


class TracebackHandler(IdentityHandler):
    """Tracebacks: they can be passed around; what they hold depends on how the program runs."""

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, TracebackVariable)
        outside = len(own(variable.exception).trace) - variable.depth if variable.depth else 0
        return emitter.call(inner_traceback, emitter.filled(variable.exception), emitter.constant(outside, "outside"))


HANDLERS = {BaseException: ExceptionHandler(), types.TracebackType: TracebackHandler()}
