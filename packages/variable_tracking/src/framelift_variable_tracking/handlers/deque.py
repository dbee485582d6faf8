"""Deques."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import AttributeSource, CallSource, Equals, Length, ListItemSource, Source, TypeIs
from framelift_guards.naming import reads

from ..classes import name_of
from ..effects import expression
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import sequence as polyfills
from ..variable import NOT_CONSTANT, HashKey, Variable
from .container import (
    NONE,
    EqualityHandler,
    HolderVariable,
    Method,
    all_equal,
    changed,
    constant,
    find,
    host_error,
    may_be_cyclic,
    natives,
)
from .iterator import IteratorHandler, IteratorVariable
from .list import display, known_items, shown
from .sequence import has_index, index_of, order
from .slice import is_none

DEQUE_ITERATOR: Final[type] = type(iter(deque()))
DEQUE_REVERSED: Final[type] = type(reversed(deque()))


@reads
def deque_items(value: Any) -> list[Any]:
    """Return the items of a deque."""
    return list(deque.__iter__(value))


class DequeVariable(HolderVariable):
    """A deque.

    Args:
        items: the variables of its items, in a real deque of the same length limit.
        unread: gives the items of an existing one when they are asked for.

    >>> len(DequeVariable(deque()))
    0
    """

    __slots__ = ("_items", "_unread", "version")

    def __init__(
        self,
        items: deque[Variable],
        source: Source | None = None,
        unread: Callable[[], list[Variable]] | None = None,
    ) -> None:
        self.cls = deque
        self.source = source
        self._items = items
        self._unread = unread
        self.version = 0

    @property
    def items(self) -> deque[Variable]:
        """The variables of its items; change this deque to change the content."""
        if self._unread is not None:
            unread, self._unread = self._unread, None
            self._items.extend(unread())
        return self._items

    def __len__(self) -> int:
        return len(self.items)


class DequeIteratorVariable(IteratorVariable):
    """The iterator of a deque, or a reversed one.

    Args:
        origin: the deque; None once the iterator is exhausted.
    """

    __slots__ = ("origin", "position", "version")

    def __init__(self, cls: type, origin: DequeVariable) -> None:
        self.cls = cls
        self.source = None
        self.origin: DequeVariable | None = origin
        self.position = 0
        self.version = origin.version


def _touched(domain: Tracking, target: DequeVariable) -> Value[Variable]:
    target.version += 1
    changed(domain, target)
    return Value(NONE)


def simple(name: str, least: int = 0) -> Method:
    """Return a method that compares nothing: that of the real deque, on variables."""
    operation = getattr(deque, name)

    def act(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
        try:
            result = operation(target.items, *args)
        except IndexError as error:
            return host_error(domain, error)
        done = _touched(domain, target)
        return done if result is None else Value(result)

    act.__doc__ = f"`deque.{name}`."
    return Method(act, least, least)


def extension(name: str) -> Method:
    """Return `extend` or `extendleft`."""
    operation = getattr(deque, name)
    slow = {"extend": polyfills.extend, "extendleft": polyfills.extend_left}[name]

    def extend(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
        items = known_items(domain, args[0])
        if items is None:
            return domain.polyfill(slow, target, args[0])
        if not isinstance(items, list):
            return items
        operation(target.items, items)
        return _touched(domain, target)

    extend.__doc__ = f"`deque.{name}`."
    return Method(extend, 1, 1)


def rotate(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`deque.rotate`."""
    if args and not has_index(args[0]):
        name = name_of(args[0].python_type())
        return domain.raise_error(TypeError, f"'{name}' object cannot be interpreted as an integer")
    target.items.rotate(index_of(domain, args[0]) if args else 1)
    return _touched(domain, target)


