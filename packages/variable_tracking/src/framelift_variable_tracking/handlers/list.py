"""Lists."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from framelift_bytecode_interp import Break, Raise, Value
from framelift_guards import Length, ListItemSource, Source, TypeIs

from ..classes import name_of
from ..effects import expression
from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import sequence as polyfills
from ..variable import NOT_CONSTANT, ConstantVariable, HashKey, Variable
from .container import (
    NONE,
    EqualityHandler,
    HolderVariable,
    Method,
    Unread,
    all_equal,
    changed,
    constant,
    find,
    host_error,
    may_be_cyclic,
    natives,
    on_class,
    text_inside,
)
from .iterator import LIST_ITERATOR, LIST_REVERSED, SequenceIteratorVariable, drain
from .sequence import concatenation_error, count_of, has_index, index_of, optional_range, order, repeated, slice_of
from .slice import SliceVariable, is_none


class ListVariable(HolderVariable):
    """A list.

    Args:
        items: the variables of its items; the variable owns this list.
        unread: for an existing list: what wraps its items when they are asked for; `items` is ignored then.

    An existing list starts with nothing known but its type. Its length is relied on when it, or any item, is asked for;
    what is only appended needs neither.

    >>> from framelift_variable_tracking import ConstantVariable
    >>> ListVariable([ConstantVariable(1)]).item(0)
    <ConstantVariable 1>
    """

    __slots__ = ("_appended", "_items", "_read", "_unread")

    def __init__(
        self,
        items: list[Variable],
        source: Source | None = None,
        cls: type = list,
        unread: Unread | None = None,
    ) -> None:
        self.cls = cls
        self.source = source
        self._unread = unread
        self._items: list[Any] | None = items if unread is None else None
        self._appended: list[Variable] = []  # as long as the length is not relied on
        self._read: list[Variable | None] = []  # what the items of an existing list were at the start

    def _settled(self) -> list[Any]:
        """Return the items, None for unread ones, relying on the length."""
        items = self._items
        if items is None:
            assert self._unread is not None
            assert self.source is not None
            count = len(self._unread.values)
            self._unread.domain.guard(self.source, Length(count, self._unread.via))
            self._read = [None] * count
            items = self._items = [*self._read, *self._appended]
        return items

    @property
    def items(self) -> list[Variable]:
        """The variables of all items; change this list to change the content."""
        items = self._settled()
        if self._unread is not None:
            for index, item in enumerate(items):
                if item is None:
                    items[index] = self._wrapped(index)
            self._unread = None
        return items

    @items.setter
    def items(self, items: list[Variable]) -> None:
        self._settled()
        self._items = items
        self._unread = None

    def _wrapped(self, index: int) -> Variable:
        assert self._unread is not None
        found = self._read[index] = self._unread.read(index)
        return found

    def __len__(self) -> int:
        return len(self._settled())

    def item(self, index: int) -> Variable:
        """Return one item, leaving the others unread."""
        items = self._settled()
        found: Variable | None = items[index]
        if found is None:
            found = items[index] = self._wrapped(index if index >= 0 else index + len(items))
        return found

    def replace(self, index: int, item: Variable) -> None:
        """Store one item, leaving the others unread."""
        self._settled()[index] = item

    def extend(self, items: Sequence[Variable]) -> None:
        """Append items, relying on nothing."""
        (self._appended if self._items is None else self._items).extend(items)

    def changes(self) -> tuple[list[tuple[int, Variable]], list[Variable]] | None:
        """Return the items of an existing list that were replaced, and those appended; None for other changes."""
        if self._items is None:
            return [], self._appended
        count = len(self._read)
        if len(self._items) < count:
            return None
        replaced = [(i, self._items[i]) for i in range(count) if self._items[i] is not self._read[i]]
        return replaced, self._items[count:]


def known_items(domain: Tracking, iterable: Variable) -> list[Variable] | Raise[Variable] | Break | None:
    """Return the items of an iterable if no code has to run for them, None if some has to."""
    items = domain.sequence(iterable)
    return drain(domain, iterable) if items is None else list(items)


def is_not_iterable(variable: Variable) -> bool:
    """Tell whether `iter()` of the variable raises TypeError for its class."""
    cls = variable.python_type()
    return on_class(cls, "__iter__") is None and on_class(cls, "__getitem__") is None


def append(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.append`."""
    target.extend(args)
    changed(domain, target)
    return Value(NONE)


