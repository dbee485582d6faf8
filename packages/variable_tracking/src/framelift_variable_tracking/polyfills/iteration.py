"""Built-in functions that iterate and call back (Python/bltinmodule.c), in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__framelift_hidden__ = True


def all_(iterable: Iterable[Any], /) -> bool:
    """`all(iterable)`, as builtin_all."""
    for item in iterable:  # noqa: SIM110 - this is what the function stands for
        if not item:
            return False
    return True


def any_(iterable: Iterable[Any], /) -> bool:
    """`any(iterable)`, as builtin_any."""
    for item in iterable:  # noqa: SIM110 - this is what the function stands for
        if item:
            return True
    return False


def sum_(iterable: Iterable[Any], start: Any, /) -> Any:
    """`sum(iterable, start)`, as builtin_sum_impl."""
    iterator = iter(iterable)
    if isinstance(start, str):
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    if isinstance(start, bytes):
        raise TypeError("sum() can't sum bytes [use b''.join(seq) instead]")
    if isinstance(start, bytearray):
        raise TypeError("sum() can't sum bytearray [use b''.join(seq) instead]")
    total = start
    for item in iterator:
        total = total + item
    return total


def sum_of_iterator(iterable: Iterable[Any], start: Any, /) -> Any:
    """`sum(iterable, start)` of numbers that come one by one; what comes after another value is added to that.

    Numbers in a row are not added in Python: since CPython 3.12, floats are added with compensation.
    """
    iterator = iter(iterable)
    numbers: list[Any] = []
    for item in iterator:
        if type(item) not in (float, int, bool):
            return sum_(iterator, sum(numbers, start) + item)
        numbers.append(item)
    return sum(numbers, start)


def next_(iterator: Iterator[Any], default: Any, /) -> Any:
    """`next(iterator, default)`, as builtin_next."""
    try:
        return next(iterator)
    except StopIteration:
        return default


def min_(iterable: Iterable[Any], key: Callable[[Any], Any] | None, /) -> Any:
    """`min(iterable, key=key)`, as min_max."""
    found = False
    best = best_key = None
    for item in iterable:
        value = item if key is None else key(item)
        if not found or value < best_key:
            best = item
            best_key = value
            found = True
    return best if found else min([])  # which raises, in the words of this version


def max_(iterable: Iterable[Any], key: Callable[[Any], Any] | None, /) -> Any:
    """`max(iterable, key=key)`, as min_max."""
    found = False
    best = best_key = None
    for item in iterable:
        value = item if key is None else key(item)
        if not found or value > best_key:
            best = item
            best_key = value
            found = True
    return best if found else max([])  # which raises, in the words of this version


def min_or(iterable: Iterable[Any], key: Callable[[Any], Any] | None, default: Any, /) -> Any:
    """`min(iterable, key=key, default=default)`."""
    items = list(iterable)
    return min_(items, key) if items else default


def max_or(iterable: Iterable[Any], key: Callable[[Any], Any] | None, default: Any, /) -> Any:
    """`max(iterable, key=key, default=default)`."""
    items = list(iterable)
    return max_(items, key) if items else default


def sorted_(iterable: Iterable[Any], key: Callable[[Any], Any] | None, reverse: Any, /) -> list[Any]:
    """`sorted(iterable, key=key, reverse=reverse)`, as builtin_sorted."""
    result = list(iterable)
    result.sort(key=key, reverse=reverse)
    return result


def zip_next(iterators: tuple[Iterator[Any], ...], /) -> tuple[Any, ...]:
    """`next(zip(*iterators))`, as zip_next; StopIteration passes through."""
    items = []
    for iterator in iterators:
        items.append(next(iterator))  # noqa: PERF401 - StopIteration must pass
    return tuple(items)


def zip_next_strict(iterators: tuple[Iterator[Any], ...], /) -> tuple[Any, ...]:
    """`next(zip(*iterators, strict=True))`, as zip_next."""
    items = []
    for position, iterator in enumerate(iterators):
        try:
            items.append(next(iterator))
        except StopIteration:
            if position:
                plural = " " if position == 1 else "s 1-"
                message = f"zip() argument {position + 1} is shorter than argument{plural}{position}"
                raise ValueError(message) from None
            break
    else:
        return tuple(items)
    for position in range(1, len(iterators)):
        try:
            next(iterators[position])
        except StopIteration:
            continue
        plural = " " if position == 1 else "s 1-"
        raise ValueError(f"zip() argument {position + 1} is longer than argument{plural}{position}")
    raise StopIteration


def map_next(function: Callable[..., Any], iterators: tuple[Iterator[Any], ...], /) -> Any:
    """`next(map(function, *iterators))`, as map_next."""
    items = []
    for iterator in iterators:
        items.append(next(iterator))  # noqa: PERF401 - StopIteration must pass
    return function(*items)


def filter_next(function: Callable[[Any], Any] | None, iterator: Iterator[Any], /) -> Any:
    """`next(filter(function, iterator))`, as filter_next."""
    while True:
        item = next(iterator)
        if item if function is None or function is bool else function(item):
            return item


def iterators_of(iterables: tuple[Iterable[Any], ...], /) -> tuple[Iterator[Any], ...]:
    """`iter` of each argument."""
    items = []
    for iterable in iterables:
        items.append(iter(iterable))  # noqa: PERF401 - a comprehension has a frame of its own
    return tuple(items)


def enumerate_next(iterator: Iterator[Any], number: int, /) -> tuple[int, Any]:
    """`next(enumerate(iterator, number))`, as enum_next."""
    return (number, next(iterator))


def combined(cls: Any, function: Any, iterators: tuple[Iterator[Any], ...], strict: bool, /) -> Any:
    """`cls` of these iterators as they are; the domain knows a rule for this function."""
    if cls is zip:
        return zip(*iterators, strict=strict)
    return cls(function, *iterators)


def combine(cls: Any, function: Any, iterables: tuple[Iterable[Any], ...], strict: bool, /) -> Any:
    """`zip(*iterables)`, `map(function, *iterables)` or `filter(function, *iterables)`."""
    return combined(cls, function, iterators_of(iterables), strict)


def enumerated(iterator: Iterator[Any], number: int, /) -> Any:
    """`enumerate` of an iterator as it is; the domain knows a rule for this function."""
    return enumerate(iterator, number)


def enumerate_(iterable: Iterable[Any], number: int, /) -> Any:
    """`enumerate(iterable, number)`."""
    return enumerated(iter(iterable), number)
