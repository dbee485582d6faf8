"""Iterators of built-in containers, each advanced one item at a time."""

from __future__ import annotations

import ast
import gc
import operator
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from framelift_bytecode_interp import Break, Raise, Unwind, Value
from framelift_guards import CallSource, Equals, IteratorState, Source, TypeIs

from ..classes import name_of
from ..effects import expression
from ..emitter import Emitter
from ..handler import Answer, Tracking
from ..reasons import NotReconstructible, ReconstructionError, UnsupportedOperation
from ..variable import ConstantVariable, Variable
from .container import ContainerHandler, HolderVariable, Method, changed, constant

LIST_ITERATOR: Final[type] = type(iter([]))
LIST_REVERSED: Final[type] = type(reversed([]))
TUPLE_ITERATOR: Final = type(iter(()))
RANGE_ITERATOR: Final = type(iter(range(0)))
LONG_RANGE_ITERATOR: Final = type(iter(range(1 << 70)))
TEXT_ITERATORS: Final[frozenset[type]] = frozenset((type(iter("")), type(iter("\u00e9"))))
BYTES_ITERATOR: Final = type(iter(b""))
DICT_ITERATORS: Final[tuple[type, ...]] = (
    type(iter({})),
    type(iter({}.values())),
    type(iter({}.items())),
    type(reversed({})),
    type(reversed({}.values())),
    type(reversed({}.items())),
)
ODICT_ITERATOR: Final[type] = type(iter(OrderedDict()))
SET_ITERATOR: Final[type] = type(iter(set()))


class Origin(Protocol):
    """What a sequence's iterator asks of the sequence's variable."""

    def __len__(self) -> int: ...

    def item(self, index: int) -> Variable:
        """Return one item."""
        ...


class Fixed:
    """The items of a string or of bytes.

    Args:
        variable: the constant.
    """

    __slots__ = ("variable",)

    def __init__(self, variable: ConstantVariable) -> None:
        self.variable = variable

    def __len__(self) -> int:
        return len(self.variable.value)

    def item(self, index: int) -> Variable:
        """Return one character or byte."""
        return ConstantVariable(self.variable.value[index])


class IteratorVariable(HolderVariable):
    """An iterator that is advanced by its handler.

    Args:
        cls: its type.
    """

    __slots__ = ()


class SequenceIteratorVariable(IteratorVariable):
    """The iterator of a list, tuple, range, string or bytes.

    Args:
        cls: its type.
        origin: the variable of the sequence, or `Fixed`; None once the iterator is exhausted.
        position: the index of the next item.
        step: -1 for `reversed`.
    """

    __slots__ = ("origin", "position", "step")

    def __init__(
        self, cls: type, origin: Any, position: int = 0, *, step: int = 1, source: Source | None = None
    ) -> None:
        self.cls = cls
        self.source = source
        self.origin = origin
        self.position = position
        self.step = step


class StandingRangeVariable(IteratorVariable):
    """The iterator of a range that existed before: where it stands matters only once two numbers are asked of it.

    A loop that breaks the graph goes on with such an iterator in each pass, and one capture then stands for all passes.

    Args:
        value: the iterator.
        source: how to fetch it.

    Attributes:
        started: whether a number was taken from it.
        exact: what it is once its place is known.
    """

    __slots__ = ("exact", "started", "value")

    def __init__(self, value: Any, source: Source) -> None:
        self.cls = RANGE_ITERATOR
        self.source = source
        self.value = value
        self.started = False
        self.exact: SequenceIteratorVariable | None = None


class KeyIteratorVariable(IteratorVariable):
    """The iterator of a dictionary, of one of its views, or of a set.

    Args:
        cls: its type; all iterators of an OrderedDict are of one, and this says which of a dictionary's it is like.
        origin: the variable of the dictionary or set; None once the iterator is exhausted.
        items: what it gives, as it was when the iteration began.
        keys: the keys behind the items.
        position: how many items it has given.

    An item that is None is asked from the origin when it is reached.
    """

    __slots__ = ("items", "keys", "ordered", "origin", "position", "size", "version")

    def __init__(
        self,
        cls: type,
        origin: Any,
        items: Sequence[Variable | None],
        keys: Sequence[Any],
        position: int = 0,
        *,
        source: Source | None = None,
    ) -> None:
        self.cls = cls
        self.source = source
        self.origin = origin
        self.items = items
        self.keys = keys
        self.position = position
        self.size = len(origin)
        self.version = origin.version
        self.ordered = issubclass(origin.cls, OrderedDict)

    def python_type(self) -> type:
        return ODICT_ITERATOR if self.ordered else self.cls


