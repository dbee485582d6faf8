"""The fields of named tuples: descriptors of C code that index the tuple."""

from __future__ import annotations

from typing import NamedTuple

from framelift_bytecode_interp import Value
from framelift_guards import Is, Source

from ..handler import Answer, Tracking
from ..variable import ConstantVariable, ReferenceVariable, Variable
from .identity import IdentityHandler


class _Sample(NamedTuple):
    field: int


TUPLE_FIELD: type = type(vars(_Sample)["field"])
"""`_collections._tuplegetter`."""


class TupleFieldHandler(IdentityHandler):
    """`_collections._tuplegetter`."""

    def wrap(self, domain: Tracking, value: object, source: Source) -> Variable:
        domain.guard(source, Is(value))
        return ReferenceVariable(value, source)

    def bind(self, domain: Tracking, descriptor: Variable, owner: Variable) -> Answer:
        assert isinstance(descriptor, ReferenceVariable)
        # The descriptor tells its index only through pickling (Modules/_collectionsmodule.c, tuplegetter_reduce).
        index: int = descriptor.value.__reduce__()[1][0]
        payload = domain.payload_of(owner)
        items = domain.sequence(payload)
        if items is None:
            return domain.get_item(payload, ConstantVariable(index))
        return Value(items[index])


HANDLERS = {TUPLE_FIELD: TupleFieldHandler()}
