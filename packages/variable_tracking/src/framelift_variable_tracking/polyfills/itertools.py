"""`itertools` as generators (Modules/itertoolsmodule.c; the documentation gives most as equivalent Python).

Each takes its arguments as the rules bind them. Functions that do part of the work at the call have a generator inside.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__framelift_hidden__ = True


def count(start: Any, step: Any, /) -> Iterator[Any]:
    """`itertools.count(start, step)`."""
    number = start
    while True:
        yield number
        number = number + step


def _cycle(iterator: Iterator[Any]) -> Iterator[Any]:
    saved = []
    for item in iterator:
        yield item
        saved.append(item)
    while saved:
        yield from saved


def cycle(iterable: Iterable[Any], /) -> Iterator[Any]:
    """`itertools.cycle(iterable)`."""
    return _cycle(iter(iterable))


def chain(iterables: tuple[Iterable[Any], ...], /) -> Iterator[Any]:
    """`itertools.chain(*iterables)`, and `chain.from_iterable(iterables)`."""
    for iterable in iterables:
        for item in iterable:  # noqa: UP028 - `yield from` would hand sent values on
            yield item


def _chained(iterator: Iterator[Iterable[Any]]) -> Iterator[Any]:
    for iterable in iterator:
        for item in iterable:  # noqa: UP028 - `yield from` would hand sent values on
            yield item


def chain_from_iterable(iterables: Iterable[Iterable[Any]], /) -> Iterator[Any]:
    """`itertools.chain.from_iterable(iterables)`."""
    return _chained(iter(iterables))


def _accumulate(iterator: Iterator[Any], function: Callable[[Any, Any], Any] | None, initial: Any) -> Iterator[Any]:
    total = initial
    if total is None:
        try:
            total = next(iterator)
        except StopIteration:
            return
    yield total
    for item in iterator:
        total = total + item if function is None else function(total, item)
        yield total


def accumulate(iterable: Iterable[Any], function: Callable[[Any, Any], Any] | None, initial: Any, /) -> Iterator[Any]:
    """`itertools.accumulate(iterable, function, initial=initial)`."""
    return _accumulate(iter(iterable), function, initial)


def _starmap(function: Callable[..., Any], iterator: Iterator[Iterable[Any]]) -> Iterator[Any]:
    for arguments in iterator:
        yield function(*arguments)


def starmap(function: Callable[..., Any], iterable: Iterable[Iterable[Any]], /) -> Iterator[Any]:
    """`itertools.starmap(function, iterable)`."""
    return _starmap(function, iter(iterable))


def _takewhile(function: Callable[[Any], Any], iterator: Iterator[Any]) -> Iterator[Any]:
    for item in iterator:
        if not function(item):
            return
        yield item


def takewhile(function: Callable[[Any], Any], iterable: Iterable[Any], /) -> Iterator[Any]:
    """`itertools.takewhile(function, iterable)`."""
    return _takewhile(function, iter(iterable))


def _dropwhile(function: Callable[[Any], Any], iterator: Iterator[Any]) -> Iterator[Any]:
    for item in iterator:
        if not function(item):
            yield item
            break
    for item in iterator:
        yield item


def dropwhile(function: Callable[[Any], Any], iterable: Iterable[Any], /) -> Iterator[Any]:
    """`itertools.dropwhile(function, iterable)`."""
    return _dropwhile(function, iter(iterable))


def _filterfalse(function: Callable[[Any], Any] | None, iterator: Iterator[Any]) -> Iterator[Any]:
    for item in iterator:
        if not (item if function is None or function is bool else function(item)):
            yield item


def filterfalse(function: Callable[[Any], Any] | None, iterable: Iterable[Any], /) -> Iterator[Any]:
    """`itertools.filterfalse(function, iterable)`."""
    return _filterfalse(function, iter(iterable))


def _compress(data: Iterator[Any], selectors: Iterator[Any]) -> Iterator[Any]:
    for item in data:
        try:
            chosen = next(selectors)
        except StopIteration:
            return
        if chosen:
            yield item


def compress(data: Iterable[Any], selectors: Iterable[Any], /) -> Iterator[Any]:
    """`itertools.compress(data, selectors)`."""
    return _compress(iter(data), iter(selectors))


def _pairwise(iterator: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    try:
        previous = next(iterator)
    except StopIteration:
        return
    for item in iterator:
        yield previous, item
        previous = item


def pairwise(iterable: Iterable[Any], /) -> Iterator[tuple[Any, Any]]:
    """`itertools.pairwise(iterable)`."""
    return _pairwise(iter(iterable))


def _batched(iterator: Iterator[Any], number: int, strict: bool) -> Iterator[tuple[Any, ...]]:
    while True:
        batch = []
        for item in iterator:
            batch.append(item)
            if len(batch) == number:
                break
        if len(batch) < number:
            if batch:
                if strict:
                    raise ValueError("batched(): incomplete batch")
                yield tuple(batch)
            return
        yield tuple(batch)


def batched(iterable: Iterable[Any], n: Any, strict: Any, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.batched(iterable, n, strict=strict)`; an `n` that is left out is `NotImplemented`."""
    if n is NotImplemented:
        raise TypeError("batched() missing required argument 'n' (pos 2)")
    strictly = bool(strict)
    number = operator.index(n)
    if number < 1:
        raise ValueError("n must be at least one")
    return _batched(iter(iterable), number, strictly)