def text_iterator(variable: ConstantVariable) -> SequenceIteratorVariable:
    """Return `iter(variable)` for a string or bytes."""
    return SequenceIteratorVariable(type(iter(variable.value)), Fixed(variable))


class IteratorHandler(ContainerHandler):
    """The base of handlers of iterators: `iter(it)` is `it`."""

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        """Tell whether `next` answers at once, however often it is asked, and ends."""
        return False

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        return Value(variable)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        return Value(True)


def drain(domain: Tracking, variable: Variable) -> list[Variable] | Raise[Variable] | Break | None:
    """Return all items of an iterator that needs no code of the user's for them; None for any other iterable."""
    handler = domain.handler_of(variable)
    if not isinstance(handler, IteratorHandler) or not handler.immediate(domain, variable):
        return None
    items: list[Variable] = []
    while True:
        answer = handler.next(domain, variable)
        if isinstance(answer, Value):
            items.append(answer.value)
        elif isinstance(answer, Raise):
            return items if domain.is_stop_iteration(answer.exception) else answer
        elif isinstance(answer, Break):
            return answer
        else:
            raise TypeError(f"{type(handler).__name__}.immediate() was true, but next() entered a frame")


# ---- sequences ------------------------------------------------------------------------------------------------------


def iterated(iterator: Any) -> object:
    """Return what an iterator of a sequence iterates: an object of its own, for a range that it has run through."""
    return iterator.__reduce__()[1][0]


def iterator_state(iterator: Any) -> tuple[int, ...]:
    """Return the range and the position of a range's iterator."""
    _, (numbers,), position = iterator.__reduce__()
    return numbers.start, numbers.stop, numbers.step, position or 0


def has_next_number(iterator: Any) -> bool:
    """Tell whether the iterator of a range is not at its end."""
    return operator.length_hint(iterator) > 0


def next_number(iterator: Any) -> int:
    """Return what the iterator of a range gives next."""
    _, (numbers,), position = iterator.__reduce__()
    number: int = numbers[position or 0]
    return number


def list_iterator(items: list[Any]) -> Iterator[Any]:
    """Return `iter(items)`, whatever the class of the list says."""
    return list.__iter__(items)


def list_reversed(items: list[Any]) -> Iterator[Any]:
    """Return `reversed(items)`, whatever the class of the list says."""
    return list.__reversed__(items)


def advanced_iterator(items: Any, position: int) -> Iterator[Any]:
    """Return `iter(items)` at a position, for a tuple, range, string or bytes."""
    iterator: Any = tuple.__iter__(items) if issubclass(type(items), tuple) else iter(items)
    iterator.__setstate__(position)
    return iterator  # type: ignore[no-any-return]


def exhausted(iterator: Any) -> Iterator[Any]:
    """Run a built-in iterator to its end."""
    for _ in iterator:
        pass
    return iterator  # type: ignore[no-any-return]


def set_position(iterator: Any, position: int) -> None:
    """Put an iterator of a sequence at a position."""
    iterator.__setstate__(position)


_EMPTY: Final[dict[type, Any]] = {
    LIST_ITERATOR: list,
    TUPLE_ITERATOR: tuple,
    RANGE_ITERATOR: lambda: range(0),
    LONG_RANGE_ITERATOR: lambda: range(1 << 70, 1 << 70),
    BYTES_ITERATOR: bytes,
    LIST_REVERSED: list,
}


def empty_iterator(cls: type) -> Iterator[Any]:
    """Return an exhausted iterator of this type."""
    if cls is LIST_REVERSED:
        return exhausted(reversed([]))
    if cls in TEXT_ITERATORS:
        return exhausted(iter("" if type(iter("")) is cls else "\u00e9"))
    return exhausted(iter(_EMPTY[cls]()))


