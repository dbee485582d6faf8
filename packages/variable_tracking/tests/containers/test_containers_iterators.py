"""Ranges, slices and iterators: the captured form does what plain Python does."""

from __future__ import annotations

import pytest
from container_lifting import agree, lift


def ranges(n):
    r = range(n)
    return list(r), len(r), r[1], r[-1], r[::2], 2 in r, r.index(3), list(reversed(r)), r == range(0, n, 1), r.stop


def range_errors(n):
    return range(n)[99]


def zero_step(n):
    return range(0, n, 0)


def float_range(n):
    return range(1.5)


def slices(n):
    s = slice(1, n, 2)
    return s.start, s.stop, s.step, s.indices(4), [0, 1, 2, 3, 4][s], "abcde"[s], s == slice(1, n, 2)


def advanced(n):
    it = iter([1, 2, 3])
    first = next(it)
    rest = list(it)
    return first, rest, next(it, "done")


def exhausted(n):
    it = iter([])
    return next(it)


def strings(n):
    it = iter("abc")
    next(it)
    return "".join(it), [*"xy"], list(enumerate("ab", 1)), dict(zip("ab", range(n)))


@pytest.mark.parametrize(
    "function", [ranges, range_errors, zero_step, float_range, slices, advanced, exhausted, strings]
)
def test_iteration(function):
    agree(function, 5)


def returns_list_iterator(xs):
    it = iter(xs)
    next(it)
    return it


def returns_tuple_iterator(xs):
    it = iter(tuple(xs))
    next(it)
    return it


def returns_range_iterator(xs):
    it = iter(range(10))
    next(it)
    next(it)
    return it


def returns_reversed(xs):
    it = reversed(xs)
    next(it)
    return it


def returns_dict_iterator(xs):
    it = iter(dict.fromkeys(xs).items())
    next(it)
    return it


def returns_exhausted(xs):
    it = iter(xs)
    list(it)
    return it


@pytest.mark.parametrize(
    "function",
    [
        returns_list_iterator,
        returns_tuple_iterator,
        returns_range_iterator,
        returns_reversed,
        returns_dict_iterator,
        returns_exhausted,
    ],
)
def test_an_iterator_goes_on_where_it_was(function):
    xs = [1, 2, 3]
    made, expected = lift(function, xs).run(xs), function(xs)
    assert type(made) is type(expected)
    assert list(made) == list(expected)


def take_two(it):
    return next(it) + next(it)


@pytest.mark.parametrize(
    "make",
    [
        lambda: iter([1, 2, 3]),
        lambda: iter((1, 2, 3)),
        lambda: iter(range(3)),
        lambda: iter("abc"),
        lambda: iter(b"abc"),
    ],
)
@pytest.mark.parametrize("skip", [0, 1])
def test_an_existing_iterator_is_advanced(make, skip):
    native, other = make(), make()
    for _ in range(skip):
        next(native), next(other)
    lifted = lift(take_two, other)
    assert lifted.run(other) == take_two(native)
    assert list(other) == list(native)


def drain(it):
    return list(it)


def test_an_existing_iterator_is_exhausted():
    it = iter([1, 2])
    lifted = lift(drain, it)
    assert lifted.run(it) == [1, 2]
    assert list(it) == []
