"""Calls, functions, classes, generators."""

from __future__ import annotations

import builtins
import types
from collections.abc import Mapping, Sequence
from typing import Any

from framelift_bytecode_interp import UNBOUND, Break, Enter, Frame, Raise, Result, Value, bind_arguments, decode
from framelift_guards import (
    AttributeSource,
    CellContentsSource,
    ConstantSource,
    FreeVariableSource,
    Is,
    ItemSource,
    Source,
    TupleItemSource,
)

from ..classes import PAYLOADS, calls_back, name_of, namespace_of, native_base
from ..handler import Arguments, CallContext, Keywords
from ..polyfills import protocols
from ..reasons import UnsupportedFeature
from ..variable import (
    BuiltinFunctionVariable,
    CellVariable,
    ClosureVariable,
    ExceptionVariable,
    FunctionVariable,
    GeneratorVariable,
    ObjectVariable,
    Variable,
)
from .containers import Containers
from .names import Names
from .state import MUTABLE_BASES


class Calls(Containers, Names):
    """The operations of `framelift_bytecode_interp.domain.Calls`."""

    def call(self, frame: Frame[Variable], callee: Variable, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        handler = self.handler_of(callee)
        if handler.overridable:
            method = self.class_attribute(callee.cls, "__call__")
            if method is None:
                return self.raise_error(TypeError, f"{name_of(callee.python_type())!r} object is not callable")
            if isinstance(method, FunctionVariable):
                return self.call(frame, method, (callee, *args), kwargs)
            bound = self.bind(method, callee)
            return self.call(frame, bound.value, args, kwargs) if type(bound) is Value else bound
        return handler.call(self.tracking, callee, args, kwargs)

    def rule_or_record(
        self, callee: Variable, value: object, args: Arguments, kwargs: Keywords
    ) -> Result[Variable] | None:
        """Answer a call of an existing callable that a rule or the recorder knows; None when neither does."""
        rule = self.registry.rule_for(value)
        claimed = rule is None and self.recorder.claims(value, args, kwargs)
        if rule is None and not claimed:
            return None
        if callee.source is not None and type(callee.source) is not ConstantSource:
            self.guard(callee.source, Is(value))
        if rule is not None:
            return rule(self.tracking, CallContext(self.frame, callee), args, kwargs)
        return self.recorder.record(self.frame, value, args, kwargs)

    def call_unpacked(
        self, frame: Frame[Variable], callee: Variable, args: Variable, kwargs: Variable | None
    ) -> Result[Variable]:
        keywords: dict[str, Variable] = {}
        if kwargs is not None:
            entries = self.entries(kwargs)
            if entries is None:
                refused = self.refuse_mapping(kwargs, callee)
                return refused or self.polyfill(protocols.call_with_mapping, callee, args, kwargs)
            for key, value in entries:
                name = self.as_constant(key)
                if not isinstance(name, str):
                    return self.raise_error(TypeError, "keywords must be strings")
                keywords[name] = value
        items = self._plain_sequence(args)
        if items is not None:
            return self.call(frame, callee, tuple(items), keywords)
        if not isinstance(args, ObjectVariable) and not self.is_iterable(args):
            text = f"{self.callee_name(callee)}() argument after * must be an iterable, not"
            return self.raise_error(TypeError, f"{text} {name_of(args.python_type())}")
        if kwargs is None:
            empty = self.build_map([], [])
            if type(empty) is not Value:
                return empty
            kwargs = empty.value
        return self.polyfill(protocols.call_with, callee, args, kwargs)

    # ---- functions --------------------------------------------------------------------------------------------------

    def make_function(
        self,
        frame: Frame[Variable],
        code: types.CodeType,
        defaults: Variable | None,
        kwdefaults: Variable | None,
        annotations: Variable | None,
        closure: Variable | None,
    ) -> Result[Variable]:
        made = FunctionVariable(code, frame.globals.variables)
        made.defaults = tuple(self.sequence(defaults) or ()) if defaults is not None else ()
        made.kwdefaults = {}
        if kwdefaults is not None:
            entries = self.handler_of(kwdefaults).entries(self.tracking, kwdefaults) or ()
            made.kwdefaults = {self.as_constant(key): value for key, value in entries}
        made.annotations = annotations
        made.closure = closure.cells if isinstance(closure, ClosureVariable) else ()
        return Value(made)

    def build_closure(self, cells: Sequence[Any]) -> Variable:
        return ClosureVariable(tuple(cells))

    def build_class(self, frame: Frame[Variable]) -> Result[Variable]:
        return Value(self.reference(builtins.__build_class__))

    def _source_of_part(self, function: FunctionVariable, name: str) -> Source:
        return AttributeSource(self.source_of(function), name)

    def source_of(self, function: FunctionVariable) -> Source:
        """Return how to fetch an existing function."""
        return function.source or ConstantSource(function.qualname, function.value)

    def closure_of(self, function: FunctionVariable) -> tuple[CellVariable, ...]:
        """Return the cells of a function's free variables."""
        if function.closure is None:
            cells = function.value.__closure__ or ()
            source = self._source_of_part(function, "__closure__")
            function.closure = tuple(
                [self.cell(cell, TupleItemSource(source, index)) for index, cell in enumerate(cells)]
            )
        return function.closure

    def cell(self, value: types.CellType, source: Source, content_source: Source | None = None) -> CellVariable:
        """Return the variable of an existing cell.

        Args:
            value: the cell.
            source: how to fetch the cell itself.
            content_source: how to fetch what is in it, if not through the cell.
        """
        known = self._wrapped.get(id(value))
        if known is None:
            made = CellVariable(None, source, value, content_source or CellContentsSource(source))
            self.adopt(value, made)
            return made
        variable = self.wrap(value, source)
        assert isinstance(variable, CellVariable)
        return variable

    def root_cell(self, name: str, value: types.CellType) -> CellVariable:
        """Return the variable of a cell of the captured function itself, which is found by its name: `L['z']`."""
        return self.cell(value, ConstantSource(f"cell {name}", value), FreeVariableSource(name, value))

    def root_frame(self, function: Variable, values: Mapping[str, Variable]) -> Frame[Variable]:
        """Return a frame of the captured function.

        Args:
            function: its variable; `reference(function)` assumes that it never changes.
            values: the variables of its parameters, `*args` and `**kwargs` as a tuple and a dict.
        """
        assert isinstance(function, FunctionVariable)
        code = decode(function.code)
        return Frame(
            code,
            globals=self.globals_of(function.globals),
            builtins=self.builtins,
            locals=[values.get(name, UNBOUND) for name in code.slot_names],
            function=function,
            closure=self.closure_of(function),
        )

    def defaults_of(self, function: FunctionVariable) -> tuple[Variable, ...]:
        """Return the default values of a function's positional parameters."""
        if function.defaults is None:
            values = function.value.__defaults__
            function.defaults = () if values is None else self._pinned(function, "__defaults__", values)
        return function.defaults

    def _pinned(self, function: FunctionVariable, name: str, values: tuple[Any, ...]) -> tuple[Variable, ...]:
        source = self._source_of_part(function, name)
        if source.local_root is None and not self._is_trusted(function):
            # The tuple is immutable and stays with a function that is found by name: what is in it needs no guards
            # but those of mutable objects, which their sources lead to.
            self.guard(source, Is(values))
        pinned = source if source.local_root is not None else ConstantSource(source.name, values)
        return tuple([self._default(value, pinned, index) for index, value in enumerate(values)])

    def _is_trusted(self, function: FunctionVariable) -> bool:
        return type(function.source) is ConstantSource and self.globals_of(function.globals).trusted

    def _default(self, value: object, source: Source, index: int) -> Variable:
        if type(source) is ConstantSource and (self.handler_for(type(value)).trusted or _immutable(value)):
            return self.wrap(value, ConstantSource(f"{source.name}[{index}]", value))
        return self.wrap(value, TupleItemSource(source, index))

    def kwdefaults_of(self, function: FunctionVariable) -> Mapping[str, Variable]:
        """Return the default values of a function's keyword-only parameters."""
        if function.kwdefaults is None:
            source = self._source_of_part(function, "__kwdefaults__")
            values: dict[str, Any] = function.value.__kwdefaults__ or {}
            function.kwdefaults = {
                name: self._keyword_default(function, value, ItemSource(source, name)) for name, value in values.items()
            }
        return function.kwdefaults

    def _keyword_default(self, function: FunctionVariable, value: object, source: Source) -> Variable:
        if self._is_trusted(function) and (self.handler_for(type(value)).trusted or _immutable(value)):
            return self.wrap(value, ConstantSource(source.name, value))
        return self.wrap(value, source)

    def new_frame_for(self, function: FunctionVariable, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """Enter a Python function, past the rules and the recorder."""
        code = decode(function.code)
        raw = function.code
        if type(function.source) is ConstantSource and not self._is_trusted(function):
            # It is the function for good, as what a descriptor holds, and yet a program may give it other code.
            self.guard(AttributeSource(function.source, "__code__"), Is(raw))
        if raw.co_flags & _STAR_OR_ASYNC or kwargs or raw.co_kwonlyargcount or len(args) != raw.co_argcount:
            if raw.co_flags & _ASYNC:
                return Break(UnsupportedFeature("a coroutine function"))
            bound = bind_arguments(
                self.tracking,
                code,
                self.defaults_of(function),
                self.kwdefaults_of(function) if raw.co_kwonlyargcount else {},
                args,
                kwargs,
                function.qualname,
            )
            if type(bound) is not Value:
                return bound
            slots = bound.value
        else:
            slots = [*args, *[UNBOUND] * (len(code.slot_names) - len(args))]
        return Enter(
            Frame(
                code,
                globals=self.globals_of(function.globals),
                builtins=self.builtins,
                locals=slots,
                function=function,
                closure=self.closure_of(function) if raw.co_freevars else (),
            )
        )

    # ---- instances --------------------------------------------------------------------------------------------------

    def instantiate(self, cls: type, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """`type.__call__(cls, *args, **kwargs)` for a class made in Python (Objects/typeobject.c, type_call)."""
        make = self.class_attribute(cls, "__new__")
        initialise = self.class_attribute(cls, "__init__")
        assert make is not None
        assert initialise is not None
        if make.cls is staticmethod or make.cls is types.FunctionType:
            bound = self.bind_to_class(make, cls)
            if type(bound) is not Value:
                return bound
            if isinstance(initialise, BuiltinFunctionVariable) and initialise.value is object.__init__:
                return self.call(self.frame, bound.value, (self.reference(cls), *args), kwargs)
            parts = bound.value, initialise, *self.pack(args, kwargs)
            return self.polyfill(protocols.make_and_initialise, self.reference(cls), *parts)
        own_init = initialise.cls is types.FunctionType
        made = self.new_instance(cls, args, kwargs, initialised=own_init)
        if type(made) is not Value:
            return made
        if not own_init:
            if initialise.cls is types.WrapperDescriptorType:
                return made
            return self.unsupported(initialise, "calling it as __init__")
        if not kwargs and len(args) < len(protocols.INITIALISED):
            return self.polyfill(protocols.INITIALISED[len(args)], made.value, initialise, *args)
        return self.polyfill(protocols.initialised, made.value, initialise, *self.pack(args, kwargs))

    def pack(self, args: Arguments, kwargs: Keywords) -> tuple[Variable, Variable]:
        """Return the arguments of a call as a tuple and a dict, for a polyfill."""
        packed = self.build_tuple(args)
        named = self.build_map([self.constant(name) for name in kwargs], list(kwargs.values()))
        assert type(packed) is Value
        assert type(named) is Value
        return packed.value, named.value

    def new_instance(self, cls: type, args: Arguments, kwargs: Keywords, *, initialised: bool) -> Result[Variable]:
        """`object.__new__(cls)` or that of the built-in base class.

        Args:
            cls: the class.
            args: positional arguments of the call.
            kwargs: keyword arguments of the call.
            initialised: an `__init__` written in Python follows, which takes the arguments.
        """
        base = native_base(cls)
        if self.find(cls, "__del__") is not None:
            return Break(UnsupportedFeature("making an object with a finaliser", f"{name_of(cls)} defines __del__"))
        if namespace_of(cls).get("__abstractmethods__"):
            return Break(UnsupportedFeature("making an instance of an abstract class"))
        if issubclass(base, BaseException):
            return Value(ExceptionVariable(cls, args)) if not kwargs or initialised else self._no_keywords(cls)
        if not self.handler_for(cls).overridable:
            return self.handler_for(cls).construct(self.tracking, cls, args, kwargs)
        if base is object:
            if (args or kwargs) and not initialised:
                return self.raise_error(TypeError, f"{name_of(cls)}() takes no arguments")
            return Value(ObjectVariable(cls))
        handler = self.registry.types.get(base)
        filled = (args or kwargs) and not initialised
        if handler is None or base not in PAYLOADS or (filled and calls_back(cls, base, "__init__")):
            return Break(UnsupportedFeature(f"making an instance of {name_of(cls)}", f"a subclass of {name_of(base)}"))
        mutable = base in MUTABLE_BASES
        content = handler.construct(self.tracking, base, *(((), {}) if mutable and initialised else (args, kwargs)))
        if type(content) is Value:
            return Value(self.own(ObjectVariable(cls, payload=content.value)))
        if type(content) is Enter:
            parts = self.reference(cls), self.reference(base), *self.pack(args, kwargs)
            return self.polyfill(protocols.with_payload, *parts)
        return content

    def _no_keywords(self, cls: type) -> Raise[Variable]:
        return self.raise_error(TypeError, f"{name_of(cls)}() takes no keyword arguments")

    # ---- generators -------------------------------------------------------------------------------------------------

    def make_generator(self, frame: Frame[Variable]) -> Result[Variable]:
        flags = frame.code.raw.co_flags
        if flags & _ASYNC:
            return Break(UnsupportedFeature("a coroutine"))
        made = GeneratorVariable(types.GeneratorType, frame)
        frame.generator = made
        self.generators.append(made)
        return Value(made)

    def get_yield_from_iter(self, frame: Frame[Variable], value: Variable) -> Result[Variable]:
        return Value(value) if value.cls is types.GeneratorType else self.get_iter(value)

    def send(self, receiver: Variable, value: Variable) -> Result[Variable]:
        if self.as_constant(value) is None:
            return self.next(receiver)
        method = self.get_attribute(receiver, "send")
        if type(method) is not Value:
            return method
        return self.call(self.frame, method.value, (value,), {})

    def asynchronous(self, frame: Frame[Variable], operation: str, operands: Sequence[Variable]) -> Result[Variable]:
        return Break(UnsupportedFeature("asynchronous code", operation))


def _immutable(value: object) -> bool:
    return type(value) in _ATOMIC or (type(value) is tuple and all(_immutable(item) for item in value))


_ATOMIC = frozenset({int, float, complex, bool, str, bytes, type(None), type(Ellipsis), range})
_ASYNC = 0x0080 | 0x0200 | 0x0100
"""CO_COROUTINE, CO_ASYNC_GENERATOR, CO_ITERABLE_COROUTINE."""
_STAR_OR_ASYNC = 0x04 | 0x08 | _ASYNC
"""CO_VARARGS, CO_VARKEYWORDS and the above."""
