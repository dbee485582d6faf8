"""`itertools` in plain Python (Modules/itertoolsmodule.c): what makes each iterator, and what advances it.

Each takes its arguments as the rules bind them. A StopIteration of an inner iterator passes through as it is.
"""

from __future__ import annotations

import itertools
import operator
import sys
from collections.abc import Callable, Iterable
from typing import Any

from .iterators import made

__framelift_hidden__ = True


def count(start: Any, step: Any, /) -> Any:
    """`itertools.count(start, step)`."""
    return made(count_next, [start, step])


def count_next(state: list[Any], /) -> Any:
    """`next` of a count."""
    number, step = state
    state[0] = number + step
    return number


def cycle(iterable: Iterable[Any], /) -> Any:
    """`itertools.cycle(iterable)`."""
    return made(cycle_next, [iter(iterable), [], -1])


def cycle_next(state: list[Any], /) -> Any:
    """`next` of a cycle: from the iterator at first, then (from position 0 on) from what was saved."""
    iterator, saved, position = state
    if position < 0:
        try:
            item = next(iterator)
        except StopIteration:
            state[0] = None
            state[2] = position = 0
        else:
            saved.append(item)
            return item
    if not saved:
        raise StopIteration
    state[2] = (position + 1) % len(saved)
    return saved[position]


def chain(iterables: tuple[Iterable[Any], ...], /) -> Any:
    """`itertools.chain(*iterables)`."""
    return made(chain_next, [iter(iterables), None])


def chain_from_iterable(iterables: Iterable[Iterable[Any]], /) -> Any:
    """`itertools.chain.from_iterable(iterables)`."""
    return made(chain_next, [iter(iterables), None])


def chain_next(state: list[Any], /) -> Any:
    """`next` of a chain."""
    iterables, active = state
    while iterables is not None:
        if active is None:
            state[0] = None
            state[1] = active = iter(next(iterables))
            state[0] = iterables
        try:
            return next(active)
        except StopIteration:
            state[1] = active = None
    raise StopIteration


def accumulate(iterable: Iterable[Any], function: Callable[[Any, Any], Any] | None, initial: Any, /) -> Any:
    """`itertools.accumulate(iterable, function, initial=initial)`."""
    return made(accumulate_next, [iter(iterable), function, initial, False, None])


def accumulate_next(state: list[Any], /) -> Any:
    """`next` of an accumulate."""
    iterator, function, total, begun, reached = state
    if total is not None:
        state[2] = None
    else:
        total = next(iterator)
        if begun:
            total = reached + total if function is None else function(reached, total)
    state[3] = True
    state[4] = total
    return total


def starmap(function: Callable[..., Any], iterable: Iterable[Iterable[Any]], /) -> Any:
    """`itertools.starmap(function, iterable)`."""
    return made(starmap_next, [function, iter(iterable)])


def starmap_next(state: list[Any], /) -> Any:
    """`next` of a starmap."""
    function, iterator = state
    return function(*tuple(next(iterator)))


def takewhile(function: Callable[[Any], Any], iterable: Iterable[Any], /) -> Any:
    """`itertools.takewhile(function, iterable)`."""
    return made(takewhile_next, [function, iter(iterable), False])


def takewhile_next(state: list[Any], /) -> Any:
    """`next` of a takewhile."""
    function, iterator, ended = state
    if not ended:
        item = next(iterator)
        if function(item):
            return item
        state[2] = True
    raise StopIteration


def dropwhile(function: Callable[[Any], Any], iterable: Iterable[Any], /) -> Any:
    """`itertools.dropwhile(function, iterable)`."""
    return made(dropwhile_next, [function, iter(iterable), False])


def dropwhile_next(state: list[Any], /) -> Any:
    """`next` of a dropwhile."""
    function, iterator, begun = state
    while True:
        item = next(iterator)
        if begun:
            return item
        if not function(item):
            state[2] = True
            return item


def filterfalse(function: Callable[[Any], Any] | None, iterable: Iterable[Any], /) -> Any:
    """`itertools.filterfalse(function, iterable)`."""
    return made(filterfalse_next, [function, iter(iterable)])


def filterfalse_next(state: list[Any], /) -> Any:
    """`next` of a filterfalse."""
    function, iterator = state
    while True:
        item = next(iterator)
        if not (item if function is None or function is bool else function(item)):
            return item