def length_hint(
    domain: Tracking, target: SequenceIteratorVariable | StandingRangeVariable, args: Any, kwargs: Any
) -> Answer:
    """`iterator.__length_hint__()`."""
    variable = placed(domain, target) if isinstance(target, StandingRangeVariable) else target
    if variable.origin is None:
        return constant(0)
    left = variable.position + 1 if variable.step < 0 else len(variable.origin) - variable.position
    return constant(max(left, 0))


def placed(domain: Tracking, variable: StandingRangeVariable) -> SequenceIteratorVariable:
    """Return an iterator of a range with its place known, and guarded."""
    if variable.exact is None:
        assert variable.source is not None
        source = CallSource(iterator_state, variable.source, ".__reduce__()")
        domain.guard(source, Equals(iterator_state(variable.value)))
        _, (numbers,), position = variable.value.__reduce__()
        origin = domain.from_native(numbers)
        assert isinstance(origin, Value)
        start = (position or 0) + variable.started
        variable.exact = SequenceIteratorVariable(variable.cls, origin.value, start, source=variable.source)
    return variable.exact


class SequenceIteratorHandler(IteratorHandler):
    """Iterators of lists, tuples, ranges, strings and bytes, and `reversed(list)`."""

    methods = {"__length_hint__": Method(length_hint)}  # noqa: RUF012 - the base declares it a ClassVar

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        if cls is LIST_REVERSED:
            return super().wrap(domain, value, source)
        if cls is RANGE_ITERATOR:
            domain.guard(source, TypeIs(cls))
            return StandingRangeVariable(value, source)
        domain.guard(source, IteratorState(value))
        state = value.__reduce__()
        if len(state) < 3:
            return SequenceIteratorVariable(cls, None, source=source)
        if cls is LONG_RANGE_ITERATOR:
            domain.guard(CallSource(iterator_state, source, ".__reduce__()"), Equals(iterator_state(value)))
            origin = domain.from_native(state[1][0])
            assert isinstance(origin, Value)
            return SequenceIteratorVariable(cls, origin.value, state[2] or 0, source=source)
        items = domain.wrap(state[1][0], CallSource(iterated, source, ".__reduce__()[1][0]"))
        origin_of: Any = Fixed(items) if isinstance(items, ConstantVariable) else items
        if not hasattr(origin_of, "item"):
            origin_of = getattr(items, "payload", None)
        if origin_of is None:
            return super().wrap(domain, value, source)
        return SequenceIteratorVariable(cls, origin_of, state[2], source=source)

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, (SequenceIteratorVariable, StandingRangeVariable))

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if isinstance(variable, StandingRangeVariable):
            return self._next_number(domain, variable)
        if not isinstance(variable, SequenceIteratorVariable):
            return super().next(domain, variable)
        origin, position = variable.origin, variable.position
        if origin is None:
            return domain.raise_error(StopIteration)
        if not 0 <= position < len(origin):
            variable.origin = None
            changed(domain, variable)
            return domain.raise_error(StopIteration)
        item = origin.item(position)
        variable.position = position + variable.step
        changed(domain, variable)
        return Value(item)

    def _next_number(self, domain: Tracking, variable: StandingRangeVariable) -> Answer:
        if variable.started or variable.exact is not None:
            return self.next(domain, placed(domain, variable))
        assert variable.source is not None
        more = has_next_number(variable.value)
        domain.guard(CallSource(has_next_number, variable.source, " has a next number"), Equals(more))
        if not more:
            return domain.raise_error(StopIteration)
        variable.started = True
        changed(domain, variable)
        source = CallSource(next_number, variable.source, "'s next number")
        return Value(domain.wrap(next_number(variable.value), source))

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, SequenceIteratorVariable)
        origin = variable.origin
        if origin is None:
            return emitter.call(empty_iterator, emitter.constant(variable.cls, "iterator"))
        items = emitter.value(origin.variable if isinstance(origin, Fixed) else origin)
        if variable.cls is LIST_ITERATOR:
            return emitter.call(list_iterator, items)
        if variable.cls is LIST_REVERSED:
            return emitter.call(list_reversed, items)
        return emitter.call(advanced_iterator, items, emitter.constant(variable.position, "position"))

    def fill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, SequenceIteratorVariable)
        if variable.cls in {LIST_ITERATOR, LIST_REVERSED} and variable.origin is not None:
            if not -1 <= variable.position <= len(variable.origin):
                reason = NotReconstructible(variable.cls.__qualname__, "its list became shorter than where it stands")
                raise ReconstructionError(reason)
            self._place(emitter, variable)

    def _place(self, emitter: Emitter, variable: SequenceIteratorVariable) -> None:
        target = emitter.value(variable)
        if variable.cls in {RANGE_ITERATOR, LONG_RANGE_ITERATOR}:
            # From CPython 3.12 on, a range's iterator forgets where it began: its state is set from where it stands.
            assert variable.origin is not None
            left = emitter.constant(len(variable.origin) - variable.position)
            emitter.place(expression(emitter.call(leave, target, left)))
            return
        position = emitter.constant(variable.position, "position")
        emitter.place(expression(emitter.call(set_position, target, position)))

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        if isinstance(variable, StandingRangeVariable) and variable.exact is None:
            if variable.started:
                assert variable.source is not None
                before = emitter.fetch(CallSource(operator.length_hint, variable.source, "'s length"))
                left = ast.BinOp(before, ast.Sub(), ast.Constant(1))
                emitter.place(expression(emitter.call(leave, emitter.value(variable), left)))
            return
        if isinstance(variable, StandingRangeVariable):
            assert variable.exact is not None
            variable = variable.exact
        assert isinstance(variable, SequenceIteratorVariable)
        if variable.origin is None:
            emitter.effect(expression(emitter.call(exhausted, emitter.value(variable))))
        else:
            self._place(emitter, variable)


