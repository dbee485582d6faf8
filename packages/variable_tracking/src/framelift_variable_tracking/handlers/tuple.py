"""Tuples, named tuples, and other subclasses of tuple that add no state of their own."""

from __future__ import annotations

import ast
import types
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import Length, Source, TupleItemSource, TypeIs

from ..classes import name_of
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import sequence as polyfills
from ..variable import NOT_CONSTANT, ConstantVariable, HashKey, Variable
from .container import (
    EqualityHandler,
    HolderVariable,
    Method,
    Unread,
    all_equal,
    constant,
    find,
    host_error,
    natives,
    on_class,
)
from .iterator import TUPLE_ITERATOR, SequenceIteratorVariable
from .list import display, known_items, shown
from .sequence import concatenation_error, count_of, has_index, index_of, optional_range, order, repeated, slice_of
from .slice import SliceVariable


class TupleVariable(HolderVariable):
    """A tuple.

    Args:
        items: the variables of its items.
        cls: tuple, or a subclass whose instances are nothing but their items.
        unread: for an existing tuple: what wraps its items; `items` is ignored then.

    >>> from framelift_variable_tracking import ConstantVariable
    >>> TupleVariable((ConstantVariable(1),)).items
    (<ConstantVariable 1>,)
    """

    __slots__ = ("_items", "_read", "_unread")

    def __init__(
        self,
        items: tuple[Variable, ...],
        source: Source | None = None,
        cls: type = tuple,
        unread: Unread | None = None,
    ) -> None:
        self.cls = cls
        self.source = source
        self._items = items
        self._unread = unread
        self._read: list[Variable | None] = [] if unread is None else [None] * len(unread.values)

    @property
    def items(self) -> tuple[Variable, ...]:
        """The variables of all items."""
        if self._unread is not None:
            self._items = tuple([self.item(index) for index in range(len(self._read))])
            self._unread = None
        return self._items

    def __len__(self) -> int:
        return len(self._items) if self._unread is None else len(self._read)

    def item(self, index: int) -> Variable:
        """Return one item, leaving the others unread."""
        if self._unread is None:
            return self._items[index]
        found = self._read[index]
        if found is None:
            found = self._read[index] = self._unread.read(index if index >= 0 else index + len(self._read))
        return found