def copy(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`deque.copy`."""
    return Value(DequeVariable(target.items.copy()))


def count(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`deque.count`."""
    answers = [find(domain, (item,), args[0]) for item in target.items]
    return domain.polyfill(polyfills.count, target, args[0]) if None in answers else constant(answers.count(0))


def remove(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`deque.remove`."""
    place = find(domain, target.items, args[0])
    if place is None or place < 0:
        return domain.unsupported(target, "remove() of what is not known to be in it")
    del target.items[place]
    return _touched(domain, target)


def backwards(domain: Tracking, target: DequeVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`reversed(target)`."""
    return Value(DequeIteratorVariable(DEQUE_REVERSED, target))


class DequeHandler(EqualityHandler):
    """What can be done with deques."""

    methods: ClassVar[Mapping[str, Method]] = {
        "append": simple("append", 1),
        "appendleft": simple("appendleft", 1),
        "pop": simple("pop"),
        "popleft": simple("popleft"),
        "clear": simple("clear"),
        "reverse": simple("reverse"),
        "extend": extension("extend"),
        "extendleft": extension("extendleft"),
        "rotate": Method(rotate, 0, 1),
        "copy": Method(copy),
        "__copy__": Method(copy),
        "count": Method(count, 1, 1),
        "remove": Method(remove, 1, 1),
        "__reversed__": Method(backwards),
    }
    sample: ClassVar[Callable[[], object]] = deque

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        domain.guard(source, TypeIs(type(value)))
        if type(value) is not deque:
            return super().wrap(domain, value, source)
        limit = value.maxlen
        domain.guard(AttributeSource(source, "maxlen"), Equals(limit))
        real = deque_items(value)

        def unread() -> list[Variable]:
            domain.guard(source, Length(len(real)))
            listed = CallSource(deque_items, source, " as a list")
            return [domain.wrap(item, ListItemSource(listed, place)) for place, item in enumerate(real)]

        return DequeVariable(deque(maxlen=limit), source, unread)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(DequeVariable(deque(natives(domain, list(value)), value.maxlen)))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        limit = args[1] if len(args) > 1 else kwargs.get("maxlen", NONE)
        known = None if is_none(limit) else domain.as_constant(limit)
        if len(args) > 2 or set(kwargs) - {"maxlen"} or not (known is None or (type(known) is int and known >= 0)):
            return domain.unsupported(Variable(cls), "construction with these arguments")
        made = DequeVariable(deque(maxlen=known))
        if not args:
            return Value(made)
        items = known_items(domain, args[0])
        if items is None:
            return domain.polyfill(polyfills.extended, made, args[0])
        if not isinstance(items, list):
            return items
        made.items.extend(items)
        return Value(made)

    def get_attribute(self, domain: Tracking, variable: Variable, name: str) -> Answer:
        assert isinstance(variable, DequeVariable)
        return constant(variable._items.maxlen) if name == "maxlen" else super().get_attribute(domain, variable, name)

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        if not (isinstance(left, DequeVariable) and isinstance(right, DequeVariable)):
            return False
        return all_equal(domain, left.items, right.items)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not (isinstance(left, DequeVariable) and isinstance(right, DequeVariable)):
            return None
        return order(domain, op, left, right, left.items, right.items)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        return domain.unsupported(left, f"the operator {op!r}")

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if op != "+":
            return None
        items = known_items(domain, right)
        if items is None:
            return domain.polyfill(polyfills.extended, left, right)
        if not isinstance(items, list):
            return items
        assert isinstance(left, DequeVariable)
        left.items.extend(items)
        _touched(domain, left)
        return Value(left)

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, DequeVariable)
        place = find(domain, container.items, item)
        return domain.polyfill(polyfills.contains, container, item) if place is None else constant(place >= 0)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, DequeVariable)
        return Value(len(variable) > 0)

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, DequeVariable)
        return constant(len(variable))

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        place = self._place(domain, container, key)
        assert isinstance(container, DequeVariable)
        return Value(container.items[place]) if isinstance(place, int) else place

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        place = self._place(domain, container, key)
        if not isinstance(place, int):
            return place
        assert isinstance(container, DequeVariable)
        container.items[place] = value
        changed(domain, container)
        return Value(NONE)

    def delete_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        place = self._place(domain, container, key)
        if not isinstance(place, int):
            return place
        assert isinstance(container, DequeVariable)
        del container.items[place]
        return _touched(domain, container)

    def _place(self, domain: Tracking, container: Variable, key: Variable) -> int | Raise[Variable]:
        assert isinstance(container, DequeVariable)
        if not has_index(key):
            name = name_of(key.python_type())
            return domain.raise_error(TypeError, f"sequence index must be integer, not '{name}'")
        place = index_of(domain, key)
        if not -len(container) <= place < len(container):
            return domain.raise_error(IndexError, "deque index out of range")
        return place

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, DequeVariable)
        return list(variable.items)

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, DequeVariable)
        return Value(DequeIteratorVariable(DEQUE_ITERATOR, variable))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return domain.raise_error(TypeError, "unhashable type: 'collections.deque'")

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, DequeVariable)
        limit = variable.items.maxlen
        closing = "])" if limit is None else f"], maxlen={limit})"
        return shown(domain, variable, list(variable.items), "deque([", closing, conversion)

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, DequeVariable)
        values = [domain.as_constant(item) for item in variable.items]
        return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else deque(values, variable.items.maxlen)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, DequeVariable)
        items = [] if may_be_cyclic(variable.items) else list(variable.items)
        return emitter.call(deque, display(emitter, items), emitter.constant(variable.items.maxlen))

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, DequeVariable)
        if may_be_cyclic(variable.items):
            content = display(emitter, variable.items)
            emitter.statement(expression(emitter.call(deque.extend, emitter.value(variable), content)))

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, DequeVariable)
        target = emitter.value(variable)
        emitter.effect(expression(emitter.call(deque.clear, target)))
        if variable.items:
            emitter.effect(expression(emitter.call(deque.extend, target, display(emitter, variable.items))))


class DequeIteratorHandler(IteratorHandler):
    """Iterators of deques."""

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, DequeIteratorVariable)

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, DequeIteratorVariable):
            return super().next(domain, variable)
        origin = variable.origin
        if origin is None:
            return domain.raise_error(StopIteration)
        if origin.version != variable.version:
            variable.origin = None
            return domain.raise_error(RuntimeError, "deque mutated during iteration")
        if variable.position >= len(origin):
            variable.origin = None
            return domain.raise_error(StopIteration)
        place = variable.position if variable.cls is DEQUE_ITERATOR else -1 - variable.position
        variable.position += 1
        return Value(origin.items[place])


HANDLERS = {
    deque: DequeHandler(),
    **dict.fromkeys((DEQUE_ITERATOR, DEQUE_REVERSED), DequeIteratorHandler()),
}
