"""`torch.ops`: namespaces, operators and their overloads, which live for ever and are known by identity."""

from __future__ import annotations

import types
from typing import Any

import torch
import torch._ops

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source
from framelift_variable_tracking import (
    Answer,
    Arguments,
    HashKey,
    Keywords,
    ReferenceVariable,
    Tracking,
    TypeHandler,
    Variable,
)

__all__ = ["OPERATORS", "OperatorHandler"]


class OperatorHandler(TypeHandler):
    """Operators; a call of one is a node of the graph."""

    covers_subclasses = True
    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        assert isinstance(variable, ReferenceVariable)
        answer = domain.rule_or_record(variable, variable.value, args, kwargs)
        return domain.unsupported(variable, "a call") if answer is None else answer

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, ReferenceVariable)
        try:
            found = getattr(variable.value, name)
        except AttributeError as error:
            return domain.raise_error(AttributeError, str(error))
        if isinstance(found, _REFERENCES):
            return Value(domain.reference(found))
        return domain.unsupported(variable, f"reading the attribute {name!r}")

    def truth(self, domain: Tracking, variable: Variable) -> Any:
        return Value(True)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return None

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey:
        return HashKey(variable, variable)


_REFERENCES = (
    torch._ops.OpOverload,
    torch._ops.OpOverloadPacket,
    torch._ops._OpNamespace,
    types.BuiltinFunctionType,
)

_HANDLER = OperatorHandler()

OPERATORS: dict[type, TypeHandler] = {
    torch._ops.OpOverload: _HANDLER,
    torch._ops.OpOverloadPacket: _HANDLER,
    torch._ops._OpNamespace: _HANDLER,
    type(torch.ops): _HANDLER,
    type(torch._C._VariableFunctions): _HANDLER,
}
"""The handler, by type."""
