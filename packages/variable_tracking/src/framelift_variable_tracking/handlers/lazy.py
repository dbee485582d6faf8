"""Iterators that take from others as they are asked: `itertools`, `iter` of a function, `reversed` by index.

The state of one is a list, which a polyfill's frame changes (`polyfills.iterators`), so a break in the middle of `next`
loses nothing; from the list an object of the right type is made again, around the very same inner iterators. Nothing
here takes an item of those to do so: what is at hand already is put before them.
"""

from __future__ import annotations

import ast
import copy
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from framelift_bytecode_interp import Break, Value
from framelift_guards import CallSource, Equals, Source, TupleItemSource, TypeIs

from ..classes import name_of
from ..effects import expression
from ..emitter import Emitter
from ..evaluation import native_error, plain
from ..handler import Answer, Arguments, CallContext, Keywords, Tracking
from ..polyfills import iterators
from ..polyfills import itertools as polyfills
from ..reasons import UnsupportedOperation
from ..variable import NOT_CONSTANT, ConstantVariable, FunctionVariable, ReferenceVariable, Variable
from .container import changed
from .iterator import (
    TUPLE_ITERATOR,
    IteratorHandler,
    IteratorVariable,
    SequenceIteratorVariable,
    advanced_by,
    exhausted,
)

CALLABLE_ITERATOR: Final = type(iter(int, 1))
INDEX_ITERATOR: Final = type(iter(type("Indexed", (), {"__getitem__": lambda self, index: index})()))
TEE: Final[type] = type(itertools.tee(())[0])
GROUP: Final[type] = type(next(itertools.groupby([0]))[1])


# ---- making them again: each function takes the state -----------------------------------------------------------


def _never(item: object) -> bool:
    return False


def _calls(function: Any, sentinel: Any, ended: bool) -> Iterator[Any]:
    return exhausted(iter(lambda: 0, 0)) if ended else iter(function, sentinel)


def _by_index(sequence: Any, position: int) -> Iterator[Any]:
    if position < 0:
        return exhausted(iter(_Indexed((), 0)))
    iterator: Any = iter(sequence)
    iterator.__setstate__(position)
    return iterator  # type: ignore[no-any-return]


class _Indexed:
    """Stands for a sequence whose length was asked already."""

    def __init__(self, sequence: Any, length: int) -> None:
        self.sequence = sequence
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        return self.sequence[index]


def _backwards(sequence: Any, position: int) -> Iterator[Any]:
    return reversed(_Indexed(sequence, position + 1))


def _cycle(iterator: Any, saved: list[Any], position: int) -> Iterator[Any]:
    if position >= 0:
        return itertools.cycle([*saved[position:], *saved[:position]])
    return advanced_by(itertools.cycle(itertools.chain(saved, iterator)), len(saved))


def _chain(iterables: Any, active: Any) -> Iterator[Any]:
    if iterables is None:
        return itertools.chain()
    return itertools.chain.from_iterable(iterables if active is None else itertools.chain([active], iterables))


def _accumulate(iterator: Any, function: Any, initial: Any, begun: bool, reached: Any) -> Iterator[Any]:
    if initial is not None or not begun:
        return itertools.accumulate(iterator, function, initial=initial)
    return advanced_by(itertools.accumulate(itertools.chain([reached], iterator), function), 1)


def _takewhile(function: Any, iterator: Any, ended: bool) -> Iterator[Any]:
    return exhausted(itertools.takewhile(_never, [None])) if ended else itertools.takewhile(function, iterator)


def _dropwhile(function: Any, iterator: Any, begun: bool) -> Iterator[Any]:
    if not begun:
        return itertools.dropwhile(function, iterator)
    return advanced_by(itertools.dropwhile(_never, itertools.chain([None], iterator)), 1)


def _pairwise(iterator: Any, begun: bool, previous: Any) -> Iterator[Any]:
    if iterator is None:
        return exhausted(itertools.pairwise(()))
    return itertools.pairwise(itertools.chain([previous], iterator) if begun else iterator)