def batched_loosely(iterable: Iterable[Any], n: Any, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.batched(iterable, n)`, as it was before it could be strict."""
    return batched(iterable, n, False)


def _islice(iterator: Iterator[Any], start: int, stop: int | None, step: int) -> Iterator[Any]:
    position = 0
    wanted = start
    # The items before `stop`, and before `start`, are consumed even where none of them is given.
    if stop is not None and stop < start:
        stop = start
    while stop is None or wanted < stop:
        while position <= wanted:
            try:
                item = next(iterator)
            except StopIteration:
                return
            position += 1
        yield item
        wanted += step
    while position < stop:
        try:
            next(iterator)
        except StopIteration:
            return
        position += 1


def islice(iterable: Iterable[Any], start: Any, stop: Any, step: Any, /) -> Iterator[Any]:
    """`itertools.islice(iterable, start, stop, step)`."""
    start = 0 if start is None else start
    step = 1 if step is None else step
    if (stop is not None and not isinstance(stop, int)) or (isinstance(stop, int) and stop < 0):
        raise ValueError("Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    if not isinstance(start, int) or start < 0:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    if not isinstance(step, int) or step < 1:
        raise ValueError("Step for islice() must be a positive integer or None.")
    return _islice(iter(iterable), start, stop, step)


def islice_stop(iterable: Iterable[Any], stop: Any, /) -> Iterator[Any]:
    """`itertools.islice(iterable, stop)`."""
    if (stop is not None and not isinstance(stop, int)) or (isinstance(stop, int) and stop < 0):
        raise ValueError("Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    return _islice(iter(iterable), 0, stop, 1)


def _zip_longest(iterators: list[Any], fill: Any) -> Iterator[tuple[Any, ...]]:
    active = len(iterators)
    while active:
        items = []
        for position in range(len(iterators)):
            iterator = iterators[position]
            item = fill
            if iterator is not None:
                try:
                    item = next(iterator)
                except StopIteration:
                    active -= 1
                    if not active:
                        return
                    iterators[position] = None
            items.append(item)
        yield tuple(items)


def zip_longest(iterables: tuple[Iterable[Any], ...], fill: Any, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.zip_longest(*iterables, fillvalue=fill)`."""
    iterators = []
    for iterable in iterables:
        iterators.append(iter(iterable))  # noqa: PERF401 - a comprehension has a frame of its own
    return _zip_longest(iterators, fill)


def _few(selections: Iterator[Any], total: int) -> Iterator[Any]:
    """Make few selections at once: a list's iterator, unlike a generator, can be made again after a break."""
    return iter(list(selections)) if total <= 100 else selections


def _choices(pools: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    sizes = [len(pool) for pool in pools]
    if 0 in sizes:
        return
    places = [0] * len(pools)
    while True:
        yield tuple([pools[at][places[at]] for at in range(len(pools))])
        position = len(pools) - 1
        while position >= 0:
            places[position] += 1
            if places[position] < sizes[position]:
                break
            places[position] = 0
            position -= 1
        if position < 0:
            return


def product(iterables: tuple[Iterable[Any], ...], repeat: int, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.product(*iterables, repeat=repeat)`."""
    if repeat < 0:
        raise ValueError("repeat argument cannot be negative")
    pools = [tuple(iterable) for iterable in iterables] * repeat
    total = 1
    for pool in pools:
        total *= len(pool)
    return _few(_choices(pools), total)


def _selections(
    pool: tuple[Any, ...], length: int, follows: Callable[[list[int], int], bool]
) -> Iterator[tuple[Any, ...]]:
    """Yield the selections of `length` indices in ascending order; `follows` says which index may come next."""
    chosen: list[int] = []
    candidate = 0
    while True:
        if len(chosen) == length:
            yield tuple([pool[at] for at in chosen])
        elif candidate < len(pool):
            if follows(chosen, candidate):
                chosen.append(candidate)
                candidate = 0
            else:
                candidate += 1
            continue
        if not chosen:
            return
        candidate = chosen.pop() + 1


def _increasing(chosen: list[int], candidate: int) -> bool:
    return not chosen or candidate > chosen[-1]


def _not_decreasing(chosen: list[int], candidate: int) -> bool:
    return not chosen or candidate >= chosen[-1]


def _distinct(chosen: list[int], candidate: int) -> bool:
    return candidate not in chosen


def combinations(iterable: Iterable[Any], length: int, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.combinations(iterable, length)`."""
    pool = tuple(iterable)
    if length < 0:
        raise ValueError("r must be non-negative")
    return _few(_selections(pool, length, _increasing), math.comb(len(pool), length))


def combinations_with_replacement(iterable: Iterable[Any], length: int, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.combinations_with_replacement(iterable, length)`."""
    pool = tuple(iterable)
    if length < 0:
        raise ValueError("r must be non-negative")
    return _few(_selections(pool, length, _not_decreasing), math.comb(len(pool) + length, length))


def permutations(iterable: Iterable[Any], length: int | None, /) -> Iterator[tuple[Any, ...]]:
    """`itertools.permutations(iterable, length)`."""
    pool = tuple(iterable)
    if length is None:
        length = len(pool)
    if not isinstance(length, int):
        raise TypeError("Expected int as r")
    if length < 0:
        raise ValueError("r must be non-negative")
    return _few(_selections(pool, length, _distinct), math.perm(len(pool), length))
