"""Built-in descriptors: `list.append`, `object.__setattr__`, `dict.fromkeys`; and what a call of one means."""

from __future__ import annotations

import types
from typing import Any

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source

from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import BuiltinFunctionVariable, Variable
from .identity import IdentityHandler


class DescriptorOfCHandler(IdentityHandler):
    """Slot wrappers, method descriptors, class method descriptors, members and getset descriptors."""

    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return BuiltinFunctionVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        assert isinstance(variable, BuiltinFunctionVariable)
        return domain.call_builtin(variable, args, kwargs)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, BuiltinFunctionVariable)
        if name in {"__name__", "__qualname__", "__doc__"}:
            return Value(domain.constant(getattr(variable.value, name)))
        if name == "__class__":
            return Value(domain.reference(variable.cls))
        if name == "__objclass__":
            return Value(domain.reference(variable.value.__objclass__))
        return domain.unsupported(variable, f"reading the attribute {name!r}")


HANDLERS = dict.fromkeys(
    (
        types.WrapperDescriptorType,
        types.MethodDescriptorType,
        types.ClassMethodDescriptorType,
        types.GetSetDescriptorType,
        types.MemberDescriptorType,
    ),
    DescriptorOfCHandler(),
)