def _batched(iterator: Any, number: int, strict: bool) -> Iterator[Any]:
    batched: Any = vars(itertools)["batched"]
    strictly = {"strict": True} if strict else {}
    return batched(() if iterator is None else iterator, number, **strictly)  # type: ignore[no-any-return]


def _islice(iterator: Any, wanted: int, stop: int | None, step: int, position: int) -> Iterator[Any]:
    if iterator is None:
        return exhausted(itertools.islice((), 0))
    return itertools.islice(iterator, wanted - position, None if stop is None else stop - position, step)


def _zip_longest(iterators_: list[Any], fill: Any, active: int) -> Iterator[Any]:
    parts = [() if iterator is None else iterator for iterator in iterators_] if active else []
    return itertools.zip_longest(*parts, fillvalue=fill)


def _tee(shared: list[Any], position: int) -> Iterator[Any]:
    if len(shared) == 2:  # the first of those that share: the others are copies of what it finds
        iterator, items = shared
        shared.append(itertools.tee(itertools.chain(items, iterator), 1)[0])
    return advanced_by(copy.copy(shared[2]), position)


class _KnownKey:
    """The key function of a groupby that asks for one again whose key is known."""

    def __init__(self, key: Any, function: Any) -> None:
        self.known = [key]
        self.function = function

    def __call__(self, item: Any) -> Any:
        if self.known:
            return self.known.pop()
        return item if self.function is None else self.function(item)


def _groupby(*state: Any) -> Iterator[Any]:
    return _groups(state)[0]  # type: ignore[no-any-return]


def _groups(state: Sequence[Any]) -> tuple[Any, Any]:
    """Return a groupby and the group that it gave last, if that may go on; both are made once."""
    iterator, function, target, reached, item, same, token = state
    if token is not None and token[0] is not None:
        return token[0]  # type: ignore[no-any-return]
    rest = itertools.chain(item or [None], iterator) if reached else iterator
    made, group = itertools.groupby(rest, _KnownKey(reached[0], function) if reached else function), None
    if reached and target and same:
        _, group = next(made)
        advanced_by(group, 0 if item else 1)
    if token is not None:
        token[0] = made, group
    return made, group


def _group(parent: list[Any], target: list[Any], token: list[Any]) -> Iterator[Any]:
    group = _groups(parent)[1] if parent[6] is token else None
    return exhausted(next(itertools.groupby([None]))[1]) if group is None else group


@dataclass(frozen=True)
class Kind:
    """A type of lazy iterators.

    Args:
        cls: the type.
        again: makes one of the parts of its state.
        steady: `next` leaves the state as it is, so one under way is no different.
    """

    cls: type
    again: Callable[..., Iterator[Any]]
    steady: bool = False


KINDS: Final[dict[Callable[..., Any], Kind]] = {
    iterators.calls_next: Kind(CALLABLE_ITERATOR, _calls),
    iterators.by_index_next: Kind(INDEX_ITERATOR, _by_index),
    iterators.backwards_next: Kind(reversed, _backwards),
    polyfills.count_next: Kind(itertools.count, itertools.count),
    polyfills.cycle_next: Kind(itertools.cycle, _cycle),
    polyfills.chain_next: Kind(itertools.chain, _chain),
    polyfills.accumulate_next: Kind(itertools.accumulate, _accumulate),
    polyfills.starmap_next: Kind(itertools.starmap, itertools.starmap, steady=True),
    polyfills.takewhile_next: Kind(itertools.takewhile, _takewhile),
    polyfills.dropwhile_next: Kind(itertools.dropwhile, _dropwhile),
    polyfills.filterfalse_next: Kind(itertools.filterfalse, itertools.filterfalse, steady=True),
    polyfills.compress_next: Kind(itertools.compress, itertools.compress, steady=True),
    polyfills.pairwise_next: Kind(itertools.pairwise, _pairwise),
    polyfills.islice_next: Kind(itertools.islice, _islice),
    polyfills.zip_longest_next: Kind(itertools.zip_longest, _zip_longest),
    polyfills.tee_next: Kind(TEE, _tee),
    polyfills.groupby_next: Kind(itertools.groupby, _groupby),
    polyfills.group_next: Kind(GROUP, _group),
    **({polyfills.batched_next: Kind(vars(itertools)["batched"], _batched)} if hasattr(itertools, "batched") else {}),
}
"""The types, by the function that advances one."""


