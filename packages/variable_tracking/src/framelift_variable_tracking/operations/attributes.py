"""The attribute protocol of instances: descriptors, the instance dictionary, slots, `__getattr__` (typeobject.c).

What happens for an instance of a class made in Python; handlers of other types answer for themselves.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from framelift_bytecode_interp import Break, Raise, Result, Value, missing_special_method
from framelift_guards import (
    AttributeSource,
    CallSource,
    DictItemSource,
    Equals,
    InstanceDictSource,
    LacksKey,
    SlotSource,
    Source,
    TypeIs,
)

from ..classes import has_instance_dict, is_subclass, name_of
from ..effects import DeleteAttribute, DeleteSlot, SetAttribute, SetSlot
from ..polyfills import protocols
from ..reasons import UnsupportedFeature
from ..variable import (
    DELETED,
    NEW,
    BoundMethodVariable,
    ConstantVariable,
    DescriptorVariable,
    ExceptionVariable,
    ObjectVariable,
    ReferenceVariable,
    Variable,
)
from .operators import Operators

_DATA_OF_C = (types.GetSetDescriptorType, types.MemberDescriptorType)

_IS_DICT = TypeIs(dict)


class Attributes(Operators):
    """Attribute access."""

    # ---- the instance dictionary ------------------------------------------------------------------------------------

    def read_field(self, owner: ObjectVariable, name: str) -> Variable | None:
        """Return an entry of the instance dictionary, guarded; None (guarded) when there is none."""
        known = owner.fields.get(name)
        if known is not None:
            return None if known is DELETED else known
        if owner.value is NEW or not has_instance_dict(owner.cls):
            return None
        fields: dict[str, Any] = object.__getattribute__(owner.value, "__dict__")
        assert owner.source is not None
        if name not in fields:
            self.guard(self._fields_source(owner.source, fields), LacksKey(name))
            owner.fields[name] = DELETED
            return None
        found = self.wrap(fields[name], self.field_source(owner, name))
        owner.fields[name] = found
        return found

    def field_source(self, owner: ObjectVariable, name: str) -> Source:
        """Return how to fetch an entry of an existing object's dictionary, running no code of the user's."""
        assert owner.source is not None
        plain = self.find(owner.cls, "__getattr__") is None and self.find(owner.cls, name) is None
        getter = self.find(owner.cls, "__getattribute__")
        if plain and getter is not None and getter[1] is object.__getattribute__:
            # Reading the attribute reads the dictionary only for as long as the class has nothing to say.
            self.special(owner, "__getattribute__")
            self.guard_lacks(owner.cls, name)
            return AttributeSource(owner.source, name)
        fields = object.__getattribute__(owner.value, "__dict__")
        return DictItemSource(self._fields_source(owner.source, fields), name)

    def _fields_source(self, owner: Source, fields: dict[str, Any]) -> Source:
        """Return how to fetch an instance dictionary, guarded as a plain one, which is quicker to look into."""
        source = InstanceDictSource(owner)
        if type(fields) is dict:
            self.guard(source, _IS_DICT)
        return source

    def write_field(self, owner: ObjectVariable, name: str, value: Variable) -> None:
        """Store into the instance dictionary, now and in the log."""
        if owner.fields.get(name) is DELETED:
            del owner.fields[name]
            owner.moved |= {name}
        owner.fields[name] = value
        if owner.source is not None:
            self.effects.record(SetAttribute(owner, name, value))

    def delete_field(self, owner: ObjectVariable, name: str) -> None:
        """Delete an entry of the instance dictionary, now and in the log."""
        owner.fields[name] = DELETED
        if owner.source is not None:
            self.effects.record(DeleteAttribute(owner, name))

    # ---- reading ----------------------------------------------------------------------------------------------------

    def get_attribute(self, owner: Variable, name: str) -> Result[Variable]:
        answer = self._attribute(owner, name)
        if type(answer) is Raise:
            _tell_missing(answer, owner, name)
        return answer

    def _attribute(self, owner: Variable, name: str) -> Result[Variable]:
        handler = self.handler_of(owner)
        if not handler.overridable:
            return handler.get_attribute(self.tracking, owner, name)
        getter = self.special(owner, "__getattribute__")
        if getter is None:
            return self._generic(owner, name, fallback=True)
        fallback = self.special(owner, "__getattr__")
        if fallback is None:
            return self.call_special(getter, owner, ConstantVariable(name))
        return self.polyfill(protocols.attribute_or_fallback, getter, fallback, owner, ConstantVariable(name))

    def generic_attribute(self, owner: Variable, name: str) -> Result[Variable]:
        """`object.__getattribute__(owner, name)`: without `__getattr__`."""
        return self._generic(owner, name, fallback=False)

    def _generic(self, owner: Variable, name: str, *, fallback: bool) -> Result[Variable]:
        cls = owner.cls
        found = self.find(cls, name)
        if found is not None and self._is_data(found[1]):
            return self._data(owner, name, found, fallback=fallback)
        handler = self.handler_of(owner)
        if isinstance(owner, ObjectVariable):
            field = self.read_field(owner, name)
            if field is not None:
                if found is None:
                    self.guard_lacks(cls, name)
                else:
                    self.class_attribute(cls, name)
                    self._guard_not_data(found[1])
                return Value(field)
        attribute = self.class_attribute(cls, name)
        if attribute is not None:
            return self.bind(attribute, owner)
        native = handler.get_attribute(self.tracking, owner, name)
        if type(native) is not Raise or not fallback:
            return native
        method = self.special(owner, "__getattr__")
        return native if method is None else self.call_special(method, owner, ConstantVariable(name))

    def _is_data(self, raw: Any) -> bool:
        """Tell whether a raw class attribute is a data descriptor."""
        kind = raw.cls if isinstance(raw, Variable) else type(raw)
        if kind is property or kind in _DATA_OF_C:
            return True
        if kind in _NEVER_DATA:
            return False
        return self.find(kind, "__set__") is not None or self.find(kind, "__delete__") is not None

    def _guard_not_data(self, raw: Any) -> None:
        """Rely on the kind of a raw class attribute not becoming that of a data descriptor."""
        kind = raw.cls if isinstance(raw, Variable) else type(raw)
        if kind is not property and kind not in _DATA_OF_C and kind not in _NEVER_DATA:
            self.guard_lacks(kind, "__set__")
            self.guard_lacks(kind, "__delete__")

    def _data(self, owner: Variable, name: str, found: tuple[type, Any], *, fallback: bool) -> Result[Variable]:
        defining, raw = found
        kind = type(raw)
        if kind is types.MemberDescriptorType and isinstance(owner, ObjectVariable) and defining.__flags__ & 1 << 9:
            self.class_attribute(owner.cls, name)
            result = self._read_slot(owner, defining, name, raw)
            method = self.special(owner, "__getattr__") if type(result) is Raise and fallback else None
            return result if method is None else self.call_special(method, owner, ConstantVariable(name))
        if kind in _DATA_OF_C:
            self.class_attribute(owner.cls, name)
            return self.handler_of(owner).get_attribute(self.tracking, owner, name)
        attribute = self.class_attribute(owner.cls, name)
        assert attribute is not None
        method = self.special(owner, "__getattr__") if fallback else None
        if method is None:
            return self.bind(attribute, owner)
        if kind is property:
            getter = self._part(attribute, 0)
            if getter is not None:
                return self.polyfill(protocols.property_or_fallback, getter, method, owner, ConstantVariable(name))
        getter = None if kind in _DATA_OF_C else self.special(attribute, "__get__")
        if getter is None:
            return Break(UnsupportedFeature("a data descriptor of a class with __getattr__"))
        parts = getter, attribute, owner, self.reference(owner.cls), method, ConstantVariable(name)
        return self.polyfill(protocols.descriptor_or_fallback, *parts)

    def _read_slot(self, owner: ObjectVariable, defining: type, name: str, raw: Any) -> Result[Variable]:
        key = (defining, name)
        known = owner.slots.get(key)
        if known is None and owner.value is not NEW:
            assert owner.source is not None
            try:
                value = raw.__get__(owner.value, owner.cls)
            except AttributeError:
                self.guard(CallSource(_empty(raw), owner.source, f" has no {name}"), Equals(True))
                owner.slots[key] = DELETED
                return self._empty_slot(owner, name)
            known = owner.slots[key] = self.wrap(value, SlotSource(owner.source, defining, name))
        if known is None or known is DELETED:
            return self._empty_slot(owner, name)
        return Value(known)

    def _empty_slot(self, owner: Variable, name: str) -> Raise[Variable]:
        """Raise what this CPython says of a slot that holds nothing."""
        try:
            getattr(_similar(owner.python_type(), name), name)
        except AttributeError as error:
            return self.raise_error(AttributeError, *error.args)
        raise AssertionError(name)

    def _no_attribute(self, owner: Variable, name: str) -> Raise[Variable]:
        return self.raise_error(AttributeError, f"{name_of(owner.python_type())!r} object has no attribute {name!r}")

    def _no_place_for(self, owner: Variable, name: str) -> Raise[Variable]:
        """Raise what this CPython says of an attribute that the owner, without an instance dictionary, can't hold."""
        similar = _similar(owner.python_type())
        try:
            setattr(similar, name, None)
        except AttributeError as error:
            raised = self.raise_error(AttributeError, *error.args)
            if error.obj is similar:  # CPython 3.13 tells more than those before
                _tell_missing(raised, owner, name)
            return raised
        raise AssertionError(name)

    # ---- descriptors ------------------------------------------------------------------------------------------------

    def bind(self, attribute: Variable, owner: Variable) -> Result[Variable]:
        """Return what a raw class attribute gives for the instance `owner`, by the descriptor protocol."""
        kind = attribute.cls
        if kind is types.FunctionType:
            return Value(BoundMethodVariable(attribute, owner))
        if kind in _DESCRIPTORS_OF_C:
            return self._bind_builtin(attribute, owner)
        if kind is staticmethod or kind is classmethod:
            return self.bind_to_class(attribute, owner.cls)
        if kind is property:
            getter = self._part(attribute, 0)
            if getter is None:
                return self.unsupported(attribute, "reading a property without a getter")
            return self.tracking.call(self.frame, getter, (owner,), {})
        handler = self.handler_of(attribute)
        if not handler.overridable:
            return handler.bind(self.tracking, attribute, owner)
        method = self.special(attribute, "__get__")
        if method is None:
            native = self.find(attribute.cls, "__get__")
            if native is not None:
                return self.unsupported(attribute, "binding it as a descriptor")
            return Value(attribute)
        return self.call_special(method, attribute, owner, self.reference(owner.cls))

    def bind_to_class(self, attribute: Variable, cls: type) -> Result[Variable]:
        """Return what a raw class attribute gives for the class itself."""
        kind = attribute.cls
        if kind is staticmethod:
            inner = self._part(attribute, 0)
            return self.unsupported(attribute, "binding") if inner is None else Value(inner)
        if kind is classmethod:
            inner = self._part(attribute, 0)
            if inner is None:
                return self.unsupported(attribute, "binding")
            if inner.cls is not types.FunctionType:
                return Break(UnsupportedFeature("a classmethod of something that is no function"))
            return Value(BoundMethodVariable(inner, self.reference(cls)))
        if kind is types.ClassMethodDescriptorType and isinstance(attribute, ReferenceVariable):
            return Value(self.reference(attribute.value.__get__(None, cls)))
        if kind is types.FunctionType or kind is property or kind in _DESCRIPTORS_OF_C:
            return Value(attribute)
        if not self.handler_of(attribute).overridable:
            if (
                attribute.python_type() not in _SAME_FOR_CLASS
                and self.find(attribute.python_type(), "__get__") is not None
            ):
                return self.unsupported(attribute, "binding it as a descriptor")
            return Value(attribute)
        method = self.special(attribute, "__get__")
        if method is None:
            if self.find(attribute.cls, "__get__") is not None:
                return self.unsupported(attribute, "binding it as a descriptor")
            return Value(attribute)
        return self.call_special(method, attribute, self.none, self.reference(cls))

    def _bind_builtin(self, attribute: Variable, owner: Variable) -> Result[Variable]:
        if attribute.cls is types.ClassMethodDescriptorType:
            return self.bind_to_class(attribute, owner.cls)
        if attribute.cls is types.BuiltinFunctionType:  # builtin functions bind to nothing
            return Value(attribute)
        if attribute.cls in _DATA_OF_C:
            return self.unsupported(owner, "reading a C-level attribute")
        wrapper = attribute.cls is types.WrapperDescriptorType
        kind = types.MethodWrapperType if wrapper else types.BuiltinMethodType
        return Value(BoundMethodVariable(attribute, owner, kind))

    def _part(self, descriptor: Variable, number: int) -> Variable | None:
        """Return a function of a property, staticmethod or classmethod."""
        if isinstance(descriptor, DescriptorVariable):
            return descriptor.parts[number]
        assert isinstance(descriptor, ReferenceVariable)
        value = descriptor.value
        parts = (value.fget, value.fset, value.fdel) if type(value) is property else (value.__func__,)
        if parts[number] is None:
            return None
        return self.reference(parts[number])

    # ---- writing ----------------------------------------------------------------------------------------------------

    def set_attribute(self, owner: Variable, name: str, value: Variable) -> Result[Variable]:
        handler = self.handler_of(owner)
        if not handler.overridable:
            return handler.set_attribute(self.tracking, owner, name, value)
        setter = self.special(owner, "__setattr__")
        if setter is not None:
            return self.call_special(setter, owner, ConstantVariable(name), value)
        return self.set_generic_attribute(owner, name, value)

    def set_generic_attribute(self, owner: Variable, name: str, value: Variable) -> Result[Variable]:
        """`object.__setattr__(owner, name, value)`."""
        found = self.find(owner.cls, name)
        if found is not None and self._is_data(found[1]):
            return self._set_data(owner, name, found, value)
        if not isinstance(owner, ObjectVariable) or not has_instance_dict(owner.cls):
            if found is not None:
                text = f"{name_of(owner.python_type())!r} object attribute {name!r} is read-only"
                return self.raise_error(AttributeError, text)
            return self._no_place_for(owner, name)
        if found is None:
            self.guard_lacks(owner.cls, name)
        else:
            self.class_attribute(owner.cls, name)
        self.write_field(owner, name, value)
        return Value(self.none)

    def _set_data(self, owner: Variable, name: str, found: tuple[type, Any], value: Variable) -> Result[Variable]:
        defining, raw = found
        attribute = self.class_attribute(owner.cls, name)
        assert attribute is not None
        if type(raw) is types.MemberDescriptorType and isinstance(owner, ObjectVariable):
            if not defining.__flags__ & 1 << 9:
                return self.handler_of(owner).set_attribute(self.tracking, owner, name, value)
            owner.slots[defining, name] = value
            if owner.source is not None:
                self.effects.record(SetSlot(owner, defining, name, value))
            return Value(self.none)
        if attribute.cls is property:
            setter = self._part(attribute, 1)
            if setter is None:
                text = f"property {name!r} of {owner.python_type().__qualname__!r} object has no setter"
                return self.raise_error(AttributeError, text)
            return self.tracking.call(self.frame, setter, (owner, value), {})
        if attribute.cls in _DATA_OF_C:
            return self.handler_of(owner).set_attribute(self.tracking, owner, name, value)
        method = self.special(attribute, "__set__")
        if method is None:
            return self.unsupported(attribute, "setting through it as a descriptor")
        return self.call_special(method, attribute, owner, value)

    def delete_attribute(self, owner: Variable, name: str) -> Result[Variable]:
        handler = self.handler_of(owner)
        if not handler.overridable:
            return handler.delete_attribute(self.tracking, owner, name)
        deleter = self.special(owner, "__delattr__")
        if deleter is not None:
            return self.call_special(deleter, owner, ConstantVariable(name))
        return self.delete_generic_attribute(owner, name)

    def delete_generic_attribute(self, owner: Variable, name: str) -> Result[Variable]:
        """`object.__delattr__(owner, name)`."""
        found = self.find(owner.cls, name)
        if not isinstance(owner, ObjectVariable):
            return self.unsupported(owner, f"deleting the attribute {name!r}")
        if found is not None and self._is_data(found[1]):
            return self._delete_data(owner, name, found)
        if self.read_field(owner, name) is None:
            return self._no_attribute(owner, name)
        self.delete_field(owner, name)
        return Value(self.none)

    def _delete_data(self, owner: ObjectVariable, name: str, found: tuple[type, Any]) -> Result[Variable]:
        defining, raw = found
        attribute = self.class_attribute(owner.cls, name)
        assert attribute is not None
        if type(raw) is types.MemberDescriptorType and defining.__flags__ & 1 << 9:
            present = self._read_slot(owner, defining, name, raw)
            if type(present) is not Value:
                return self.raise_error(AttributeError, name)
            owner.slots[defining, name] = DELETED
            if owner.source is not None:
                self.effects.record(DeleteSlot(owner, defining, name))
            return Value(self.none)
        if attribute.cls is property:
            deleter = self._part(attribute, 2)
            if deleter is None:
                text = f"property {name!r} of {owner.python_type().__qualname__!r} object has no deleter"
                return self.raise_error(AttributeError, text)
            return self.tracking.call(self.frame, deleter, (owner,), {})
        method = None if attribute.cls in _DATA_OF_C else self.special(attribute, "__delete__")
        if method is None:
            return self.unsupported(owner, f"deleting the attribute {name!r}")
        return self.call_special(method, attribute, owner)

    # ---- special methods that instructions call ---------------------------------------------------------------------

    def special_method(self, owner: Variable, name: str) -> Result[Variable]:
        cls = owner.python_type()
        if name in _OF_WITH and self.find(cls, name) is None:
            has_enter = self.find(cls, name.replace("exit", "enter")) is not None
            return self.raise_error(TypeError, missing_special_method(name_of(cls), name, has_enter=has_enter))
        handler = self.handler_of(owner)
        if not handler.overridable:
            return handler.get_attribute(self.tracking, owner, name)
        attribute = self.class_attribute(owner.cls, name)
        return self._no_attribute(owner, name) if attribute is None else self.bind(attribute, owner)


