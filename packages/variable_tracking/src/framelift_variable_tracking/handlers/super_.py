"""`super` objects, and the rule that makes them."""

from __future__ import annotations

from typing import Any

from framelift_bytecode_interp import UNBOUND, Break, Value

from ..classes import is_subclass
from ..handler import Answer, Arguments, CallContext, Keywords, Tracking
from ..reasons import UnsupportedFeature
from ..variable import CellVariable, ReferenceVariable, SuperVariable, Variable
from .identity import IdentityHandler


class SuperHandler(IdentityHandler):
    """`super`."""

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, SuperVariable)
        if name == "__class__":
            return Value(domain.reference(super))
        attribute = domain.class_attribute_after(variable.start, variable.owner, name)
        if attribute is None:
            return domain.raise_error(AttributeError, f"'super' object has no attribute {name!r}")
        receiver = variable.receiver
        if receiver.cls is not variable.start and _is_class(receiver):
            return domain.bind_to_class(attribute, variable.start)
        return domain.bind(attribute, receiver)


def _is_class(variable: Variable) -> bool:
    return isinstance(variable, ReferenceVariable) and isinstance(variable.value, type)


def make_super(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """The rule of `super` (Objects/typeobject.c, super_init)."""
    if kwargs or len(args) > 2 or len(args) == 1:
        return Break(UnsupportedFeature("super() with these arguments"))
    owner, receiver = args or _from_frame(domain, context)
    if owner is None or receiver is None:
        return domain.raise_error(RuntimeError, "super(): no arguments")
    if not _is_class(owner):
        return Break(UnsupportedFeature("super() of something that is no class"))
    assert isinstance(owner, ReferenceVariable)
    if isinstance(receiver, ReferenceVariable) and _is_class(receiver) and is_subclass(receiver.value, owner.value):
        return Value(SuperVariable(owner.value, receiver, receiver.value))
    cls = receiver.python_type()
    if not is_subclass(cls, owner.value):
        return Break(UnsupportedFeature("super() of what is neither an instance nor a subclass of the class"))
    return Value(SuperVariable(owner.value, receiver, cls))


def _from_frame(domain: Tracking, context: CallContext) -> tuple[Any, Any]:
    """Return `__class__` and the first argument of the calling frame."""
    frame = context.frame
    code = frame.code.raw
    if not code.co_argcount or "__class__" not in frame.code.slot_names:
        return None, None
    first = frame.locals[0]
    if isinstance(first, CellVariable) and 0 in frame.code.cell_slots:
        first = domain.cell_content(first)
    cell = frame.local("__class__")
    owner = domain.cell_content(cell) if isinstance(cell, CellVariable) else UNBOUND
    return (None if owner is UNBOUND else owner), (None if first is UNBOUND else first)


HANDLERS = {super: SuperHandler()}

RULES = {super: make_super}
