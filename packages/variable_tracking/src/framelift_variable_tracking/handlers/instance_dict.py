"""The `__dict__` of an instance: a dictionary whose content is the instance's fields."""

from __future__ import annotations

import ast
from typing import Any

from framelift_bytecode_interp import Break, Unwind
from framelift_guards import DictKeys, InstanceDictSource

from ..emitter import Emitter
from ..handler import Tracking
from ..reasons import UnsupportedFeature
from ..variable import DELETED, NEW, NOT_CONSTANT, ConstantVariable, HashKey, ObjectVariable, Variable
from .dict import DictHandler
from .dict_variable import DictVariable


class InstanceDictionary(dict[str, object]):
    """The key of the handler; the type that a program sees is `dict`."""

    __slots__ = ()


class InstanceDictVariable(DictVariable):
    """The `__dict__` of an instance. It holds nothing itself: attribute access and it show the same fields.

    Args:
        domain: reads and writes fields.
        owner: the instance.
    """

    __slots__ = ("domain", "owner")

    def __init__(self, domain: Tracking, owner: ObjectVariable) -> None:
        super().__init__({}, None if owner.source is None else InstanceDictSource(owner.source), InstanceDictionary)
        self.domain = domain
        self.owner = owner

    def python_type(self) -> type:
        return dict

    def _name(self, key: HashKey) -> str:
        if type(key.token) is not str:
            raise Unwind(Break(UnsupportedFeature("an instance dictionary with keys that are no strings")))
        return key.token

    def _names(self) -> list[str]:
        """Return the names of all fields in order, relying on them."""
        owner = self.owner
        added = {name for name, value in owner.fields.items() if value is not DELETED}
        if owner.value is NEW:
            return [name for name in owner.fields if name in added]
        real: dict[str, Any] = object.__getattribute__(owner.value, "__dict__")
        assert self.source is not None
        self.domain.guard(self.source, DictKeys(list(real)))
        kept = [name for name in real if owner.fields.get(name) is not DELETED and name not in owner.moved]
        return [*kept, *[name for name in owner.fields if name in added and (name not in real or name in owner.moved)]]

    def keyed(self) -> dict[HashKey, Any]:
        return {HashKey(name, ConstantVariable(name)): self.owner.fields.get(name) for name in self._names()}

    @property
    def items(self) -> dict[HashKey, Variable]:
        found = {}
        for name in self._names():
            value = self.domain.read_field(self.owner, name)
            assert value is not None
            found[HashKey(name, ConstantVariable(name))] = value
        return found

    @property
    def touched(self) -> bool:
        return False

    def __len__(self) -> int:
        return len(self._names())

    def known_empty(self) -> bool:
        return not self._names()

    def has(self, key: HashKey) -> bool:
        return type(key.token) is str and self.domain.read_field(self.owner, key.token) is not None

    def get(self, key: HashKey) -> Variable | None:
        return self.domain.read_field(self.owner, key.token) if type(key.token) is str else None

    def put(self, key: HashKey, value: Variable) -> None:
        if not self.has(key):
            self.version += 1
        self.domain.write_field(self.owner, self._name(key), value)

    def remove(self, key: HashKey) -> None:
        self.version += 1
        self.domain.delete_field(self.owner, self._name(key))

    def clear(self) -> None:
        for name in self._names():
            self.remove(HashKey(name, ConstantVariable(name)))


class InstanceDictHandler(DictHandler):
    """The `__dict__` of an instance."""

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        return NOT_CONSTANT

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, InstanceDictVariable)
        return emitter.call(object.__getattribute__, emitter.value(variable.owner), ast.Constant("__dict__"))

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        """Do nothing: the owner is filled."""

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        """Do nothing: each field that was written has an effect of its own."""


HANDLERS = {InstanceDictionary: InstanceDictHandler()}
