"""staticmethod, classmethod and property objects."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source

from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import DescriptorVariable, ReferenceVariable, Variable
from .identity import IdentityHandler


class DescriptorHandler(IdentityHandler):
    """The three descriptors that decorators make; what binding them gives is in `operations.attributes`."""

    trusted = True
    parts: Sequence[str] = ("__func__",)

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if kwargs or not 1 <= len(args) <= len(self.parts):
            return super().construct(domain, cls, args, kwargs)
        padded = (*args, *[None] * (len(self.parts) - len(args)))
        return Value(DescriptorVariable(cls, padded))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        if variable.cls is not staticmethod:
            return domain.raise_error(TypeError, f"{variable.cls.__name__!r} object is not callable")
        inner = domain.bind_to_class(variable, object)
        return domain.call(domain.frame, inner.value, args, kwargs) if type(inner) is Value else inner

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if name not in self.parts:
            return domain.unsupported(variable, f"reading the attribute {name!r}")
        part: Any
        if isinstance(variable, DescriptorVariable):
            part = variable.parts[self.parts.index(name)]
        else:
            assert isinstance(variable, ReferenceVariable)
            value = getattr(variable.value, name)
            part = None if value is None else domain.reference(value)
        return Value(domain.constant(None) if part is None else part)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, DescriptorVariable)
        parts = [ast.Constant(None) if part is None else emitter.value(part) for part in variable.parts]
        return emitter.call(variable.cls, *parts)


class PropertyHandler(DescriptorHandler):
    """`property`."""

    parts = ("fget", "fset", "fdel")


HANDLERS = {
    property: PropertyHandler(),
    **dict.fromkeys((staticmethod, classmethod), DescriptorHandler()),
}
