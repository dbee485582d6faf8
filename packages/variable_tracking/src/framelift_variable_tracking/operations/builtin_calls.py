"""What a call of a built-in function or descriptor means, when no rule and no recorder knows it."""

from __future__ import annotations

import types
from typing import Any

from framelift_bytecode_interp import Break, Enter, Result, Value

from ..classes import calls_back, is_subclass, made_in_python, makes_its_own, name_of
from ..handler import Arguments, CallContext, Keywords, Tracking
from ..polyfills import mapping, protocols
from ..reasons import UnsupportedCall, UnsupportedFeature
from ..variable import (
    NOT_CONSTANT,
    BuiltinFunctionVariable,
    ConstantVariable,
    ObjectVariable,
    ReferenceVariable,
    Variable,
)
from .operators import COMPARISONS, METHODS
from .patterns import Patterns

_OPERATIONS = {
    "__contains__": ("contains", 1),
    "__delitem__": ("delete_item", 1),
    "__getitem__": ("get_item", 1),
    "__iter__": ("get_iter", 0),
    "__len__": ("length", 0),
    "__next__": ("next", 0),
    "__setitem__": ("set_item", 2),
}
"""Operations of handlers by the special method that means the same, and how many arguments it takes."""

_OPERATORS = {
    **{method: ("compare", op) for op, method in COMPARISONS.items()},
    **{f"__{name}__": ("binary", op) for op, name in METHODS.items()},
    **{f"__i{name}__": ("inplace", op) for op, name in METHODS.items()},
    **{f"__r{name}__": ("reflected", op) for op, name in METHODS.items()},
}
"""Operators of handlers by special method."""

_DESCRIPTORS = (types.WrapperDescriptorType, types.MethodDescriptorType)