_OF_WITH = frozenset({"__enter__", "__exit__", "__aenter__", "__aexit__"})
"""What `with` and `async with` look up; they word a lack in a way of their own."""


@functools.lru_cache(maxsize=256)
def _empty(slot: types.MemberDescriptorType) -> Callable[[object], bool]:
    """Return the test whether a slot of an object is empty, the same function for the same slot."""

    def is_empty(owner: object) -> bool:
        try:
            slot.__get__(owner, type(owner))
        except AttributeError:
            return True
        return False

    return is_empty


_DESCRIPTORS_OF_C = frozenset(
    {
        types.WrapperDescriptorType,
        types.MethodDescriptorType,
        types.ClassMethodDescriptorType,
        types.BuiltinFunctionType,
        types.GetSetDescriptorType,
        types.MemberDescriptorType,
    }
)


class _Sample(NamedTuple):
    field: int


_SAME_FOR_CLASS = frozenset({type(vars(_Sample)["field"])})
"""C-level descriptors that give themselves when they are bound to a class."""

_NEVER_DATA = frozenset(
    {
        types.FunctionType,
        types.WrapperDescriptorType,
        types.MethodDescriptorType,
        types.ClassMethodDescriptorType,
        types.BuiltinFunctionType,
        staticmethod,
        classmethod,
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
        type,
    }
)


def _similar(cls: type, *slots: str) -> object:
    """Return an instance without an instance dictionary, of a class that CPython's messages name as this one."""
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__slots__": slots}
    return type(name_of(cls), (), names)()


def _tell_missing(raised: Raise[Variable], owner: Variable, name: str) -> None:
    """Keep in an AttributeError what was looked up (Objects/object.c: set_attribute_error_context)."""
    error = raised.exception
    if isinstance(error, ExceptionVariable) and error.value is NEW and is_subclass(error.cls, AttributeError):
        error.missing = {"name": ConstantVariable(name), "obj": owner}
