"""Attributes of classes along the MRO, with the guards that make a later patch noticed."""

from __future__ import annotations

import abc
import types
import weakref
from typing import Any, cast

from framelift_bytecode_interp import Result, Value
from framelift_guards import (
    AttributeSource,
    CallSource,
    ClassAttributeSource,
    ConstantSource,
    Equals,
    Is,
    LacksAttribute,
    Source,
    TypeSource,
)
from framelift_guards.naming import Reader

from ..classes import mro_of, namespace_of
from ..effects import DeleteAttribute, SetAttribute
from ..variable import DELETED, FunctionVariable, ObjectVariable, Variable
from .state import State

_PLAIN_METACLASSES = (type, abc.ABCMeta)
"""Metaclasses whose attribute access is that of `type`."""


class Lacks(Reader):
    """`lacks(cls)`: no class of the MRO has the attribute."""

    def __init__(self, name: str) -> None:
        self.name = name

    def parts(self) -> tuple[object, ...]:
        return (self.name,)

    def __call__(self, cls: Any) -> bool:
        return all(self.name not in namespace_of(base) for base in mro_of(cls))


class Lineage(Reader):
    """`lineage(cls)`: the MRO consists of the classes that it had."""

    def __init__(self, *mro: type) -> None:
        self.references = [weakref.ref(cls) for cls in mro]

    def parts(self) -> tuple[object, ...]:
        return tuple([reference() for reference in self.references])

    def __call__(self, cls: Any) -> bool:
        mro = mro_of(cls)
        return len(mro) == len(self.references) and all(
            reference() is base for reference, base in zip(self.references, mro, strict=True)
        )


class After(Reader):
    """`after(cls)`: the attribute that `super(owner, ...)` finds; None when no class has it."""

    def __init__(self, owner: type, name: str) -> None:
        self.owner = weakref.ref(owner)
        self.name = name

    def parts(self) -> tuple[object, ...]:
        return self.owner(), self.name

    def __call__(self, cls: Any) -> Any:
        mro = mro_of(cls)
        for base in mro[mro.index(self.owner()) + 1 :]:
            namespace = namespace_of(base)
            if self.name in namespace:
                return namespace[self.name]
        return None


