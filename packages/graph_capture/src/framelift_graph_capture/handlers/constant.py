"""torch's plain values: dtypes, layouts, memory formats are singletons; devices are compared by value."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch

from framelift_bytecode_interp import Break, Raise, Result, Value
from framelift_guards import Is, Source
from framelift_guards.torch import DeviceEquals
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Arguments,
    BoundMethodVariable,
    ConstantVariable,
    Emitter,
    HashKey,
    Keywords,
    Tracking,
    TypeHandler,
    Variable,
)

from .tensor import session_of

__all__ = ["DeviceHandler", "TorchConstantHandler"]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"==": operator.eq, "!=": operator.ne}


class TorchConstantHandler(TypeHandler):
    """Immutable values of torch that are known during capture.

    Args:
        singleton: values are compared by identity, and so guarded.
    """

    trusted = True

    def __init__(self, *, singleton: bool) -> None:
        self._singleton = singleton

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        if self._singleton:
            domain.guard(source, Is(value))
        else:
            domain.guard(source, DeviceEquals(value))
        return ConstantVariable(value)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(ConstantVariable(value))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        values = [domain.as_constant(item) for item in args]
        named = {name: domain.as_constant(item) for name, item in kwargs.items()}
        if any(value is NOT_CONSTANT for value in (*values, *named.values())):
            return domain.unsupported(Variable(cls), "construction from values that are not known")
        try:
            return Value(ConstantVariable(cls(*values, **named)))
        except (RuntimeError, TypeError, ValueError) as error:
            return domain.raise_error(type(error), str(error))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        value = domain.as_constant(variable)
        try:
            found = getattr(value, name)
        except AttributeError as error:
            return domain.raise_error(AttributeError, str(error))
        if callable(found):
            return Value(BoundMethodVariable(domain.reference(getattr(variable.cls, name)), variable, type([].append)))
        return domain.from_native(found)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        values = [domain.as_constant(item) for item in (variable, *args)]
        if kwargs or name.startswith("__") or any(value is NOT_CONSTANT for value in values):
            return domain.unsupported(variable, f"the method {name!r}")
        try:
            return domain.from_native(getattr(variable.cls, name)(*values))
        except (RuntimeError, TypeError, ValueError) as error:
            return domain.raise_error(type(error), str(error))

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        function = _COMPARE.get(op)
        other = domain.as_constant(right)
        if function is None or other is NOT_CONSTANT:
            return None
        return Value(domain.constant(function(domain.as_constant(left), other)))

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Value(True)

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return HashKey(domain.as_constant(variable), variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        value = domain.as_constant(variable)
        return Value(domain.constant(str(value) if conversion == "s" else repr(value)))

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        return variable.value if isinstance(variable, ConstantVariable) else NOT_CONSTANT

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, ConstantVariable)
        return emitter.constant(variable.value, "torch_constant")


class DeviceHandler(TorchConstantHandler):
    """torch.device, which is also the region of a default device."""

    def __init__(self) -> None:
        super().__init__(singleton=False)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        device = domain.as_constant(variable)
        if name == "__enter__" and not args and not kwargs and device is not NOT_CONSTANT:
            session_of(domain).enter_device(device)
            return Value(variable)
        if name == "__exit__" and len(args) == 3 and not kwargs and device is not NOT_CONSTANT:
            if not session_of(domain).exit_device(device):
                return domain.unsupported(variable, "leaving the region, which another graph has entered,")
            return Value(domain.constant(None))
        return super().call_method(domain, variable, name, args, kwargs)


TORCH_CONSTANTS: dict[type, TypeHandler] = {
    torch.dtype: TorchConstantHandler(singleton=True),
    torch.layout: TorchConstantHandler(singleton=True),
    torch.memory_format: TorchConstantHandler(singleton=True),
    torch.device: DeviceHandler(),
    torch.finfo: TorchConstantHandler(singleton=True),
    torch.iinfo: TorchConstantHandler(singleton=True),
}
"""The handlers, by type."""