def made_again(again: Callable[..., Iterator[Any]], state: list[Any]) -> Iterator[Any]:
    """Return an iterator in this state."""
    return again(*state)


class LazyIteratorVariable(IteratorVariable):
    """An iterator that a polyfill advances.

    Args:
        advance: the polyfill.
        state: the list that it takes.
    """

    __slots__ = ("advance", "state")

    def __init__(self, advance: Callable[..., Any], state: Variable) -> None:
        self.cls = KINDS[advance].cls
        self.source = None
        self.advance = advance
        self.state = state


class LazyIteratorHandler(IteratorHandler):
    """Iterators of the types above."""

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, LazyIteratorVariable):
            return super().next(domain, variable)
        return domain.polyfill(variable.advance, variable.state)

    def call_method(self, domain: Tracking, variable: Variable, name: str, args: Arguments, kwargs: Keywords) -> Answer:
        if name == "__copy__" and variable.cls is TEE and isinstance(variable, LazyIteratorVariable) and not args:
            return domain.polyfill(polyfills.tee_copy, variable)
        if name == "from_iterable" and not isinstance(variable, LazyIteratorVariable) and len(args) == 1 and not kwargs:
            return domain.polyfill(polyfills.chain_from_iterable, args[0])
        return super().call_method(domain, variable, name, args, kwargs)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, LazyIteratorVariable)
        kind, state = KINDS[variable.advance], variable.state
        if not kind.steady and emitter.under_way(state):
            # What changes the state later must change that of the object as well, and C objects keep theirs to them.
            return emitter.call(iterators.made, emitter.constant(variable.advance, "advance"), emitter.value(state))
        return emitter.call(made_again, emitter.constant(kind.again, "again"), emitter.filled(state))


class ChainHandler(LazyIteratorHandler):
    """itertools.chain; one of sequences goes on without a frame."""

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        parts = domain.sequence(variable.state) if isinstance(variable, LazyIteratorVariable) else None
        if parts is None:
            return False
        iterables, active = parts
        if not isinstance(iterables, SequenceIteratorVariable) or iterables.cls is not TUPLE_ITERATOR:
            return False
        origin = iterables.origin
        rest = () if origin is None else [origin.item(at) for at in range(iterables.position, len(origin))]
        return _known(domain, rest) and (isinstance(active, ConstantVariable) or _immediate(domain, active))

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, LazyIteratorVariable) or not self.immediate(domain, variable):
            return super().next(domain, variable)
        while True:
            iterables, active = domain.sequence(variable.state) or ()
            if not isinstance(active, ConstantVariable):
                answer = domain.next(active)
                if isinstance(answer, Value) or not _stops(domain, answer):
                    return answer
            begun = domain.next(iterables)
            begun = domain.get_iter(begun.value) if isinstance(begun, Value) else begun
            found = begun.value if isinstance(begun, Value) else ConstantVariable(None)
            domain.set_item(variable.state, ConstantVariable(1), found)
            if not isinstance(begun, Value):
                return begun


def _immediate(domain: Tracking, variable: Variable) -> bool:
    handler = domain.handler_of(variable)
    return isinstance(handler, IteratorHandler) and handler.immediate(domain, variable)