def compress(data: Iterable[Any], selectors: Iterable[Any], /) -> Any:
    """`itertools.compress(data, selectors)`."""
    return made(compress_next, [iter(data), iter(selectors)])


def compress_next(state: list[Any], /) -> Any:
    """`next` of a compress."""
    data, selectors = state
    while True:
        item = next(data)
        if next(selectors):
            return item


def pairwise(iterable: Iterable[Any], /) -> Any:
    """`itertools.pairwise(iterable)`."""
    return made(pairwise_next, [iter(iterable), False, None])


def pairwise_next(state: list[Any], /) -> tuple[Any, Any]:
    """`next` of a pairwise; it has ended when its iterator is None."""
    iterator, begun, previous = state
    if iterator is None:
        raise StopIteration
    state[0] = state[2] = None
    if not begun:
        previous = next(iterator)
    item = next(iterator)
    state[0] = iterator
    state[1] = True
    state[2] = item
    return previous, item


def batched(iterable: Iterable[Any], n: Any, strict: Any, /) -> Any:
    """`itertools.batched(iterable, n, strict=strict)`; an `n` that is left out is `NotImplemented`."""
    if n is NotImplemented:
        raise TypeError("batched() missing required argument 'n' (pos 2)")
    strictly = bool(strict)
    number = operator.index(n)
    if number < 1:
        raise ValueError("n must be at least one")
    return made(batched_next, [iter(iterable), number, strictly])


def batched_loosely(iterable: Iterable[Any], n: Any, /) -> Any:
    """`itertools.batched(iterable, n)`, as it was before it could be strict."""
    return batched(iterable, n, False)


def batched_next(state: list[Any], /) -> tuple[Any, ...]:
    """`next` of a batched; it has ended when its iterator is None."""
    iterator, number, strict = state
    if iterator is None:
        raise StopIteration
    state[0] = None
    batch: list[Any] = []
    while len(batch) < number:
        try:
            batch.append(next(iterator))
        except StopIteration:
            break
    if len(batch) == number:
        state[0] = iterator
    elif not batch:
        raise StopIteration
    elif strict:
        raise ValueError("batched(): incomplete batch")
    return tuple(batch)


def _bound(value: Any) -> int:
    """An index that `islice` takes, or -1."""
    if not isinstance(value, int):
        try:
            value = operator.index(value)
        except Exception:  # noqa: BLE001 - islice has an error of its own for any
            return -1
    return value if 0 <= value <= sys.maxsize else -1


