"""`types.MappingProxyType`: a mapping that can only be read."""

from __future__ import annotations

import ast
import gc
import types
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import Break, Raise, Result, Value
from framelift_guards import CallSource, Source

from ..classes import name_of
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking, TypeHandler
from ..variable import BoundMethodVariable, HashKey, Variable
from .container import HolderVariable, on_class

_READS = frozenset({"get", "keys", "values", "items", "copy", "__contains__", "__getitem__", "__iter__", "__len__"})


class ProxyVariable(HolderVariable):
    """A proxy.

    Args:
        mapping: what it shows.
    """

    __slots__ = ("mapping",)

    def __init__(self, mapping: Variable, source: Source | None = None) -> None:
        self.cls = types.MappingProxyType
        self.source = source
        self.mapping = mapping


class ProxyHandler(TypeHandler):
    """`types.MappingProxyType` of dictionaries."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        variable = super().wrap(domain, value, source)  # which guards the type
        shown = gc.get_referents(value)
        kind = type(shown[0]) if len(shown) == 1 else None
        if kind not in (dict, OrderedDict):
            return variable
        copied = CallSource(types.MappingProxyType.copy, source, ".copy()")
        return ProxyVariable(domain.handler_for(kind).wrap(domain, kind(shown[0]), copied), source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if len(args) != 1 or kwargs or not issubclass(args[0].python_type(), dict):
            return super().construct(domain, cls, args, kwargs)
        return Value(ProxyVariable(args[0]))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if not isinstance(variable, ProxyVariable):
            return super().get_attribute(domain, variable, name)
        if name == "__class__":
            return Value(domain.reference(types.MappingProxyType))
        found = on_class(types.MappingProxyType, name)
        if found is None:
            text = f"{name_of(variable.cls)!r} object has no attribute {name!r}"
            return domain.raise_error(AttributeError, text)
        if name not in _READS:
            return super().get_attribute(domain, variable, name)
        wrapper = type(found) is types.WrapperDescriptorType
        kind = types.MethodWrapperType if wrapper else types.BuiltinMethodType
        return Value(BoundMethodVariable(domain.reference(found), variable, kind))

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if not isinstance(variable, ProxyVariable) or name not in _READS:
            return super().call_method(domain, variable, name, args, kwargs)
        method = domain.get_attribute(variable.mapping, name)
        return domain.call(domain.frame, method.value, args, kwargs) if isinstance(method, Value) else method

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not isinstance(left, ProxyVariable):
            return super().compare(domain, op, left, right)
        return domain.compare(op, left.mapping, right)

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        if not isinstance(container, ProxyVariable):
            return super().contains(domain, container, item)
        return domain.contains(item, container.mapping)

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return (
            domain.truth(variable.mapping) if isinstance(variable, ProxyVariable) else super().truth(domain, variable)
        )

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, ProxyVariable):
            return super().length(domain, variable)
        return domain.length(variable.mapping)

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        if not isinstance(container, ProxyVariable):
            return super().get_item(domain, container, key)
        return domain.get_item(container.mapping, key)

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        return domain.sequence(variable.mapping) if isinstance(variable, ProxyVariable) else None

    def entries(self, domain: Tracking, variable: Variable) -> Sequence[tuple[Variable, Variable]] | None:
        return domain.entries(variable.mapping) if isinstance(variable, ProxyVariable) else None

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, ProxyVariable):
            return super().get_iter(domain, variable)
        return domain.get_iter(variable.mapping)

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return domain.raise_error(TypeError, "unhashable type: 'mappingproxy'")

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, ProxyVariable)
        return emitter.call(types.MappingProxyType, emitter.value(variable.mapping))


HANDLERS = {types.MappingProxyType: ProxyHandler()}
