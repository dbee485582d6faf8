"""Modules: their attributes are the globals of their functions."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source, TypeIs

from ..effects import DeleteGlobal
from ..handler import Answer, Tracking
from ..variable import DELETED, ConstantVariable, ModuleVariable, Variable
from .identity import IdentityHandler

_variables: Callable[[types.ModuleType], dict[str, Any]] = vars(types.ModuleType)["__dict__"].__get__
"""Returns the variables of a module, past any `__getattribute__` of its class."""


class ModuleHandler(IdentityHandler):
    """`types.ModuleType`; subclasses (lazy modules) are opaque, since their attributes run code."""

    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        if not domain.globals_of(_variables(value)).trusted:
            domain.guard(source, TypeIs(types.ModuleType))  # a module may be given a class of its own
        return ModuleVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, ModuleVariable)
        if name == "__class__":
            return Value(domain.reference(types.ModuleType))
        scope = domain.globals_of(_variables(variable.value))
        found = domain.read_global(scope, name)
        if found is not None:
            domain.guard_function(scope, name)
            return Value(found)
        if domain.find(types.ModuleType, name) is not None:
            return domain.unsupported(variable, f"reading the attribute {name!r}")
        getter = domain.read_global(scope, "__getattr__")
        if getter is not None:
            return domain.call(domain.frame, getter, (ConstantVariable(name),), {})
        shown = _variables(variable.value).get("__name__")
        return domain.raise_error(AttributeError, f"module {shown!r} has no attribute {name!r}")

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        assert isinstance(variable, ModuleVariable)
        if name in {"__class__", "__dict__"}:
            return domain.unsupported(variable, f"setting the attribute {name!r}")
        scope = domain.globals_of(_variables(variable.value))
        if scope.trusted:
            return domain.unsupported(variable, "setting an attribute of a module that operations rely on")
        domain.write_global(scope, name, value)
        return Value(value)

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, ModuleVariable)
        scope = domain.globals_of(_variables(variable.value))
        if domain.read_global(scope, name) is None:
            return domain.raise_error(AttributeError, f"module has no attribute {name!r}")
        if scope.trusted:
            return domain.unsupported(variable, "deleting an attribute of a module that operations rely on")
        scope.known[name] = DELETED
        domain.effects.record(DeleteGlobal(scope.namespace, name))
        return Value(domain.constant(None))


HANDLERS = {types.ModuleType: ModuleHandler()}