def insert(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.insert`."""
    if not has_index(args[0]):
        return not_an_integer(domain, args[0])
    target.items.insert(index_of(domain, args[0]), args[1])
    changed(domain, target)
    return Value(NONE)


def not_an_integer(domain: Tracking, variable: Variable) -> Raise[Variable]:
    """Raise the TypeError of an argument that must be an integer."""
    return domain.raise_error(
        TypeError, f"'{name_of(variable.python_type())}' object cannot be interpreted as an integer"
    )


def pop(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.pop`."""
    if args and not has_index(args[0]):
        return not_an_integer(domain, args[0])
    index = index_of(domain, args[0]) if args else -1
    if not target:
        return domain.raise_error(IndexError, "pop from empty list")
    if not -len(target) <= index < len(target):
        return domain.raise_error(IndexError, "pop index out of range")
    item = target.items.pop(index)
    changed(domain, target)
    return Value(item)


def remove(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.remove`."""
    index = find(domain, target.items, args[0])
    if index is None:
        return domain.polyfill(polyfills.remove, target, args[0])
    if index < 0:
        return domain.raise_error(ValueError, "list.remove(x): x not in list")
    del target.items[index]
    changed(domain, target)
    return Value(NONE)


def extend(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.extend`."""
    items = known_items(domain, args[0])
    if items is None:
        return domain.polyfill(polyfills.extend, target, args[0])
    if not isinstance(items, list):
        return items
    target.extend(items)
    changed(domain, target)
    return Value(NONE)


def index(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.index`."""
    start, stop = optional_range(domain, args[1:], len(target))
    found = find(domain, target.items[:stop], args[0], start)
    if found is None or (found < 0 and domain.as_constant(args[0]) is NOT_CONSTANT):
        return domain.polyfill(polyfills.list_index, target, args[0], ConstantVariable(start), ConstantVariable(stop))
    if found < 0:
        return domain.raise_error(ValueError, f"{domain.as_constant(args[0])!r} is not in list")
    return constant(found)


def count(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.count`."""
    answers = [find(domain, (item,), args[0]) for item in target.items]
    if None in answers:
        return domain.polyfill(polyfills.count, target, args[0])
    return constant(answers.count(0))


def reverse(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.reverse`."""
    target.items.reverse()
    changed(domain, target)
    return Value(NONE)


def clear(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.clear`."""
    target.items = []
    changed(domain, target)
    return Value(NONE)


def copy(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.copy`."""
    return Value(ListVariable(list(target.items)))


def sort(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.sort`."""
    key = kwargs.get("key", NONE)
    answer = domain.truth(kwargs.get("reverse", ConstantVariable(False)))
    if not isinstance(answer, Value):
        return domain.unsupported(target, "sort() with this `reverse`")
    if is_none(key):
        ordered = sorted_known(domain, target.items, target.items, reverse=answer.value)
        if isinstance(ordered, Raise):
            return ordered
        if ordered is not None:
            target.items[:] = ordered
            changed(domain, target)
            return Value(NONE)
    return domain.polyfill(polyfills.sort, target, key, ConstantVariable(answer.value))


def sorted_known(
    domain: Tracking, items: Sequence[Variable], keys: Sequence[Variable], *, reverse: bool
) -> list[Variable] | Raise[Variable] | None:
    """Sort items by keys that are all known; None if one is not."""
    values = [domain.as_constant(key) for key in keys]
    if any(value is NOT_CONSTANT for value in values):
        return None
    try:
        ordered = sorted(range(len(values)), key=values.__getitem__, reverse=reverse)
    except TypeError as error:
        return host_error(domain, error)
    return [items[place] for place in ordered]


def initialise(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`list.__init__(target, iterable)`."""
    if target:
        clear(domain, target, (), {})
    return extend(domain, target, args, kwargs) if args else Value(NONE)


def backwards(domain: Tracking, target: ListVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`reversed(target)`."""
    return Value(SequenceIteratorVariable(LIST_REVERSED, target, len(target) - 1, step=-1))


class ListHandler(EqualityHandler):
    """What can be done with lists."""

    methods = {  # noqa: RUF012 - the base declares it a ClassVar
        "append": Method(append, 1, 1),
        "insert": Method(insert, 2, 2),
        "pop": Method(pop, 0, 1),
        "remove": Method(remove, 1, 1),
        "extend": Method(extend, 1, 1),
        "index": Method(index, 1, 3),
        "count": Method(count, 1, 1),
        "reverse": Method(reverse),
        "clear": Method(clear),
        "copy": Method(copy),
        "sort": Method(sort, keywords=frozenset({"key", "reverse"})),
        "__init__": Method(initialise, 0, 1),
        "__reversed__": Method(backwards),
    }
    sample: ClassVar[Callable[[], object]] = list

    # ---- values that come in ----------------------------------------------------------------------------------------

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        domain.guard(source, TypeIs(cls))
        via = None if cls is list else list
        unread = Unread(domain, list.copy(value), lambda place: ListItemSource(source, place), via)
        return ListVariable([], source, unread=unread)

    def from_native(self, domain: Tracking, value: Any) -> Answer:
        return Value(ListVariable(natives(domain, value)))

    def construct(self, domain: Tracking, cls: type, args: Arguments, kwargs: Keywords) -> Answer:
        if kwargs or len(args) > 1:
            try:
                list(*[() for _ in args], **dict.fromkeys(kwargs))
            except TypeError as error:
                return host_error(domain, error)
        if not args:
            return Value(ListVariable([]))
        items = known_items(domain, args[0])
        if items is None:
            return domain.polyfill(polyfills.make_list, args[0])
        return Value(ListVariable(items)) if isinstance(items, list) else items

    def build(self, domain: Tracking, parts: Sequence[Variable]) -> Answer:
        return Value(ListVariable(list(parts)))

    # ---- operators --------------------------------------------------------------------------------------------------

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        if not (isinstance(left, ListVariable) and isinstance(right, ListVariable)):
            return False
        return False if len(left) != len(right) else all_equal(domain, left.items, right.items)

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        if not (isinstance(left, ListVariable) and isinstance(right, ListVariable)):
            return None
        if op in {"==", "!="} and len(left) != len(right):
            return constant(op == "!=")
        return order(domain, op, left, right, left.items, right.items)

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        assert isinstance(left, ListVariable)
        if op == "+" and isinstance(right, ListVariable):
            return Value(ListVariable([*left.items, *right.items]))
        if op == "*":
            return self._repeat(domain, left, right)
        return concatenation_error(domain, left, right) if op == "+" else None

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        assert isinstance(right, ListVariable)
        return self._repeat(domain, right, left) if op == "*" else None

    def _repeat(self, domain: Tracking, items: ListVariable, number: Variable) -> Answer | None:
        times = count_of(domain, number)
        return None if times is None else Value(ListVariable(repeated(domain, items, items.items, times)))

    def inplace(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        assert isinstance(left, ListVariable)
        if op == "+":
            items = known_items(domain, right)
            if items is None:
                return domain.polyfill(polyfills.concatenated, left, right)
            if not isinstance(items, list):
                return items
            left.extend(items)
        elif op == "*":
            times = count_of(domain, right)
            if times is None:
                return None
            left.items = repeated(domain, left, left.items, times)
        else:
            return None
        changed(domain, left)
        return Value(left)

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, ListVariable)
        place = find(domain, container.items, item)
        return domain.polyfill(polyfills.contains, container, item) if place is None else constant(place >= 0)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, ListVariable)
        return Value(len(variable) > 0)

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, ListVariable)
        return constant(len(variable))

    def get_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        assert isinstance(container, ListVariable)
        if isinstance(key, SliceVariable):
            return Value(
                ListVariable([container.item(i) for i in range(*slice_of(domain, key).indices(len(container)))])
            )
        place = self._place(domain, container, key, "list index out of range")
        return Value(container.item(place)) if isinstance(place, int) else place

    def set_item(self, domain: Tracking, container: Variable, key: Variable, value: Variable) -> Answer:
        assert isinstance(container, ListVariable)
        if isinstance(key, SliceVariable):
            return self._set_slice(domain, container, key, value)
        place = self._place(domain, container, key, "list assignment index out of range")
        if not isinstance(place, int):
            return place
        container.replace(place, value)
        changed(domain, container)
        return Value(NONE)

    def _set_slice(self, domain: Tracking, container: ListVariable, key: SliceVariable, value: Variable) -> Answer:
        where = slice_of(domain, key)
        items = known_items(domain, value)
        if items is None and is_not_iterable(value):
            try:
                operator.setitem([], where, 0)  # type: ignore[call-overload]
            except TypeError as error:
                return host_error(domain, error)
        if items is None:
            return domain.polyfill(polyfills.assign_slice, container, key, value)
        if not isinstance(items, list):
            return items
        try:
            container.items[where] = items
        except ValueError as error:
            return host_error(domain, error)
        changed(domain, container)
        return Value(NONE)

    def delete_item(self, domain: Tracking, container: Variable, key: Variable) -> Answer:
        assert isinstance(container, ListVariable)
        if isinstance(key, SliceVariable):
            del container.items[slice_of(domain, key)]
        else:
            place = self._place(domain, container, key, "list assignment index out of range")
            if not isinstance(place, int):
                return place
            del container.items[place]
        changed(domain, container)
        return Value(NONE)

    def _place(self, domain: Tracking, container: ListVariable, key: Variable, message: str) -> int | Raise[Variable]:
        if not has_index(key):
            name = name_of(key.python_type())
            return domain.raise_error(TypeError, f"list indices must be integers or slices, not {name}")
        place = index_of(domain, key)
        if not -len(container) <= place < len(container):
            return domain.raise_error(IndexError, message)
        return place

    # ---- iteration and conversions ----------------------------------------------------------------------------------

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, ListVariable)
        return variable.items

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        return Value(SequenceIteratorVariable(LIST_ITERATOR, variable))

    def hash_key(self, domain: Tracking, variable: Variable) -> HashKey | Raise[Variable] | Break:
        return domain.raise_error(TypeError, f"unhashable type: '{name_of(variable.python_type())}'")

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, ListVariable)
        return shown(domain, variable, variable.items, "[", "]", conversion)

    def as_constant(self, domain: Tracking, variable: Variable) -> Any:
        assert isinstance(variable, ListVariable)
        values = [domain.as_constant(item) for item in variable.items]
        return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else values

    # ---- values that go out -----------------------------------------------------------------------------------------

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, ListVariable)
        if may_be_cyclic(variable.items):
            return ast.List([], ast.Load())
        return display(emitter, variable.items)

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, ListVariable)
        if may_be_cyclic(variable.items):
            target = emitter.value(variable)
            items = display(emitter, variable.items)
            emitter.statement(expression(emitter.call(list.extend, target, items)))

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, ListVariable)
        target, changes = emitter.value(variable), variable.changes()
        if changes is None:
            everything, items = emitter.constant(slice(None), "everything"), display(emitter, variable.items)
            emitter.effect(expression(emitter.call(list.__setitem__, target, everything, items)))
            return
        replaced, appended = changes
        for place, item in replaced:
            where, value = emitter.constant(place, "place"), emitter.value(item)
            emitter.effect(expression(emitter.call(list.__setitem__, target, where, value)))
        if appended:
            emitter.effect(expression(emitter.call(list.extend, target, display(emitter, appended))))


def display(emitter: Emitter, items: Iterable[Variable]) -> ast.expr:
    """Return `[item, ...]`."""
    return ast.List([emitter.value(item) for item in items], ast.Load())


def shown(
    domain: Tracking, variable: Variable, items: Sequence[Variable], opening: str, closing: str, conversion: str
) -> Answer:
    """Return the text of a container whose items' texts run no code."""
    texts = [text_inside(domain, variable, item, conversion) for item in items]
    if None in texts:
        return domain.unsupported(variable, "a text of items whose texts are not known")
    return constant(f"{opening}{', '.join(map(str, texts))}{closing}")


HANDLERS = {list: ListHandler()}
