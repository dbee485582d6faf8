"""`int | None` and `list[int]`: union types and generic aliases."""

from __future__ import annotations

import types
from typing import Any

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source

from ..handler import Answer, Tracking
from ..variable import NEW, NOT_CONSTANT, ConstantVariable, ReferenceVariable, Variable
from .identity import IdentityHandler

_PARTS = frozenset({"__args__", "__origin__", "__parameters__"})
"""What a union or an alias is made of, which never changes (PEP 585, PEP 604)."""


class UnionHandler(IdentityHandler):
    """`types.UnionType` and `types.GenericAlias`: known by identity, except where it is made anew by each call."""

    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        value = variable.value if isinstance(variable, ReferenceVariable) else NEW
        if value is NEW or name not in _PARTS or not hasattr(value, name):
            return super().get_attribute(domain, variable, name)
        found = getattr(value, name)
        return (
            domain.build_tuple(list(map(domain.reference, found)))
            if type(found) is tuple
            else Value(domain.reference(found))
        )

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return union(domain, left, right) if op == "|" else None

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        return union(domain, left, right) if op == "|" else None


def alias(domain: Tracking, cls: Variable, key: Variable) -> Answer:
    """`cls[key]` for a class of C code and known classes."""
    keys = domain.sequence(key) if key.python_type() is tuple else [key]
    values = [getattr(part, "value", NOT_CONSTANT) for part in keys or ()]
    if (
        keys is None
        or not isinstance(cls, ReferenceVariable)
        or any(value is NEW or value is NOT_CONSTANT for value in values)
    ):
        return domain.unsupported(cls, "subscription by what is no class")
    return Value(domain.reference(cls.value[tuple(values) if key.python_type() is tuple else values[0]]))


def union(domain: Tracking, left: Variable, right: Variable) -> Answer | None:
    """`left | right` of classes whose metaclass is `type`, unions and None; None for anything else."""
    parts: list[Any] = []
    for operand in (left, right):
        known = isinstance(operand, (ReferenceVariable, ConstantVariable))
        value = operand.value if isinstance(operand, (ReferenceVariable, ConstantVariable)) else None
        if not known or type(value) not in {type, types.UnionType, types.GenericAlias, type(None)}:
            return None
        parts.append(value)
    if parts == [None, None]:
        return None
    return Value(domain.reference(parts[0] | parts[1]))


HANDLERS = dict.fromkeys((types.UnionType, types.GenericAlias), UnionHandler())