class BuiltinCalls(Patterns):
    """Calls of C code."""

    def call_builtin(self, callee: BuiltinFunctionVariable, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """Call a built-in function, a method descriptor or a slot wrapper."""
        value = callee.value
        answer = self.rule_or_record(callee, value, args, kwargs)
        if answer is not None:
            return answer
        if id(value) in self.registry.pure:
            answer = self._evaluate(value, args, kwargs)
            if answer is not None:
                return answer
        if type(value) in _DESCRIPTORS:
            return self._call_descriptor(value, args, kwargs)
        receiver = getattr(value, "__self__", None)
        if value.__class__ is types.BuiltinFunctionType and isinstance(receiver, type):
            if value.__name__ == "__new__":
                return self._call_new(receiver, args, kwargs)
            if value.__name__ == "__init_subclass__":
                return Value(self.none)
            return self.handler_for(receiver).call_method(
                self.tracking, self.reference(receiver), value.__name__, args, kwargs
            )
        return Break(UnsupportedCall(getattr(value, "__qualname__", type(value).__qualname__)))

    def _evaluate(self, function: Any, args: Arguments, kwargs: Keywords) -> Result[Variable] | None:
        """Call a pure function with known arguments; None when one is not known."""
        values = [self.as_constant(arg) for arg in args]
        keywords = {name: self.as_constant(arg) for name, arg in kwargs.items()}
        if any(value is NOT_CONSTANT for value in (*values, *keywords.values())):
            return None
        try:
            result = function(*values, **keywords)
        except Exception as error:  # noqa: BLE001 - the program's own: it is raised in the program
            return self.raise_native(error)
        return self.from_native(result)

    def _call_descriptor(self, descriptor: Any, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        owner: type = descriptor.__objclass__
        name: str = descriptor.__name__
        if not args:
            text = f"unbound method {name_of(owner)}.{name}() needs an argument"
            if type(descriptor) is types.WrapperDescriptorType:
                text = f"descriptor {name!r} of {name_of(owner)!r} object needs an argument"
            return self.raise_error(TypeError, text)
        receiver, rest = args[0], args[1:]
        if not is_subclass(receiver.python_type(), owner):
            names = f"for {name_of(owner)!r} objects doesn't apply to a {name_of(receiver.python_type())!r} object"
            kind = "requires a" if type(descriptor) is types.WrapperDescriptorType else "doesn't apply to a"
            text = f"descriptor {name!r} {names}"
            if kind == "requires a":
                found = name_of(receiver.python_type())
                text = f"descriptor {name!r} requires a {name_of(owner)!r} object but received a {found!r}"
            return self.raise_error(TypeError, text)
        if owner is object:
            return self._call_of_object(receiver, name, rest, kwargs)
        if owner is not type and issubclass(owner, type):
            # A metaclass written in C says something else than `type` does, under the same names.
            return self.unsupported(receiver, f"{name_of(owner)}.{name}()")
        if owner is type and name == "__call__" and isinstance(receiver, ReferenceVariable):
            return self.handler_of(receiver).call_method(self.tracking, receiver, name, rest, kwargs)
        payload = self.payload_of(receiver)
        if payload is not receiver and calls_back(receiver.python_type(), payload.cls, name):
            if name not in {"__init__", "update"} or len(rest) > 1:
                reason = f"{name_of(payload.cls)}.{name}() calls methods of its own"
                return Break(UnsupportedFeature(f"the method {name!r} of {name_of(receiver.python_type())}", reason))
            return self.polyfill(mapping.update_by_methods, receiver, *self.pack(rest, kwargs))
        if payload is not receiver and makes_its_own(payload.cls, name):
            return self.unsupported(receiver, f"the method {name!r}, which makes another one")
        if payload is not receiver and name == "__init__" and not issubclass(payload.cls, dict):
            return self.polyfill_initialise(receiver, payload, rest, kwargs)
        if not kwargs and type(payload) is not ConstantVariable:  # their handler knows the methods by name
            operated = self._call_operation(payload, name, rest)
            if operated is not None:
                return self.of_payload(receiver, payload, operated)
        answer = self.handler_of(payload).call_method(self.tracking, payload, name, rest, kwargs)
        return self.of_payload(receiver, payload, answer)

    def _call_operation(self, receiver: Variable, name: str, args: Arguments) -> Result[Variable] | None:
        """Call a special method that is an operation of the handler, by its name: `items.__len__()`."""
        handler = self.handler_of(receiver)
        operation = _OPERATIONS.get(name)
        if operation is not None and operation[1] == len(args):
            answer: Result[Variable] = getattr(handler, operation[0])(self.tracking, receiver, *args)
            return answer
        kind = _OPERATORS.get(name)
        if kind is None or len(args) != 1:
            return None
        result: Result[Variable] | None = getattr(handler, kind[0])(
            self.tracking, kind[1], receiver, self.payload_of(args[0])
        )
        if type(result) is Enter and kind[0] == "inplace":
            return self.unsupported(receiver, f"{name} with what is not known at once")
        return Value(self.constant(NotImplemented)) if result is None else result

    def polyfill_initialise(
        self, receiver: Variable, payload: Variable, args: Arguments, kwargs: Keywords
    ) -> Result[Variable]:
        """`list.__init__(receiver, ...)` for a subclass: its content is made anew."""
        if payload.cls in (int, float, str, bytes, complex, tuple, frozenset):
            return Value(self.none)  # `object.__init__`; the content was given to `__new__`
        if receiver.source is not None:
            return self.unsupported(receiver, "initialising an existing object")
        if not kwargs:
            made = self.handler_of(payload).construct(self.tracking, payload.cls, args, {})
            if type(made) is Value:
                assert isinstance(receiver, ObjectVariable)
                receiver.payload = made.value
                self.own(receiver)
                return Value(self.none)
            if type(made) is not Enter:
                return made
        parts = self.reference(payload.cls), *self.pack(args, kwargs)
        return self.polyfill(protocols.initialise_payload, receiver, *parts)

    def _call_new(self, base: type, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """`base.__new__(cls, ...)` (Objects/typeobject.c, tp_new_wrapper)."""
        if not args or not isinstance(args[0], ReferenceVariable) or not isinstance(args[0].value, type):
            return Break(UnsupportedFeature(f"{name_of(base)}.__new__ with these arguments"))
        cls: type = args[0].value
        if not is_subclass(cls, base):
            text = f"{name_of(base)}.__new__({name_of(cls)}): {name_of(cls)} is not a subtype of {name_of(base)}"
            return self.raise_error(TypeError, text)
        if not made_in_python(cls):
            return self.handler_for(cls).construct(self.tracking, cls, args[1:], kwargs)
        initialise = self.find(cls, "__init__")
        own_init = initialise is not None and type(initialise[1]) is types.FunctionType
        if base is object:
            own_new = type(self.find(cls, "__new__")[1]) is not types.BuiltinFunctionType  # type: ignore[index]
            if (args[1:] or kwargs) and (own_new or not own_init):
                text = "object.__new__() takes exactly one argument (the type to instantiate)"
                return self.raise_error(TypeError, text)
            return self.new_instance(cls, (), {}, initialised=own_init)
        return self.new_instance(cls, args[1:], kwargs, initialised=own_init)

    def _initialise_object(self, cls: type) -> Result[Variable]:
        """`object.__init__` with excess arguments (Objects/typeobject.c, object_init)."""
        initialise, make = self.find(cls, "__init__"), self.find(cls, "__new__")
        if initialise is not None and initialise[0] is not object:
            text = "object.__init__() takes exactly one argument (the instance to initialize)"
            return self.raise_error(TypeError, text)
        if make is not None and make[0] is object:
            return self.raise_error(TypeError, f"{name_of(cls)}() takes no arguments")
        return Value(self.none)

    def _call_of_object(self, receiver: Variable, name: str, args: Arguments, kwargs: Keywords) -> Result[Variable]:
        """Call a method that `object` itself defines."""
        text = self.as_constant(args[0]) if args else None
        if name == "__init__":
            return self._initialise_object(receiver.python_type()) if args or kwargs else Value(self.none)
        if name == "__getattribute__" and type(text) is str and len(args) == 1:
            if self.handler_of(receiver).overridable:
                return self.generic_attribute(receiver, text)
            return self.get_attribute(receiver, text)
        if name == "__setattr__" and type(text) is str and len(args) == 2:
            if self.handler_of(receiver).overridable:
                return self.set_generic_attribute(receiver, text, args[1])
            return self.unsupported(receiver, "object.__setattr__")
        if name == "__delattr__" and type(text) is str and len(args) == 1:
            if self.handler_of(receiver).overridable:
                return self.delete_generic_attribute(receiver, text)
            return self.unsupported(receiver, "object.__delattr__")
        if name in {"__eq__", "__ne__"} and len(args) == 1:
            if name == "__eq__" and receiver is args[0]:
                return Value(self.true)
            if name == "__eq__" or not self.handler_of(receiver).overridable:
                return Value(self.constant(NotImplemented))
            return Break(UnsupportedFeature("object.__ne__"))
        if name in {"__lt__", "__le__", "__gt__", "__ge__"} and len(args) == 1:
            return Value(self.constant(NotImplemented))
        if name == "__init_subclass__":
            return Value(self.none)
        if name == "__format__" and text == "":
            return self.convert(receiver, "s")
        if name == "__str__":
            return self.convert(receiver, "r")
        return self.unsupported(receiver, f"object.{name}")


def adopt_payload(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Result[Variable]:
    """The rule of `protocols.adopt_payload`."""
    cls, content = args
    assert isinstance(cls, ReferenceVariable)
    return Value(domain.own(ObjectVariable(cls.value, payload=content)))


def refill_payload(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Result[Variable]:
    """The rule of `protocols.refill_payload`."""
    instance, content = args
    assert isinstance(instance, ObjectVariable)
    instance.payload = content
    domain.own(instance)
    return Value(domain.constant(None))
