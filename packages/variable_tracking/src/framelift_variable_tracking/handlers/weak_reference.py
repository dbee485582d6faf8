"""`weakref.ref` of objects that existed before: what they refer to, and the one that an object has."""

from __future__ import annotations

import weakref
from typing import Any

from framelift_bytecode_interp import Break, Raise, Result, Value
from framelift_guards import CallSource, Source

from ..handler import Answer, Arguments, Keywords, Tracking, TypeHandler
from ..variable import NEW, HashKey, Variable
from .container import HolderVariable


class WeakReferenceVariable(HolderVariable):
    """A weak reference.

    Args:
        target: what it refers to, or the constant None.
        source: how to fetch the reference.
    """

    __slots__ = ("target",)

    def __init__(self, target: Variable, source: Source) -> None:
        self.cls = weakref.ReferenceType
        self.source = source
        self.target = target


def dereference(reference: Any) -> object:
    """Return what a weak reference refers to, or None."""
    return reference()


class WeakReferenceHandler(TypeHandler):
    """`weakref.ReferenceType`; of an object that the capture makes nobody knows how long it lives."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        opaque = super().wrap(domain, value, source)  # which guards the type
        if type(value) is not weakref.ReferenceType:
            return opaque
        return WeakReferenceVariable(domain.wrap(value(), CallSource(dereference, source, "()")), source)

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        target = args[0] if args else None
        real = getattr(target, "value", NEW)
        callback = None if len(args) < 2 else domain.as_constant(args[1])
        if target is None or target.source is None or real is NEW or len(args) > 2 or kwargs or callback is not None:
            return domain.unsupported(Variable(cls), "construction")
        try:
            reference = weakref.ref(real)
        except TypeError as error:
            return domain.raise_error(TypeError, *error.args)
        return Value(domain.wrap(reference, CallSource(weakref.ref, target.source, "'s weak reference")))

    def call(self, domain: Tracking, variable: Variable, args: Arguments, kwargs: Keywords) -> Answer:
        if not isinstance(variable, WeakReferenceVariable) or args or kwargs:
            return super().call(domain, variable, args, kwargs)
        return Value(variable.target)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        if name == "__class__":
            return Value(domain.reference(weakref.ReferenceType))
        return super().get_attribute(domain, variable, name)

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Value(True)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not isinstance(left, WeakReferenceVariable) or not isinstance(right, WeakReferenceVariable):
            return None
        if domain.as_constant(left.target) is None or domain.as_constant(right.target) is None:
            return domain.boolean((left is right) is (op == "==")) if op in {"==", "!="} else None
        return domain.compare(op, left.target, right.target) if op in {"==", "!="} else None

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        if not isinstance(variable, WeakReferenceVariable) or domain.as_constant(variable.target) is None:
            return super().hash_key(domain, variable)
        target = domain.hash_key(variable.target)
        return HashKey((WeakReferenceVariable, target.token), variable) if isinstance(target, HashKey) else target


HANDLERS = {weakref.ReferenceType: WeakReferenceHandler()}
