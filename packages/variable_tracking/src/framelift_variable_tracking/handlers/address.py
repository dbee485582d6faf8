"""`id(x)` of an object that the capture makes: known to differ from every other address, and nothing more."""

from __future__ import annotations

import ast
from typing import Any

from framelift_bytecode_interp import Break, Raise, Result, Value
from framelift_guards import CallSource, Equals

from ..emitter import Emitter
from ..handler import Answer, Tracking, TypeHandler
from ..reasons import UnsupportedCall
from ..variable import NEW, ConstantVariable, HashKey, ObjectVariable, Variable
from .container import HolderVariable


class Address:
    """The key of the handler of addresses."""


class AddressVariable(HolderVariable):
    """The address of a new object.

    Args:
        target: the object, which stays alive with it.
    """

    __slots__ = ("target",)

    def __init__(self, target: Variable) -> None:
        self.cls = Address
        self.source = None
        self.target = target

    def python_type(self) -> type:
        """An address is an int."""
        return int


class AddressHandler(TypeHandler):
    """Addresses: keys of dictionaries and operands of `==`, and made again from the object."""

    def truth(self, domain: Tracking, variable: Variable) -> Result[Any]:
        return Value(True)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op not in {"==", "!="} or not isinstance(left, AddressVariable) or not isinstance(right, AddressVariable):
            return super().compare(domain, op, left, right)
        return domain.boolean((left.target is right.target) is (op == "=="))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        assert isinstance(variable, AddressVariable)
        return HashKey((Address, variable.target), variable)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, AddressVariable)
        return emitter.call(id, emitter.value(variable.target))


def address_of(domain: Tracking, variable: Variable) -> Answer:
    """Return `id(variable)`: a number for an object that existed before, guarded, and else the address to be."""
    value = getattr(variable, "value", NEW)
    if variable.source is None and isinstance(variable, (ObjectVariable, HolderVariable)):
        return Value(AddressVariable(variable))
    if variable.source is None or value is NEW or isinstance(variable, ConstantVariable):
        return Break(UnsupportedCall("id", "an address is not known before the object exists"))
    domain.guard(CallSource(id, variable.source, " at"), Equals(id(value)))
    return Value(domain.constant(id(value)))


HANDLERS = {Address: AddressHandler()}