def _stops(domain: Tracking, answer: Any) -> bool:
    """Tell whether an answer raises StopIteration."""
    exception = getattr(answer, "exception", None)
    return isinstance(exception, Variable) and domain.is_stop_iteration(exception)


def _known(domain: Tracking, iterables: Sequence[Variable]) -> bool:
    """Tell whether iterating each of these sequences runs no code."""
    return all(iterable.cls in _SEQUENCES and domain.sequence(iterable) is not None for iterable in iterables)


_SEQUENCES = frozenset((list, tuple, range, str, bytes, dict))


def _made(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    advance, state = args
    assert isinstance(advance, FunctionVariable)
    return Value(LazyIteratorVariable(advance.value, state))


def _state_of(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    (iterator,) = args
    assert isinstance(iterator, LazyIteratorVariable)
    return Value(iterator.state)


# ---- repeat ---------------------------------------------------------------------------------------------------------


class RepeatVariable(IteratorVariable):
    """A repeat.

    Args:
        item: what it gives.
        times: how often yet; None for ever.
    """

    __slots__ = ("item", "times")

    def __init__(self, item: Variable, times: int | None) -> None:
        self.cls = itertools.repeat
        self.source = None
        self.item = item
        self.times = times


class RepeatHandler(IteratorHandler):
    """itertools.repeat."""

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, RepeatVariable) and variable.times is not None

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, RepeatVariable):
            return super().next(domain, variable)
        if variable.times is not None:
            if variable.times <= 0:
                return domain.raise_error(StopIteration)
            variable.times -= 1
        return Value(variable.item)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, RepeatVariable)
        item = emitter.value(variable.item)
        times = [] if variable.times is None else [emitter.constant(variable.times, "times")]
        return emitter.call(itertools.repeat, item, *times)


def make_count(domain: Tracking, number: Variable, step: Variable) -> Answer:
    """`itertools.count(number, step)`."""
    for part in (number, step):
        if isinstance(part, ConstantVariable) and part.cls not in {int, float, complex, bool}:
            return domain.raise_error(TypeError, "a number is required")
    return domain.polyfill(polyfills.count, number, step)


def make_repeat(domain: Tracking, item: Variable, times: Variable) -> Answer:
    """`itertools.repeat(item, times)`; NotImplemented stands for no number."""
    if isinstance(times, ConstantVariable) and times.value is NotImplemented:
        return Value(RepeatVariable(item, None))
    number = times.value if isinstance(times, ConstantVariable) else domain.recorder.as_index(times)
    if not isinstance(number, int):
        return domain.unsupported(times, "use as the number of repetitions")
    return Value(RepeatVariable(item, int(number)))


# ---- products, permutations, combinations ---------------------------------------------------------------------------