def index(domain: Tracking, target: TupleVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`tuple.index`."""
    start, stop = optional_range(domain, args[1:], len(target))
    found = find(domain, target.items[:stop], args[0], start)
    if found is None:
        return domain.polyfill(polyfills.tuple_index, target, args[0], ConstantVariable(start), ConstantVariable(stop))
    if found < 0:
        return domain.raise_error(ValueError, "tuple.index(x): x not in tuple")
    return constant(found)


def count(domain: Tracking, target: TupleVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`tuple.count`."""
    answers = [find(domain, (item,), args[0]) for item in target.items]
    if None in answers:
        return domain.polyfill(polyfills.count, target, args[0])
    return constant(answers.count(0))


def new_arguments(domain: Tracking, target: TupleVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`tuple.__getnewargs__`."""
    return Value(TupleVariable((TupleVariable(target.items),)))


class TupleHandler(EqualityHandler):
    """What can be done with tuples. A subclass handles a class whose instances are nothing but their items."""

    methods = {  # noqa: RUF012 - the base declares it a ClassVar
        "index": Method(index, 1, 3),
        "count": Method(count, 1, 1),
        "__getnewargs__": Method(new_arguments),
    }
    sample: ClassVar[Callable[[], object]] = tuple

    # ---- values that come in ----------------------------------------------------------------------------------------

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        domain.guard(source, TypeIs(cls))
        domain.guard(source, Length(tuple.__len__(value), None if cls is tuple else tuple))
        items = value if cls is tuple else tuple(tuple.__iter__(value))
        unread = Unread(domain, items, lambda place: TupleItemSource(source, place))
        return TupleVariable((), source, cls, unread)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(TupleVariable(tuple(natives(domain, tuple(tuple.__iter__(value)))), None, type(value)))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if cls is not tuple:
            return super().construct(domain, cls, args, kwargs)
        if kwargs or len(args) > 1:
            try:
                tuple(*[() for _ in args], **dict.fromkeys(kwargs))
            except TypeError as error:
                return host_error(domain, error)
        return self.from_iterable(domain, args[0]) if args else Value(TupleVariable(()))

    def from_iterable(self, domain: Tracking, iterable: Variable) -> Answer:
        """`tuple(iterable)`."""
        if isinstance(iterable, TupleVariable) and iterable.cls is tuple:
            return Value(iterable)
        items = known_items(domain, iterable)
        if items is None:
            return domain.polyfill(polyfills.make_tuple, iterable)
        return Value(TupleVariable(tuple(items))) if isinstance(items, list) else items

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        return Value(TupleVariable(tuple(parts)))

    # ---- attributes -------------------------------------------------------------------------------------------------

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, TupleVariable)
        place = field_index(variable.cls, name)
        if place is not None and place < len(variable):
            return Value(variable.item(place))
        return super().get_attribute(domain, variable, name)

    # ---- operators --------------------------------------------------------------------------------------------------

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        if not (isinstance(left, TupleVariable) and isinstance(right, TupleVariable)):
            return False
        return False if len(left) != len(right) else all_equal(domain, left.items, right.items)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not (isinstance(left, TupleVariable) and isinstance(right, TupleVariable)):
            return None
        if op in {"==", "!="} and len(left) != len(right):
            return constant(op == "!=")
        return order(domain, op, left, right, left.items, right.items)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        assert isinstance(left, TupleVariable)
        if op == "+" and isinstance(right, TupleVariable):
            if not right and left.cls is tuple:
                return Value(left)
            if not left and right.cls is tuple:
                return Value(right)
            return Value(TupleVariable(left.items + right.items))
        if op == "*":
            return self._repeat(domain, left, right)
        return concatenation_error(domain, left, right) if op == "+" else None

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        assert isinstance(right, TupleVariable)
        return self._repeat(domain, right, left) if op == "*" else None

    def _repeat(self, domain: Tracking, items: TupleVariable, number: Variable) -> Answer | None:
        times = count_of(domain, number)
        if times is None:
            return None
        if items.cls is tuple and (times == 1 or not items):
            return Value(items)
        return Value(TupleVariable(tuple(repeated(domain, items, items.items, times))))

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, TupleVariable)
        place = find(domain, container.items, item)
        return domain.polyfill(polyfills.contains, container, item) if place is None else constant(place >= 0)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, TupleVariable)
        return Value(len(variable) > 0)

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, TupleVariable)
        return constant(len(variable))

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        assert isinstance(container, TupleVariable)
        if isinstance(key, SliceVariable):
            places = range(*slice_of(domain, key).indices(len(container)))
            if places == range(len(container)) and container.cls is tuple:
                return Value(container)
            return Value(TupleVariable(tuple([container.item(place) for place in places])))
        if not has_index(key):
            name = name_of(key.python_type())
            return domain.raise_error(TypeError, f"tuple indices must be integers or slices, not {name}")
        place = index_of(domain, key)
        if not -len(container) <= place < len(container):
            return domain.raise_error(IndexError, "tuple index out of range")
        return Value(container.item(place))

    # ---- iteration and conversions ----------------------------------------------------------------------------------

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, TupleVariable)
        return variable.items

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        return Value(SequenceIteratorVariable(TUPLE_ITERATOR, variable))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        assert isinstance(variable, TupleVariable)
        tokens = []
        for item in variable.items:
            key = domain.hash_key(item)
            if not isinstance(key, HashKey):
                return key
            tokens.append(key.token)
        return HashKey(tuple(tokens), variable)

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, TupleVariable)
        if variable.cls is not tuple:
            return super().convert(domain, variable, conversion)
        return shown(domain, variable, variable.items, "(", ",)" if len(variable) == 1 else ")", conversion)

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, TupleVariable)
        if variable.cls is not tuple:
            return NOT_CONSTANT
        values = [domain.as_constant(item) for item in variable.items]
        return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else tuple(values)

    # ---- values that go out -----------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, TupleVariable)
        if variable.cls is tuple:
            items = [emitter.value(item) for item in variable.items]
            if items and all(isinstance(item, ast.Constant) for item in items):
                # The compiler would make one object of two equal displays of constants.
                return emitter.call(tuple, ast.List(items, ast.Load()))
            return ast.Tuple(items, ast.Load())
        cls = emitter.constant(variable.cls, variable.cls.__name__)
        if on_class(variable.cls, "__new__") is tuple.__dict__["__new__"] or is_named_tuple(variable.cls):
            return emitter.call(tuple.__new__, cls, display(emitter, variable.items))
        return ast.Call(cls, [display(emitter, variable.items)], [])


def is_named_tuple(cls: type) -> bool:
    """Tell whether `cls` is a named tuple's class, whose instances are nothing but their items."""
    return (
        issubclass(cls, tuple)
        and cls is not tuple
        and cls.__basicsize__ == tuple.__basicsize__
        and not cls.__dictoffset__
        and isinstance(on_class(cls, "_fields"), tuple)
    )


def field_index(cls: type, name: str) -> int | None:
    """Return the index of the item that the field `name` of a named tuple or struct sequence shows, else None."""
    if cls is tuple:
        return None
    getter: Any = on_class(cls, name)
    if type(getter) is types.MemberDescriptorType:  # of a struct sequence: a class statement gives a tuple no slots
        names: tuple[str, ...] = vars(cls)["__match_args__"]
        return names.index(name)
    return int(getter.__reduce__()[1][0]) if type(getter) is _FIELD else None


_FIELD = type(namedtuple("_Sample", "field").__dict__["field"])  # noqa: PYI024 - only the type of its field is of use
"""The type of the descriptors of named tuples' fields, which `collections` does not publish."""


HANDLERS = {tuple: TupleHandler()}