def islice(iterable: Iterable[Any], start: Any, stop: Any, step: Any, /) -> Any:
    """`itertools.islice(iterable, start, stop, step)`."""
    first = 0 if start is None else _bound(start)
    if stop is not None:
        stop = _bound(stop)
        if stop < 0:
            raise ValueError("Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    if first < 0:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    by = 1 if step is None else _bound(step)
    if by < 1:
        raise ValueError("Step for islice() must be a positive integer or None.")
    return made(islice_next, [iter(iterable), first, stop, by, 0])


def islice_stop(iterable: Iterable[Any], stop: Any, /) -> Any:
    """`itertools.islice(iterable, stop)`."""
    return islice(iterable, None, stop, None)


def islice_next(state: list[Any], /) -> Any:
    """`next` of an islice: skips up to the next index; it has ended when its iterator is None."""
    iterator, wanted, stop, step, position = state
    if iterator is None:
        raise StopIteration
    state[0] = None
    while position < wanted:
        next(iterator)
        position += 1
    if stop is not None and position >= stop:
        raise StopIteration
    item = next(iterator)
    following = wanted + step
    state[0] = iterator
    state[1] = following if stop is None or following <= stop else stop
    state[4] = position + 1
    return item


def zip_longest(iterables: tuple[Iterable[Any], ...], fill: Any, /) -> Any:
    """`itertools.zip_longest(*iterables, fillvalue=fill)`."""
    iterators = []
    for iterable in iterables:
        iterators.append(iter(iterable))  # noqa: PERF401 - a comprehension has a frame of its own
    return made(zip_longest_next, [iterators, fill, len(iterators)])


def zip_longest_next(state: list[Any], /) -> tuple[Any, ...]:
    """`next` of a zip_longest: exhausted iterators are None, and so many are active."""
    iterators, fill, active = state
    if not active:
        raise StopIteration
    items = []
    state[2] = 0
    for position in range(len(iterators)):
        iterator = iterators[position]
        item = fill
        if iterator is not None:
            try:
                item = next(iterator)
            except StopIteration:
                active -= 1
                if not active:
                    raise
                iterators[position] = None
        items.append(item)
    state[2] = active
    return tuple(items)


def selected(cls: Any, pools: tuple[tuple[Any, ...], ...], number: Any, /) -> Any:
    """`product`, `permutations` or the like of these pools; the domain knows a rule for this function."""
    return cls(*pools, repeat=number) if cls is itertools.product else cls(pools[0], number)


def product(iterables: tuple[Iterable[Any], ...], repeat: Any, /) -> Any:
    """`itertools.product(*iterables, repeat=repeat)`."""
    times = operator.index(repeat)
    if times < 0:
        raise ValueError("repeat argument cannot be negative")
    pools = []
    for iterable in iterables if times else ():
        pools.append(tuple(iterable))  # noqa: PERF401 - a comprehension has a frame of its own
    return selected(itertools.product, tuple(pools), times)


def combinations(iterable: Iterable[Any], length: Any, /) -> Any:
    """`itertools.combinations(iterable, length)`."""
    number = operator.index(length)
    return selected(itertools.combinations, (tuple(iterable),), number)


def combinations_with_replacement(iterable: Iterable[Any], length: Any, /) -> Any:
    """`itertools.combinations_with_replacement(iterable, length)`."""
    number = operator.index(length)
    return selected(itertools.combinations_with_replacement, (tuple(iterable),), number)


def permutations(iterable: Iterable[Any], length: Any, /) -> Any:
    """`itertools.permutations(iterable, length)`."""
    return selected(itertools.permutations, (tuple(iterable),), length)


def state_of(iterator: Any, /) -> list[Any]:
    """The state of an iterator that was made here; the domain knows a rule for this function."""
    return iterator.state  # type: ignore[no-any-return]


def tee(iterable: Iterable[Any], number: Any, /) -> tuple[Any, ...]:
    """`itertools.tee(iterable, number)`: the iterators share what they are made of, a list of iterator and items."""
    times = operator.index(number)
    if times < 0:
        raise ValueError("n must be >= 0")
    made_ones: list[Any] = []
    if times:
        iterator = iter(iterable)
        copy = getattr(iterator, "__copy__", None)
        first = made(tee_next, [[iterator, []], 0]) if copy is None else iterator
        while len(made_ones) < times:
            made_ones.append(first if not made_ones else tee_copy(first) if copy is None else copy())
    return tuple(made_ones)


def tee_copy(one: Any, /) -> Any:
    """`copy.copy(one)` of an iterator that `tee` made."""
    shared, position = state_of(one)
    return made(tee_next, [shared, position])


def tee_next(state: list[Any], /) -> Any:
    """`next` of one of the iterators that `tee` makes."""
    (iterator, items), position = state
    if position == len(items):
        items.append(next(iterator))
    state[1] = position + 1
    return items[position]


def groupby(iterable: Iterable[Any], key: Callable[[Any], Any] | None, /) -> Any:
    """`itertools.groupby(iterable, key)`.

    The state: the iterator; the key function; the key of the group that was given last, if any, in a list; the key and
    the item that were taken last, each if there is one, in a list; whether both keys are equal; the group given last.
    """
    return made(groupby_next, [iter(iterable), key, [], [], [], False, None])


def _take(state: list[Any]) -> None:
    iterator, key = state[0], state[1]
    item = next(iterator)
    found = item if key is None else key(item)
    state[4] = [item]
    state[3] = [found]


def groupby_next(state: list[Any], /) -> tuple[Any, Any]:
    """`next` of a groupby: skips what is left of the group before."""
    state[6] = None
    while True:
        target, reached = state[2], state[3]
        if reached:
            if not target:
                break
            state[5] = same = target[0] is reached[0] or bool(target[0] == reached[0])
            if not same:
                break
        _take(state)
    state[2] = reached
    state[5] = True
    state[6] = token = [None]
    return reached[0], made(group_next, [state, reached, token])


def group_next(state: list[Any], /) -> Any:
    """`next` of a group."""
    parent, target, token = state
    if parent[6] is not token:
        raise StopIteration
    if not parent[4]:
        _take(parent)
        parent[5] = False
    reached = parent[3]
    parent[5] = same = target[0] is reached[0] or bool(target[0] == reached[0])
    if not same:
        raise StopIteration
    item = parent[4][0]
    parent[4] = []
    return item
