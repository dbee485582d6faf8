"""Instances of classes made in Python, subclasses of built-in classes included; all other objects are opaque."""

from __future__ import annotations

import ast
import dataclasses
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import CallSource, Source, TypeIs

from ..classes import PAYLOADS, has_instance_dict, made_in_python, name_of, namespace_of, native_base
from ..effects import expression, set_slot
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking, TypeHandler
from ..reasons import NotReconstructible, ReconstructionError, UnsupportedOperation
from ..variable import ATOMS, DELETED, NOT_CONSTANT, HashKey, ObjectVariable, Variable
from .dict import put_ordered
from .instance_dict import InstanceDictVariable

CONVERTERS: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)) + b"",
    complex: complex.__complex__,
}
"""What gives the plain value of an instance of a Python subclass, past what the subclass overrides."""

MUTABLE: frozenset[type] = frozenset({list, dict, set, deque, OrderedDict, defaultdict})
"""Those whose content is given to an instance once it exists."""


def take_content(instance: Any, content: Any) -> None:
    """Give a new instance of a subclass the content of a plain container, past any method of the subclass."""
    kind = type(content)
    if kind is OrderedDict:
        put_ordered(instance, content)
    elif kind is deque:
        deque.__init__(instance, content, content.maxlen)
    elif kind is defaultdict:
        defaultdict.__init__(instance, content.default_factory, content)
    else:
        kind.__init__(instance, content)


def update_fields(instance: object, fields: dict[str, object]) -> None:
    """Store into the instance dictionary, past any `__setattr__`."""
    object.__getattribute__(instance, "__dict__").update(fields)


