"""`torch.Size`, a tuple whose slices, sums and multiples are sizes again, and torch's named results."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

import torch

from framelift_bytecode_interp import Value
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Arguments,
    Emitter,
    Keywords,
    SliceVariable,
    Tracking,
    TupleHandler,
    TupleVariable,
    Variable,
)

from ..variables import SymbolicNumberVariable

__all__ = ["NamedResultHandler", "SizeHandler"]


def _as_size(answer: Answer | None) -> Answer | None:
    if isinstance(answer, Value) and isinstance(answer.value, TupleVariable):
        return Value(TupleVariable(answer.value.items, cls=torch.Size))
    return answer


def _items(domain: Tracking, args: Arguments) -> Sequence[Variable] | None:
    return domain.sequence(args[0]) if args else ()


def _is_size(item: Variable) -> bool:
    return issubclass(item.python_type(), int)


class SizeHandler(TupleHandler):
    """`torch.Size`."""

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        items = _items(domain, args) if not kwargs and len(args) < 2 else None
        if items is None or not all(_is_size(item) for item in items):
            return domain.unsupported(Variable(cls), "construction")
        return Value(TupleVariable(tuple(items), cls=torch.Size))

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name != "numel":
            return super().call_method(domain, variable, name, args, kwargs)
        assert isinstance(variable, TupleVariable)
        sizes = [domain.as_constant(item) if not _symbolic(item) else _number(item) for item in variable.items]
        count = math.prod(sizes)
        return Value(SymbolicNumberVariable(count) if isinstance(count, torch.SymInt) else domain.constant(count))

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op == "+" and not all(_is_size(item) for side in (left, right) for item in domain.sequence(side) or ()):
            return domain.unsupported(right, "joining with sizes")
        return _as_size(super().binary(domain, op, left, right))

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        if op == "+" and isinstance(left, TupleVariable) and left.cls is tuple:
            return self.binary(domain, op, left, right)
        return _as_size(super().reflected(domain, op, right, left))

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        answer = super().get_item(domain, container, key)
        return (_as_size(answer) or answer) if isinstance(key, SliceVariable) else answer

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        sizes = super().as_constant(domain, _plain(variable))
        return NOT_CONSTANT if sizes is NOT_CONSTANT else torch.Size(sizes)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        sizes = domain.as_constant(variable)
        if sizes is NOT_CONSTANT:
            return domain.unsupported(variable, "the text of symbolic sizes")
        return Value(domain.constant(repr(sizes)))

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.call(torch.Size, super().reconstruct(emitter, _plain(variable)))


class NamedResultHandler(TupleHandler):
    """The named tuples that torch's C++ makes: `torch.return_types.max` and its kin."""

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        items = domain.sequence(args[0]) if len(args) == 1 and not kwargs else None
        if items is None or len(items) != vars(cls)["n_sequence_fields"] or len(items) != vars(cls)["n_fields"]:
            return domain.unsupported(Variable(cls), "construction")
        return Value(TupleVariable(tuple(items), cls=cls))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, TupleVariable)
        fields = [field for field in dir(variable.cls) if type(vars(variable.cls).get(field)) is _FIELD]
        if name not in fields:
            return super().get_attribute(domain, variable, name)
        places: Any = variable.cls(range(len(variable)))
        return Value(variable.item(getattr(places, name)))

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        return emitter.call(variable.cls, super().reconstruct(emitter, _plain(variable)))


_FIELD = type(vars(torch.return_types.max)["values"])


def _plain(variable: Variable) -> TupleVariable:
    assert isinstance(variable, TupleVariable)
    return TupleVariable(variable.items)


def _symbolic(variable: Variable) -> bool:
    return isinstance(variable, SymbolicNumberVariable)


def _number(variable: Variable) -> Any:
    assert isinstance(variable, SymbolicNumberVariable)
    return variable.value


NAMED_RESULTS: dict[type, NamedResultHandler] = dict.fromkeys(
    [kind for kind in vars(torch.return_types).values() if isinstance(kind, type) and issubclass(kind, tuple)],
    NamedResultHandler(),
)
"""The handler of each of torch's named results."""
