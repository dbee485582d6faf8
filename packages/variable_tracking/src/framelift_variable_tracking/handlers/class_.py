"""Classes: calling them makes instances, and their attributes follow the protocol of `type`."""

from __future__ import annotations

import types
from typing import Any

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import AttributeSource, ConstantSource, Is, Source

from ..classes import made_in_python, mro_of, name_of, namespace_of
from ..handler import Answer, Arguments, Keywords, Tracking
from ..reasons import UnsupportedFeature
from ..variable import BuiltinFunctionVariable, FunctionVariable, HashKey, ReferenceVariable, Variable
from .identity import IdentityHandler
from .union import alias, union

_CONSTANTS = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})


def class_of(variable: Variable) -> type:
    """Return the class that a variable stands for."""
    assert isinstance(variable, ReferenceVariable)
    cls: type = variable.value
    return cls


class ClassHandler(IdentityHandler):
    """`type`, and metaclasses made in Python as far as they override nothing that is asked."""

    covers_subclasses = True
    trusted = True

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, Is(value))
        domain.guard_metaclass(value)
        return ReferenceVariable(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(domain.reference(value))

    # ---- making instances -------------------------------------------------------------------------------------------

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        cls = class_of(variable)
        answer = domain.rule_or_record(variable, cls, args, kwargs)
        if answer is not None:
            return answer
        meta = type(cls)
        if meta is not type:
            call = domain.class_attribute(meta, "__call__")
            if isinstance(call, FunctionVariable):
                return domain.call(domain.frame, call, (variable, *args), kwargs)
            if not isinstance(call, BuiltinFunctionVariable) or call.value is not type.__call__:
                return Break(UnsupportedFeature(f"calling {name_of(cls)}", "its metaclass defines how"))
        return make(domain, cls, args, kwargs)

    # ---- attributes -------------------------------------------------------------------------------------------------

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        cls = class_of(variable)
        meta = type(cls)
        special = _special(domain, cls, name)
        if special is not None:
            return special
        on_meta = domain.find(meta, name)
        if on_meta is not None and _is_data(domain, on_meta[1]):
            if type(on_meta[1]) is property:
                attribute = domain.class_attribute(meta, name)
                assert attribute is not None
                return domain.bind(attribute, variable)
            return domain.unsupported(variable, f"reading the attribute {name!r} of a class")
        member = _enum_member(domain, cls, name)
        if member is not None:
            return Value(member)
        attribute = domain.class_attribute(cls, name)
        if attribute is not None:
            if on_meta is None:
                domain.guard_lacks(meta, name)
            return domain.bind_to_class(attribute, cls)
        if on_meta is not None:
            attribute = domain.class_attribute(meta, name)
            assert attribute is not None
            return domain.bind(attribute, variable)
        fallback = domain.find(meta, "__getattr__")
        if fallback is not None:
            getter = domain.class_attribute(meta, "__getattr__")
            assert getter is not None
            return domain.call(domain.frame, getter, (variable, domain.constant(name)), {})
        return domain.raise_error(AttributeError, f"type object {name_of(cls)!r} has no attribute {name!r}")

    def set_attribute(self, domain: Tracking, variable: Variable, name: str, value: Variable) -> Answer:
        cls = class_of(variable)
        if not made_in_python(cls):
            text = f"cannot set {name!r} attribute of immutable type {name_of(cls)!r}"
            return domain.raise_error(TypeError, text)
        if name in _CONSTANTS or _dunder(name) or domain.find(type(cls), name) is not None:
            return domain.unsupported(variable, f"setting the attribute {name!r} of a class")
        if _overrides(domain, cls, "__setattr__"):
            return domain.unsupported(variable, "setting an attribute of a class whose metaclass says how")
        if _is_trusted(domain, cls):
            return domain.unsupported(variable, "setting an attribute of a class that operations rely on")
        domain.set_class_attribute(variable, cls, name, value)
        return Value(value)

    def delete_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        cls = class_of(variable)
        found = domain.find(cls, name)
        if found is None or found[0] is not cls:
            return domain.raise_error(AttributeError, f"type object {name_of(cls)!r} has no attribute {name!r}")
        if not made_in_python(cls) or _dunder(name) or _overrides(domain, cls, "__delattr__"):
            return domain.unsupported(variable, f"deleting the attribute {name!r} of a class")
        if _is_trusted(domain, cls):
            return domain.unsupported(variable, "deleting an attribute of a class that operations rely on")
        domain.delete_class_attribute(variable, cls, name)
        return Value(domain.constant(None))

    # ---- the rest ---------------------------------------------------------------------------------------------------

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if _overrides(domain, class_of(left), "__eq__"):
            return domain.unsupported(left, "comparing classes whose metaclass says how")
        return None

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        if _overrides(domain, class_of(variable), "__hash__"):
            return domain.unsupported(variable, "hashing a class whose metaclass says how")
        return HashKey(variable, variable)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op == "|" and type(class_of(left)) is type:
            return union(domain, left, right)
        return domain.unsupported(left, f"the operator {op!r} on a class")

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        if op == "|" and type(class_of(right)) is type:
            return union(domain, left, right)
        return domain.unsupported(right, f"the operator {op!r} on a class")

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        return self._by_metaclass(domain, variable, "__iter__", "iteration")

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        return self._by_metaclass(domain, variable, "__len__", "len()")

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        return self._by_metaclass(domain, container, "__contains__", "a membership test", item)

    def _by_metaclass(self, domain: Tracking, variable: Variable, name: str, operation: str, *args: Variable) -> Answer:
        """Answer an operation that the metaclass defines in Python: those of enumerations."""
        method = domain.class_attribute(type(class_of(variable)), name)
        if isinstance(method, FunctionVariable):
            return domain.call(domain.frame, method, (variable, *args), {})
        return domain.unsupported(variable, f"{operation} of a class")

    def truth(self, domain: Tracking, variable: Variable) -> Any:
        cls = class_of(variable)
        if type(cls) is not type and any(domain.find(type(cls), name) for name in ("__bool__", "__len__")):
            return domain.unsupported(variable, "the truth of a class whose metaclass says what it is")
        return Value(True)

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        cls = class_of(container)
        generic = domain.class_attribute(cls, "__class_getitem__")
        if domain.find(type(cls), "__getitem__") is None and generic is not None:
            if generic.cls is types.ClassMethodDescriptorType:  # `list[int]`, written in C
                return alias(domain, container, key)
            bound = domain.bind_to_class(generic, cls)
            return domain.call(domain.frame, bound.value, (key,), {}) if type(bound) is Value else bound
        return self._by_metaclass(domain, container, "__getitem__", "subscription", key)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        cls = class_of(variable)
        if _overrides(domain, cls, "__repr__") or (conversion == "s" and _overrides(domain, cls, "__str__")):
            return domain.unsupported(variable, "repr() of a class whose metaclass may say how")
        return Value(domain.constant(ascii(cls) if conversion == "a" else repr(cls)))

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        cls = class_of(variable)
        if name == "__call__":
            return make(domain, cls, args, kwargs)
        if name == "mro" and not args and not kwargs:
            return domain.build_list([domain.reference(base) for base in mro_of(cls)])
        if name == "__subclasses__":
            return domain.unsupported(variable, "__subclasses__()")
        if name == "__getattribute__" and len(args) == 1 and type(domain.as_constant(args[0])) is str:
            return self.get_attribute(domain, variable, domain.as_constant(args[0]))
        if name == "__instancecheck__" and len(args) == 1:
            return domain.boolean(cls in mro_of(args[0].python_type()))
        return super().call_method(domain, variable, name, args, kwargs)


def make(domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
    """`type.__call__(cls, ...)`."""
    handler = domain.handler_for(cls)
    if made_in_python(cls) and handler.overridable:
        return domain.instantiate(cls, args, kwargs)
    return handler.construct(domain, cls, args, kwargs)


def _special(domain: Tracking, cls: type, name: str) -> Answer | None:
    """Answer for what the getset descriptors of `type` give."""
    if name in _CONSTANTS:
        value = type.__dict__[name].__get__(cls)
        if type(value) not in (str, type(None)):
            return None
        if not made_in_python(cls):
            return Value(domain.constant(value))
        return Value(domain.wrap(value, AttributeSource(ConstantSource(cls.__qualname__, cls, weak=True), name)))
    if name == "__class__":
        return Value(domain.reference(type(cls)))
    if name in {"__mro__", "__bases__", "__base__"}:
        domain.guard_lineage(cls)
    if name in {"__mro__", "__bases__"}:
        value = mro_of(cls) if name == "__mro__" else type.__dict__["__bases__"].__get__(cls)
        return domain.build_tuple([domain.reference(base) for base in value])
    if name == "__base__":
        return Value(domain.constant(cls.__base__) if cls.__base__ is None else domain.reference(cls.__base__))
    return None


def _is_data(domain: Tracking, raw: Any) -> bool:
    kind = type(raw)
    if kind in (property, types.GetSetDescriptorType, types.MemberDescriptorType):
        return True
    return domain.find(kind, "__set__") is not None


def _is_trusted(domain: Tracking, cls: type) -> bool:
    """Tell whether what is recorded of a package's functions relies on a class, such as `torch.Tensor`."""
    module = namespace_of(cls).get("__module__")
    return type(module) is str and domain.registry.trusts(module)


def _overrides(domain: Tracking, cls: type, name: str) -> bool:
    """Tell whether the metaclass changes what `type` does."""
    meta = type(cls)
    if meta is type:
        return False
    mine, theirs = domain.find(meta, name), domain.find(type, name)
    return mine is not None and theirs is not None and mine[1] is not theirs[1]


def _enum_member(domain: Tracking, cls: type, name: str) -> Variable | None:
    """Return a member of an enumeration: the mapping of members is fixed when the class is made."""
    members = namespace_of(cls).get("_member_map_")
    if type(members) is dict and name in members and any(base.__module__ == "enum" for base in mro_of(type(cls))):
        return domain.reference(members[name], f"{name_of(cls)}.{name}")
    return None


def _dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


HANDLERS = {type: ClassHandler()}
