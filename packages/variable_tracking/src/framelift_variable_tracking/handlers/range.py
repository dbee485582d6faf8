"""Ranges, whose numbers are always known: a symbolic bound is specialised."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import CallSource, Equals, Source, TypeIs
from framelift_guards.naming import reads

from ..classes import name_of
from ..emitter import Emitter
from ..evaluation import LARGEST_RESULT
from ..handler import Answer, Arguments, Keywords, Tracking
from ..variable import NOT_CONSTANT, ConstantVariable, HashKey, Variable
from .container import EqualityHandler, HolderVariable, Method, constant, host_error
from .iterator import SequenceIteratorVariable
from .sequence import has_index, index_of, slice_of
from .slice import SliceVariable


class RangeVariable(HolderVariable):
    """A range.

    Args:
        start: its first number, a constant, as are the others.
        stop: where it ends, before this one.
        step: from one number to the next.

    Raises:
        TypeError: one of them is not a constant.

    >>> RangeVariable.of(range(1, 9, 3)).value
    range(1, 9, 3)
    """

    __slots__ = ("start", "step", "stop", "value")

    def __init__(self, start: Variable, stop: Variable, step: Variable, source: Source | None = None) -> None:
        self.cls = range
        self.source = source
        self.start = start
        self.stop = stop
        self.step = step
        parts = [part.value for part in (start, stop, step) if isinstance(part, ConstantVariable)]
        if len(parts) != 3:
            raise TypeError("the numbers of a RangeVariable are constants; use recorder.as_index for others")
        self.value = range(*parts)

    @classmethod
    def of(cls, value: range, source: Source | None = None) -> RangeVariable:
        """Return the variable of a host range."""
        start, stop, step = ConstantVariable(value.start), ConstantVariable(value.stop), ConstantVariable(value.step)
        return cls(start, stop, step, source)

    def __len__(self) -> int:
        return len(self.value)

    def item(self, place: int) -> Variable:
        """Return one number."""
        return ConstantVariable(self.value[place])


@reads
def range_numbers(value: range) -> tuple[int, int, int]:
    """Return start, stop and step."""
    return value.start, value.stop, value.step


def index(domain: Tracking, target: RangeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`range.index`."""
    return _evaluate(domain, target, range.index, args)


def count(domain: Tracking, target: RangeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`range.count`."""
    return _evaluate(domain, target, range.count, args)


def _evaluate(domain: Tracking, target: RangeVariable, method: Callable[..., Any], args: Arguments) -> Answer:
    """`range._evaluate`."""
    values = [domain.as_constant(arg) for arg in args]
    if any(value is NOT_CONSTANT for value in values):
        return domain.unsupported(target, f"the method {method.__name__!r} with an unknown argument")
    try:
        return constant(method(target.value, *values))
    except (ValueError, TypeError) as error:
        return host_error(domain, error)


def backwards(domain: Tracking, target: RangeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`reversed(target)`: a forward iterator of the reversed range, as in CPython."""
    return _iterator(target.value[::-1])


def _iterator(value: range) -> Value[Variable]:
    return Value(SequenceIteratorVariable(type(iter(value)), RangeVariable.of(value)))


class RangeHandler(EqualityHandler):
    """What can be done with ranges."""

    methods = {  # noqa: RUF012 - the base declares it a ClassVar
        "index": Method(index, 1, 1),
        "count": Method(count, 1, 1),
        "__reversed__": Method(backwards),
    }
    sample: ClassVar[Callable[[], object]] = staticmethod(lambda: range(0))

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(range))
        domain.guard(CallSource(range_numbers, source, " as a tuple"), Equals(range_numbers(value)))
        return RangeVariable.of(value, source)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(RangeVariable.of(value))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if kwargs or not 1 <= len(args) <= 3:
            try:
                range(*[0 for _ in args], **dict.fromkeys(kwargs))
            except TypeError as error:
                return host_error(domain, error)
        for arg in args:
            if not has_index(arg):
                name = name_of(arg.python_type())
                return domain.raise_error(TypeError, f"'{name}' object cannot be interpreted as an integer")
        try:
            return Value(RangeVariable.of(range(*[index_of(domain, arg) for arg in args])))
        except ValueError as error:
            return host_error(domain, error)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, RangeVariable)
        if name in {"start", "stop", "step"}:
            return Value(getattr(variable, name))
        return super().get_attribute(domain, variable, name)

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        return isinstance(left, RangeVariable) and isinstance(right, RangeVariable) and left.value == right.value

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op not in {"==", "!="} or not (isinstance(left, RangeVariable) and isinstance(right, RangeVariable)):
            return None
        return constant((left.value == right.value) is (op == "=="))

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, RangeVariable)
        value = domain.as_constant(item)
        if value is NOT_CONSTANT and item.cls is int:
            value = index_of(domain, item)
        if value is NOT_CONSTANT:
            return domain.unsupported(container, "a membership test of an unknown object")
        return constant(value in container.value)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, RangeVariable)
        return Value(bool(variable.value))

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, RangeVariable)
        try:
            return constant(len(variable.value))
        except OverflowError as error:
            return host_error(domain, error)

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        assert isinstance(container, RangeVariable)
        if isinstance(key, SliceVariable):
            return Value(RangeVariable.of(container.value[slice_of(domain, key)]))
        if not has_index(key):
            name = name_of(key.python_type())
            return domain.raise_error(TypeError, f"range indices must be integers or slices, not {name}")
        try:
            return constant(container.value[index_of(domain, key)])
        except IndexError as error:
            return host_error(domain, error)

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, RangeVariable)
        if len(variable.value[: LARGEST_RESULT + 1]) > LARGEST_RESULT:
            return None
        return [ConstantVariable(value) for value in variable.value]

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, RangeVariable)
        return Value(SequenceIteratorVariable(type(iter(variable.value)), variable))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        assert isinstance(variable, RangeVariable)
        return HashKey(variable.value, variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, RangeVariable)
        return constant(repr(variable.value))

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, RangeVariable)
        return variable.value

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, RangeVariable)
        return emitter.call(range, *[emitter.value(part) for part in (variable.start, variable.stop, variable.step)])


HANDLERS = {range: RangeHandler()}