class InstanceHandler(TypeHandler):
    """`object`, and whatever has no nearer handler."""

    covers_subclasses = True
    overridable = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        base = native_base(cls)
        if (not made_in_python(cls) and cls is not object) or _hides_its_dict(domain, cls):
            return super().wrap(domain, value, source)
        if base is object:
            domain.guard(source, TypeIs(cls))
            return ObjectVariable(cls, source, value)
        payload = self._payload(domain, base, value, source)
        return super().wrap(domain, value, source) if payload is None else ObjectVariable(cls, source, value, payload)

    def _payload(self, domain: Tracking, base: type, value: Any, source: Source) -> Variable | None:
        """Return the variable of what the object holds as an instance of a built-in class."""
        handler = domain.registry.types.get(base)
        lazy = base is types.ModuleType and "__getattr__" in types.ModuleType.__getattribute__(value, "__dict__")
        if handler is None or base not in PAYLOADS or lazy:
            return None
        domain.guard(source, TypeIs(type(value)))
        if base in CONVERTERS:
            convert = CONVERTERS[base]
            return domain.wrap(convert(value), CallSource(convert, source, f" as {base.__name__}"))
        if base in ATOMS:
            return None
        payload: Variable = handler.wrap(domain, value, source)
        payload.cls = base
        return payload

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if cls is not object:
            return super().construct(domain, cls, args, kwargs)
        if args or kwargs:
            return domain.raise_error(TypeError, "object() takes no arguments")
        return Value(ObjectVariable(object))

    # ---- what a program asks ----------------------------------------------------------------------------------------

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        """Answer for the attributes that `object` itself defines in C."""
        if name == "__class__":
            return Value(domain.reference(variable.cls))
        if name == "__doc__":
            return Value(domain.constant(None))
        if name == "__dict__" and isinstance(variable, ObjectVariable) and has_instance_dict(variable.cls):
            if variable.dictionary is None:
                variable.dictionary = InstanceDictVariable(domain, variable)
            return Value(variable.dictionary)
        if domain.find(variable.cls, name) is None:
            return domain.raise_error(AttributeError, f"{name_of(variable.cls)!r} object has no attribute {name!r}")
        return domain.unsupported(variable, f"reading the attribute {name!r}")

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        found = domain.find(variable.cls, "__hash__")
        raw = None if found is None else found[1]
        if raw is object.__hash__:
            domain.class_attribute(variable.cls, "__hash__")
            if domain.special(variable, "__eq__") is not None:
                return Break(UnsupportedOperation(name_of(variable.cls), "hashing", "its __eq__ is Python code"))
            return HashKey(variable, variable)
        if found is not None and self._hashes_by_name(domain, variable, found[0]):
            return HashKey(variable, variable)
        if raw is None:
            return domain.raise_error(TypeError, f"unhashable type: {name_of(variable.cls)!r}")
        by_fields = self._hashes_by_fields(domain, variable)
        if by_fields is not None:
            return by_fields
        payload = domain.payload_of(variable)
        if payload is variable or domain.special(variable, "__hash__") is not None:
            return Break(UnsupportedOperation(name_of(variable.cls), "hashing", "its __hash__ is Python code"))
        if domain.special(variable, "__eq__") is not None:
            return Break(UnsupportedOperation(name_of(variable.cls), "hashing", "its __eq__ is Python code"))
        return domain.hash_key(payload)

    def _hashes_by_fields(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break | None:
        """Return the key of an instance of a dataclass whose `__hash__` and `__eq__` were made from its fields."""
        cls = variable.cls
        fields = namespace_of(cls).get("__dataclass_fields__")
        methods = [namespace_of(cls).get(name) for name in ("__hash__", "__eq__")]
        if type(fields) is not dict or not all(_is_generated(method) for method in methods):
            return None
        used = [field for field in fields.values() if field._field_type is _FIELD]
        if any((field.compare if field.hash is None else field.hash) is not field.compare for field in used):
            return None
        domain.class_attribute(cls, "__hash__")
        domain.class_attribute(cls, "__eq__")
        tokens: list[Any] = [cls]
        for field in used:
            found = domain.get_attribute(variable, field.name) if field.compare else None
            if found is None:
                continue
            key = domain.hash_key(found.value) if type(found) is Value else None
            if not isinstance(key, HashKey):
                return key
            tokens.append(key.token)
        return HashKey(tuple(tokens), variable)

    def _hashes_by_name(self, domain: Tracking, variable: Variable, owner: type) -> bool:
        """Tell whether a class compares by identity, and hashes by trusted code: an enumeration."""
        equal = domain.find(variable.cls, "__eq__")
        module = namespace_of(owner).get("__module__")
        if equal is None or equal[1] is not object.__eq__ or type(module) is not str:
            return False
        if not domain.registry.trusts(module):
            return False
        domain.class_attribute(variable.cls, "__hash__")
        domain.class_attribute(variable.cls, "__eq__")
        return True

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        return NOT_CONSTANT

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        return Break(UnsupportedOperation(name_of(variable.cls), "repr()", "it prints the object's address"))

    # ---- making it again --------------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, ObjectVariable)
        cls = emitter.constant(variable.cls, "cls")
        payload = variable.payload
        if payload is None:
            return emitter.call(object.__new__, cls)
        base = payload.cls
        make: Callable[..., Any] = base.__new__
        if base in ATOMS or base in (tuple, frozenset):
            return emitter.call(make, cls, emitter.value(payload))
        if base in MUTABLE:
            return emitter.call(make, cls)
        detail = f"it is a subclass of {base.__name__!r}"
        raise ReconstructionError(NotReconstructible(name_of(variable.cls), detail))

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, ObjectVariable)
        if variable.payload is not None and variable.payload.cls in MUTABLE:
            content = emitter.content(variable.payload)
            emitter.statement(expression(emitter.call(take_content, emitter.value(variable), content)))
        fill_attributes(emitter, variable)


_FIELD: Any = vars(dataclasses)["_FIELD"]


def _is_generated(method: Any) -> bool:
    """Tell whether a method is one that `dataclasses` wrote."""
    code = getattr(method, "__code__", None)
    return type(method) is types.FunctionType and code is not None and code.co_filename == "<string>"


def fill_attributes(emitter: Emitter, variable: ObjectVariable) -> None:
    """Add the statements that store the instance dictionary and the slots of a new object."""
    fields = {name: value for name, value in variable.fields.items() if value is not DELETED}
    if fields:
        keys: list[ast.expr | None] = [emitter.constant(name, "name") for name in fields]
        made = ast.Dict(keys, [emitter.value(value) for value in fields.values()])
        emitter.statement(expression(emitter.call(update_fields, emitter.value(variable), made)))
    for (owner, name), value in variable.slots.items():
        if value is not DELETED:
            parts = emitter.constant(owner, "owner"), emitter.constant(name, "name"), emitter.value(value)
            emitter.statement(expression(emitter.call(set_slot, emitter.value(variable), *parts)))


def _hides_its_dict(domain: Tracking, cls: type) -> bool:
    """Tell whether a class defines `__dict__` itself: asking an instance for it would run the program's code."""
    found = domain.find(cls, "__dict__")
    return found is not None and type(found[1]) not in (types.GetSetDescriptorType, types.MemberDescriptorType)


HANDLERS = {object: InstanceHandler()}