# ---- dictionaries and sets ------------------------------------------------------------------------------------------


def advanced_by(iterator: Iterator[Any], count: int) -> Iterator[Any]:
    """Take `count` items from an iterator."""
    for _ in range(count):
        next(iterator)
    return iterator


def leave(iterator: Iterator[Any], left: int) -> None:
    """Advance an existing iterator until it has this many items left: something that holds it may have begun to."""
    advanced_by(iterator, operator.length_hint(iterator) - left)


def key_iterator(cls: type, container: Any, count: int) -> Iterator[Any]:
    """Return an iterator of this type, made of a dictionary or set, after `count` items."""
    base: Any = OrderedDict if isinstance(container, OrderedDict) else dict
    makers: tuple[Any, ...] = (
        base.__iter__,
        lambda mapping: iter(base.values(mapping)),
        lambda mapping: iter(base.items(mapping)),
        base.__reversed__,
        lambda mapping: reversed(base.values(mapping)),
        lambda mapping: reversed(base.items(mapping)),
    )
    iterator = makers[DICT_ITERATORS.index(cls)](container) if cls in DICT_ITERATORS else iter(container)
    return advanced_by(iterator, count)


def iterated_container(iterator: Any) -> Any:
    """Return what an iterator of a dictionary or set iterates; None once it has ended."""
    # The iterators do not say. Their first referent is the container (dictiter_traverse in CPython's dictobject.c).
    first = next(iter(gc.get_referents(iterator)), None)
    return first if isinstance(first, (dict, set, frozenset)) else None


def key_iterator_state(iterator: Any) -> tuple[int, bool]:
    """Return how many items an iterator still gives, and whether they are the last ones of its container.

    Raises:
        RuntimeError: the container has changed its size.
    """
    left = iterator.__reduce__()[1][0]
    container = iterated_container(iterator)
    if container is None:
        return -1, True
    every = list(key_iterator(type(iterator), container, 0))
    return len(left), len(left) <= len(every) and all(map(_same_item, left, every[len(every) - len(left) :]))


def _same_item(left: Any, right: Any) -> bool:
    if type(left) is type(right) is tuple and len(left) == len(right):  # a pair, made anew for each iterator
        return all(one is other for one, other in zip(left, right, strict=True))
    return left is right


