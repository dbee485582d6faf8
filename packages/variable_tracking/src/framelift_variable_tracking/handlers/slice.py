"""Slices."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import AttributeSource, Source, TypeIs

from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import NOT_CONSTANT, ConstantVariable, HashKey, Variable
from .container import (
    NONE,
    EqualityHandler,
    HolderVariable,
    Method,
    all_equal,
    constant,
    host_error,
    known_equal,
    natives,
)


class SliceVariable(HolderVariable):
    """A slice.

    Args:
        start: its first part.
        stop: its second.
        step: its third.

    >>> SliceVariable(NONE, NONE, NONE).parts[2]
    <ConstantVariable None>
    """

    __slots__ = ("start", "step", "stop")

    def __init__(self, start: Variable, stop: Variable, step: Variable, source: Source | None = None) -> None:
        self.cls = slice
        self.source = source
        self.start = start
        self.stop = stop
        self.step = step

    @property
    def parts(self) -> tuple[Variable, Variable, Variable]:
        """Start, stop and step."""
        return self.start, self.stop, self.step


def indices(domain: Tracking, variable: SliceVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`slice.indices(length)`."""
    values = [domain.as_constant(part) for part in (*variable.parts, args[0])]
    if any(value is NOT_CONSTANT for value in values):
        return domain.unsupported(variable, "indices() of unknown bounds")
    try:
        made = slice(*values[:3]).indices(values[3])
    except (TypeError, ValueError) as error:
        return host_error(domain, error)
    return domain.from_native(made)


class SliceHandler(EqualityHandler):
    """What can be done with slices."""

    methods = {"indices": Method(indices, 1, 1)}  # noqa: RUF012 - the base declares it a ClassVar
    sample = staticmethod(lambda: slice(None))

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(slice))
        parts = [domain.wrap(getattr(value, name), AttributeSource(source, name)) for name in ("start", "stop", "step")]
        return SliceVariable(parts[0], parts[1], parts[2], source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        start, stop, step = natives(domain, (value.start, value.stop, value.step))
        return Value(SliceVariable(start, stop, step))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if kwargs or not 1 <= len(args) <= 3:
            try:
                cls(*[None for _ in args], **dict.fromkeys(kwargs))
            except TypeError as error:
                return host_error(domain, error)
        if len(args) == 1:
            return Value(SliceVariable(NONE, args[0], NONE))
        return Value(SliceVariable(args[0], args[1], args[2] if len(args) > 2 else NONE))

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        return Value(SliceVariable(parts[0], parts[1], parts[2] if len(parts) > 2 else NONE))

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, SliceVariable)
        if name in {"start", "stop", "step"}:
            return Value(getattr(variable, name))
        return super().get_attribute(domain, variable, name)

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        if not (isinstance(left, SliceVariable) and isinstance(right, SliceVariable)):
            return False
        return all_equal(domain, left.parts, right.parts)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not isinstance(right, SliceVariable):
            return None
        equal = known_equal(domain, left, right)
        if equal is None or op not in {"==", "!="}:
            return domain.unsupported(left, f"the comparison {op!r} of unknown bounds")
        return constant(equal is (op == "=="))

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        return Value(True)

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        try:
            hash(slice(None))
        except TypeError as error:
            return host_error(domain, error)
        assert isinstance(variable, SliceVariable)
        tokens = []
        for part in variable.parts:
            key = domain.hash_key(part)
            if not isinstance(key, HashKey):
                return key
            tokens.append(key.token)
        return HashKey((SliceVariable, *tokens), variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        value = domain.as_constant(variable)
        if value is NOT_CONSTANT:
            return super().convert(domain, variable, conversion)
        return constant(repr(value) if conversion != "a" else ascii(value))

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, SliceVariable)
        values = [domain.as_constant(part) for part in variable.parts]
        return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else slice(*values)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, SliceVariable)
        return emitter.call(slice, *[emitter.value(part) for part in variable.parts])


def is_none(variable: Variable) -> bool:
    """Tell whether the variable is None's."""
    return isinstance(variable, ConstantVariable) and variable.value is None


HANDLERS = {slice: SliceHandler()}
