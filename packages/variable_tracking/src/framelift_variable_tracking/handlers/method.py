"""Bound methods, of Python functions and of built-in objects."""

from __future__ import annotations

import ast
import types
from typing import Any

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import AttributeSource, Is, Source, TypeIs

from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import BoundMethodVariable, BuiltinFunctionVariable, HashKey, Variable
from .container import distinct
from .identity import IdentityHandler


def _own(variable: Variable) -> BoundMethodVariable:
    assert isinstance(variable, BoundMethodVariable)
    return variable


class MethodHandler(IdentityHandler):
    """`types.MethodType`."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(types.MethodType))
        function = domain.wrap(value.__func__, AttributeSource(source, "__func__"))
        receiver = domain.wrap(value.__self__, AttributeSource(source, "__self__"))
        return BoundMethodVariable(function, receiver, types.MethodType, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        known = len(args) == 2 and not kwargs and args[0].cls in _CALLABLES
        if not known or domain.as_constant(args[1]) is None:
            return super().construct(domain, cls, args, kwargs)
        return Value(BoundMethodVariable(args[0], args[1]))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        method = _own(variable)
        return domain.call(domain.frame, method.function, (method.receiver, *args), kwargs)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        method = _own(variable)
        if name == "__func__":
            return Value(method.function)
        if name == "__self__":
            return Value(method.receiver)
        if name == "__class__":
            return Value(domain.reference(types.MethodType))
        return domain.get_attribute(method.function, name)

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        return domain.raise_error(AttributeError, f"'method' object has no attribute {name!r}")

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        mine, other = _own(left), right
        if op not in {"==", "!="} or not isinstance(other, BoundMethodVariable):
            return None
        theirs = other.function, other.receiver
        same = not any(map(distinct, (domain, domain), (mine.function, mine.receiver), theirs))
        return domain.boolean(same is (op == "=="))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        method = _own(variable)
        return HashKey((method.function, method.receiver), variable)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        method = _own(variable)
        return emitter.call(types.MethodType, emitter.value(method.function), emitter.value(method.receiver))


_CALLABLES = frozenset({types.FunctionType, types.BuiltinFunctionType, types.MethodType, type})


def bind_descriptor(descriptor: Any, receiver: Any) -> Any:
    """Return the bound method of a built-in descriptor."""
    return descriptor.__get__(receiver, type(receiver))


class BuiltinMethodHandler(MethodHandler):
    """Bound methods of built-in objects (`[].append`), and built-in functions, which are of the same type."""

    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        receiver = value.__self__
        kind = type(receiver)
        if receiver is None or kind is types.ModuleType or issubclass(kind, type):
            return wrap_reference(domain, value, source)
        descriptor = domain.find(kind, value.__name__)
        if descriptor is None:  # a function whose `__self__` is no receiver: pybind11 keeps its record there
            return wrap_reference(domain, value, source)
        if type(descriptor[1]) not in (types.MethodDescriptorType, types.WrapperDescriptorType):
            return super(IdentityHandler, self).wrap(domain, value, source)
        domain.guard(source, TypeIs(type(value)))
        domain.wrap(value.__name__, AttributeSource(source, "__name__"))
        made = domain.wrap(receiver, AttributeSource(source, "__self__"))
        return BoundMethodVariable(domain.reference(descriptor[1]), made, type(value), source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        if isinstance(variable, BuiltinFunctionVariable):
            return domain.call_builtin(variable, args, kwargs)
        return super().call(domain, variable, args, kwargs)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if isinstance(variable, BuiltinFunctionVariable):
            if name in {"__name__", "__qualname__", "__doc__", "__module__"}:
                value = getattr(variable.value, name)
                return Value(domain.constant(value)) if type(value) is str else domain.unsupported(variable, name)
            return domain.unsupported(variable, f"reading the attribute {name!r}")
        method = _own(variable)
        if name == "__self__":
            return Value(method.receiver)
        if name == "__class__":
            return Value(domain.reference(method.cls))
        return domain.get_attribute(method.function, name)

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        if isinstance(variable, BuiltinFunctionVariable):
            return HashKey(variable, variable)
        return super().hash_key(domain, variable)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return super().compare(domain, op, left, right) if isinstance(left, BoundMethodVariable) else None

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        method = _own(variable)
        return emitter.call(bind_descriptor, emitter.value(method.function), emitter.value(method.receiver))


def wrap_reference(domain: Tracking, value: Any, source: Source) -> Variable:
    """Return the variable of a built-in function or descriptor, guarded by identity."""
    domain.guard(source, Is(value))
    return BuiltinFunctionVariable(value, source)


_BUILTIN_METHOD = BuiltinMethodHandler()

HANDLERS = {
    types.MethodType: MethodHandler(),
    types.BuiltinFunctionType: _BUILTIN_METHOD,
    types.MethodWrapperType: _BUILTIN_METHOD,
}