class Lookup(State):
    """Class attributes."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._found: dict[tuple[type, str], tuple[type, Any] | None] = {}
        self._class_variables: dict[tuple[type, str], Variable] = {}
        self._lacking: set[tuple[type, str]] = set()
        self._class_fields: dict[type, dict[str, Any]] = {}

    def release(self) -> None:
        super().release()
        for known in (self._found, self._class_variables, self._lacking, self._class_fields):
            known.clear()

    def find(self, cls: type, name: str) -> tuple[type, Any] | None:
        """Return the class of the MRO that has the attribute and the raw attribute, unguarded; None when none has.

        The raw attribute is a `Variable` where the captured code stored it.
        """
        key = (cls, name)
        try:
            return self._found[key]
        except KeyError:
            pass
        found: tuple[type, Any] | None = None
        for base in mro_of(cls):
            stored = self._class_fields.get(base)
            if stored is not None and name in stored:
                if stored[name] is DELETED:
                    continue
                found = base, stored[name]
                break
            namespace = namespace_of(base)
            if name in namespace:
                found = base, namespace[name]
                break
        self._found[key] = found
        return found

    def guard_lacks(self, cls: type, name: str) -> None:
        """Rely on no class of the MRO having the attribute."""
        key = (cls, name)
        if key in self._lacking or not cls.__flags__ & _HEAPTYPE:
            return
        self._lacking.add(key)
        source: Source = ConstantSource(cls.__qualname__, cls, weak=True)
        if type(cls) in _PLAIN_METACLASSES and not any(name in namespace_of(base) for base in mro_of(type(cls))):
            self.guard(source, LacksAttribute(name))
        else:
            self.guard(CallSource(Lacks(name), source, f" lacks {name}"), Equals(True))

    def guard_lineage(self, cls: type) -> None:
        """Rely on the MRO of a class: `__bases__` may be assigned."""
        key = (cls, "__mro__")
        mro = mro_of(cls)
        if key in self._lacking or all(self._fixed(base) for base in mro):
            return
        self._lacking.add(key)
        source = ConstantSource(cls.__qualname__, cls, weak=True)
        self.guard(CallSource(Lineage(*mro), source, " has the bases that it had"), Equals(True))

    def guard_metaclass(self, cls: type) -> None:
        """Rely on the class of a class: `cls.__class__` may be assigned, where its metaclass is made in Python."""
        key = (cls, "__class__")
        metaclass: Any = type(cls)
        if key in self._lacking or metaclass.__flags__ & _IMMUTABLE or not metaclass.__flags__ & _HEAPTYPE:
            return
        if not self._fixed(cls):
            self._lacking.add(key)
            self.guard(TypeSource(ConstantSource(cls.__qualname__, cls, weak=True)), Is(metaclass))

    def _fixed(self, cls: type) -> bool:
        """Tell whether the bases of a class stay as they are: it is written in C, or a trusted module's."""
        module = namespace_of(cls).get("__module__")
        return not cls.__flags__ & _HEAPTYPE or (type(module) is str and self.registry.trusts(module))

    def class_attribute(self, cls: type, name: str) -> Variable | None:
        """Return the raw class attribute as a variable, guarded; None when no class of the MRO has it.

        It is what the namespace of the class holds: a function, not a bound method.
        """
        known = self._class_variables.get((cls, name))
        if known is not None:
            return known
        found = self.find(cls, name)
        if found is None:
            self.guard_lacks(cls, name)
            return None
        owner, raw = found
        if isinstance(raw, Variable):
            return raw
        variable = self.wrap(raw, self.class_attribute_source(cls, owner, name, raw))
        self._class_variables[cls, name] = variable
        return variable

    def class_attribute_after(self, start: type, owner: type, name: str) -> Variable | None:
        """Return the raw attribute that `super(owner, ...)` finds in the MRO of `start`, guarded."""
        mro = mro_of(start)
        label = f" after {owner.__qualname__} has {name}"
        source: Source = CallSource(After(owner, name), ConstantSource(start.__qualname__, start, weak=True), label)
        for base in mro[mro.index(owner) + 1 :]:
            stored = self._class_fields.get(base, {}).get(name)
            if stored is DELETED:
                continue
            if stored is not None:
                return cast(Variable, stored)
            namespace = namespace_of(base)
            if name in namespace:
                raw = namespace[name]
                following = mro[mro.index(owner) + 1 : mro.index(base)]
                fixed = not base.__flags__ & _HEAPTYPE and not any(
                    between.__flags__ & _HEAPTYPE for between in following
                )
                if fixed or self._trusted_between((*following, base), raw):
                    source = ConstantSource(f"{base.__qualname__}.{name}", raw)
                return self.wrap(raw, source)
        return None

    def _trusted_between(self, classes: tuple[type, ...], raw: object) -> bool:
        modules = [namespace_of(cls).get("__module__") for cls in classes]
        trusted = all(type(module) is str and self.registry.trusts(module) for module in modules)
        return trusted and self.handler_for(type(raw)).trusted

    def class_attribute_source(self, cls: type, owner: type, name: str, raw: object) -> Source:
        """Return how to fetch a raw class attribute: the cheapest exact way."""
        if not owner.__flags__ & _HEAPTYPE and not self._shadowable(cls, owner):
            return ConstantSource(f"{owner.__qualname__}.{name}", raw)
        # Classes of trusted modules are guarded too: programs do patch `nn.Linear.forward`, and one guard serves all
        # instances of a class.
        base = ConstantSource(cls.__qualname__, cls, weak=True)
        # `cls.name` is a look-up in CPython's type cache: exact where binding to the class gives the attribute itself.
        plain = type(cls) in _PLAIN_METACLASSES and type(raw) in _UNBOUND_KINDS
        return AttributeSource(base, name) if plain else ClassAttributeSource(base, name)

    def _shadowable(self, cls: type, owner: type) -> bool:
        """Tell whether a class before `owner` in the MRO is one that a program may patch."""
        for base in mro_of(cls):
            if base is owner:
                return False
            if base.__flags__ & _HEAPTYPE:
                return True
        return False

    def set_class_attribute(self, target: Variable, cls: type, name: str, value: Variable) -> None:
        """Store a class attribute, now and in the log."""
        self._class_fields.setdefault(cls, {})[name] = value
        self._forget(name)
        self.effects.record(SetAttribute(target, name, value))

    def delete_class_attribute(self, target: Variable, cls: type, name: str) -> None:
        """Delete a class attribute, now and in the log."""
        self._class_fields.setdefault(cls, {})[name] = DELETED
        self._forget(name)
        self.effects.record(DeleteAttribute(target, name))

    def _forget(self, name: str) -> None:
        for cache in (self._found, self._class_variables):
            for key in [key for key in cast("dict[tuple[type, str], Any]", cache) if key[1] == name]:
                del cache[key]

    # ---- special methods --------------------------------------------------------------------------------------------

    def special(self, variable: Variable, name: str) -> Variable | None:
        """Return the raw special method of a variable whose class is made in Python: see `TypeHandler.overridable`.

        Returns:
            The function that the class (or a base made in Python) defines; None when a built-in class defines it, or
            nobody: then the built-in behaviour holds, and is guarded to hold.
        """
        cls = variable.cls
        found = self.find(cls, name)
        if found is None:
            self.guard_lacks(cls, name)
            return None
        raw = found[1]
        if not isinstance(raw, Variable) and type(raw) in _BUILTIN_KINDS:
            # Guarded as well: a patch may put a function before it.
            self.class_attribute(cls, name)
            return None
        return self.class_attribute(cls, name)

    def builtin_special(self, cls: type, name: str) -> type | None:
        """Return the built-in class that defines a special method which no Python class overrides."""
        found = self.find(cls, name)
        return found[0] if found is not None and type(found[1]) in _BUILTIN_KINDS else None

    def payload_of(self, variable: Variable) -> Variable:
        """Return the variable of the built-in class for an instance of a Python subclass of it, else the variable."""
        if isinstance(variable, ObjectVariable) and variable.payload is not None:
            return variable.payload
        return variable

    def call_special(self, method: Variable, variable: Variable, *args: Variable) -> Result[Variable]:
        """Call a raw special method that `special` returned."""
        if isinstance(method, FunctionVariable):
            return self.tracking.call(self.frame, method, (variable, *args), {})
        bound = self.tracking.bind(method, variable)
        if type(bound) is not Value:
            return bound
        return self.tracking.call(self.frame, bound.value, args, {})


_HEAPTYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE (Include/object.h): the class can be changed; those of C code are nearly all static."""

_IMMUTABLE = 1 << 8
"""Py_TPFLAGS_IMMUTABLETYPE (Include/object.h): neither it nor the class of its instances can be assigned to."""

_BUILTIN_KINDS = frozenset(
    {
        types.WrapperDescriptorType,
        types.MethodDescriptorType,
        types.BuiltinFunctionType,
        types.GetSetDescriptorType,
        types.MemberDescriptorType,
        types.ClassMethodDescriptorType,
    }
)

_UNBOUND_KINDS = frozenset(
    {
        types.FunctionType,
        types.WrapperDescriptorType,
        types.MethodDescriptorType,
        property,
        int,
        float,
        str,
        bool,
        bytes,
        type(None),
        tuple,
        list,
        dict,
        set,
        frozenset,
    }
)
"""Types of attributes that `cls.name` gives as they are: what they do for instances, they do not for the class."""