def reduced(iterator: Any) -> tuple[Any, ...]:
    """Return what an iterator of `itertools` says of its state; from CPython 3.12 on it deprecates doing so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return iterator.__reduce__()  # type: ignore[no-any-return]


def pools_of(iterator: Any) -> tuple[Any, ...]:
    """Return the pools of a product, or the pool and the length of the others."""
    return reduced(iterator)[1]  # type: ignore[no-any-return]


def selection_state(iterator: Any) -> tuple[Any, ...]:
    """Return the sizes of the pools (and the length), and the indices that an iterator stands at."""
    state = reduced(iterator)
    sizes = [len(part) if isinstance(part, tuple) else part for part in state[1]]
    return (*sizes, *state[2:])


def indices_of(cls: Any, sizes: Sequence[int], number: Any) -> Iterator[Any]:
    """Return the iterator of the same type over the indices of pools of these sizes."""
    pools = [range(size) for size in sizes]
    return cls(*pools, repeat=number) if cls is itertools.product else cls(*pools, number)


class SelectionVariable(IteratorVariable):
    """An iterator of tuples of items of pools that are known.

    Args:
        pools: the pools.
        number: how often they repeat, or how many items of the one pool are in a tuple.
        indices: the real iterator of the same type over the indices.

    `taken` is how many tuples were taken here.
    """

    __slots__ = ("indices", "number", "pools", "taken")

    def __init__(
        self, cls: type, pools: Sequence[Sequence[Variable]], number: Any, indices: Any, source: Source | None = None
    ) -> None:
        self.cls = cls
        self.source = source
        self.pools = pools
        self.number = number
        self.indices = indices
        self.taken = 0


def selection(cls: Any, number: Any, count: int, *pools: tuple[Any, ...]) -> Iterator[Any]:
    """Return a product or the like, after some items."""
    made = cls(*pools, repeat=number) if cls is itertools.product else cls(*pools, number)
    return advanced_by(made, count)


class SelectionHandler(IteratorHandler):
    """product, permutations, combinations, combinations_with_replacement."""

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        cls, state, parts = type(value), selection_state(value), pools_of(value)
        domain.guard(source, TypeIs(cls))
        domain.guard(CallSource(selection_state, source, "'s state"), Equals(state))
        base = CallSource(pools_of, source, "'s pools")
        number = 1 if cls is itertools.product else parts[1]
        pools = [
            [domain.wrap(item, TupleItemSource(TupleItemSource(base, at), place)) for place, item in enumerate(part)]
            for at, part in enumerate(parts if cls is itertools.product else parts[:1])
        ]
        indices: Any = indices_of(cls, [len(pool) for pool in pools], number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            for left in reduced(value)[2:]:
                indices.__setstate__(left)
        return SelectionVariable(cls, pools, number, indices, source)

    def immediate(self, domain: Tracking, variable: Variable) -> bool:
        return isinstance(variable, SelectionVariable)

    def next(self, domain: Tracking, variable: Variable) -> Answer:
        if not isinstance(variable, SelectionVariable):
            return super().next(domain, variable)
        chosen = next(variable.indices, None)
        if chosen is None:
            return domain.raise_error(StopIteration)
        variable.taken += 1
        changed(domain, variable)
        pools = variable.pools
        return domain.build_tuple([pools[at % len(pools)][index] for at, index in enumerate(chosen)])

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, SelectionVariable)
        cls, number = emitter.constant(variable.cls, "iterator"), emitter.constant(variable.number, "number")
        pools = [ast.Tuple([emitter.value(item) for item in pool], ast.Load()) for pool in variable.pools]
        return emitter.call(selection, cls, number, emitter.constant(variable.taken, "taken"), *pools)

    def refill(self, emitter: Emitter, variable: Variable) -> None:
        assert isinstance(variable, SelectionVariable)
        taken = emitter.constant(variable.taken, "taken")
        emitter.effect(expression(emitter.call(advanced_by, emitter.value(variable), taken)))


def _selected(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    cls, packed, length = args
    assert isinstance(cls, ReferenceVariable)
    pools = [domain.sequence(pool) or () for pool in domain.sequence(packed) or ()]
    number = plain(domain, length)
    if number is NOT_CONSTANT:
        number = domain.recorder.as_index(length)
        if number is None:
            return Break(UnsupportedOperation(name_of(cls.value), "making one", "the length is not known"))
    try:
        indices = indices_of(cls.value, [len(pool) for pool in pools], number)
    except (OverflowError, TypeError, ValueError) as error:
        return native_error(domain, error)
    return Value(SelectionVariable(cls.value, pools, number, indices))


HANDLERS: Final[dict[Any, IteratorHandler]] = {
    **{kind.cls: LazyIteratorHandler() for kind in KINDS.values()},
    itertools.chain: ChainHandler(),
    itertools.repeat: RepeatHandler(),
    **dict.fromkeys(
        (
            itertools.product,
            itertools.permutations,
            itertools.combinations,
            itertools.combinations_with_replacement,
        ),
        SelectionHandler(),
    ),
}
RULES = {iterators.made: _made, polyfills.state_of: _state_of, polyfills.selected: _selected}