class KeyIteratorHandler(IteratorHandler):
    """Iterators of dictionaries, of their views, and of sets."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls = type(value)
        try:
            left, last = key_iterator_state(value)
        except RuntimeError:
            return super().wrap(domain, value, source)
        kinds = (*DICT_ITERATORS, SET_ITERATOR)
        if left < 0 or not last or cls not in kinds:  # the iterator of an OrderedDict does not say what it gives
            return super().wrap(domain, value, source)
        container = domain.wrap(iterated_container(value), CallSource(iterated_container, source, "'s container"))
        payload = getattr(container, "payload", container)
        if not hasattr(payload, "keyed"):
            return super().wrap(domain, value, source)
        domain.guard(source, TypeIs(cls))
        domain.guard(CallSource(key_iterator_state, source, "'s state"), Equals((left, last)))
        try:
            keys = list(payload.keyed())
        except Unwind:  # the keys' `__hash__` is Python code
            return super().wrap(domain, value, source)
        if cls in DICT_ITERATORS[3:]:
            keys.reverse()
        gives_keys = cls in {DICT_ITERATORS[0], DICT_ITERATORS[3], SET_ITERATOR}
        items = [key.variable for key in keys] if gives_keys else [None] * len(keys)
        return KeyIteratorVariable(cls, payload, items, keys, len(keys) - left, source=source)

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, KeyIteratorVariable)

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, KeyIteratorVariable):
            return super().next(domain, variable)
        origin = variable.origin
        if origin is None:
            return domain.raise_error(StopIteration)
        kind = "Set" if variable.cls is SET_ITERATOR else "dictionary"
        if len(origin) != variable.size:
            # CPython makes this state sticky: the size no longer agrees with anything.
            variable.size = -1
            text = "OrderedDict mutated" if variable.ordered else f"{kind} changed size"
            return domain.raise_error(RuntimeError, f"{text} during iteration")
        if variable.position >= len(variable.items):
            variable.origin = None
            changed(domain, variable)
            return domain.raise_error(StopIteration)
        if origin.version != variable.version:
            reason = UnsupportedOperation(name_of(variable.cls), "next()", "the keys changed during iteration")
            raise Unwind(Break(reason))
        item = variable.items[variable.position]
        if item is None:  # the value of a dictionary is read when it is reached
            item = origin.value(variable.keys[variable.position], variable.cls)
        variable.position += 1
        changed(domain, variable)
        return Value(item)

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, KeyIteratorVariable)
        origin, target = variable.origin, emitter.value(variable)
        if origin is None:
            emitter.effect(expression(emitter.call(exhausted, target)))
            return
        if len(origin) != variable.size or origin.version != variable.version:
            reason = NotReconstructible(variable.cls.__qualname__, "what it iterates has changed meanwhile")
            raise ReconstructionError(reason)
        left = emitter.constant(variable.size - variable.position)
        emitter.effect(expression(emitter.call(leave, target, left)))

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, KeyIteratorVariable)
        origin, cls = variable.origin, emitter.constant(variable.cls, "iterator")
        if origin is None:
            kind = OrderedDict if variable.ordered else dict if variable.cls in DICT_ITERATORS else set
            empty = emitter.call(kind)
            made = emitter.call(key_iterator, cls, empty, emitter.constant(0))
            return emitter.call(exhausted, made)
        if len(origin) != variable.size or origin.version != variable.version or origin.touched:
            reason = NotReconstructible(variable.cls.__qualname__, "what it iterates has changed meanwhile")
            raise ReconstructionError(reason)
        return emitter.call(key_iterator, cls, emitter.filled(origin), emitter.constant(variable.position))


HANDLERS = {
    **dict.fromkeys(
        (
            LIST_ITERATOR,
            LIST_REVERSED,
            TUPLE_ITERATOR,
            RANGE_ITERATOR,
            LONG_RANGE_ITERATOR,
            BYTES_ITERATOR,
            *TEXT_ITERATORS,
        ),
        SequenceIteratorHandler(),
    ),
    **dict.fromkeys((*DICT_ITERATORS, ODICT_ITERATOR, SET_ITERATOR), KeyIteratorHandler()),
}
