"""What operations of built-in classes give for instances of their subclasses, in type and in content."""

from collections import OrderedDict, defaultdict, deque

import pytest
import torch

import framelift


class Ordered(OrderedDict):
    pass


class Default(defaultdict):
    pass


class Queue(deque):
    pass


class Frozen(frozenset):
    pass


class Pair(tuple):
    __slots__ = ()


class Numbered(enumerate):
    pass


def copies(x):
    ordered, default, queue, frozen = Ordered(a=1), Default(int, a=1), Queue([1], 3), Frozen([1])
    return [
        ordered.copy(),
        ordered | {},
        default.copy(),
        default | {},
        queue.copy(),
        queue + queue,
        queue * 2,
        frozen.copy(),
    ]


def plain_ones(x):
    pair = Pair((1, 2))
    return [pair * 1, pair[:], pair + pair, Frozen([1]) | {2}]


def iterators(x):
    ordered = OrderedDict(a=1, b=2)
    found = [iter(ordered), iter(ordered.values()), iter(ordered.items()), reversed(ordered), reversed(ordered.items())]
    next(found[0])
    ended = iter(ordered)
    return [*found, ended] if list(ended) else []


def numbered(x):
    made = Numbered("ab")
    return [next(made), made]


def carried(x):
    iterator = iter(OrderedDict(a=1, b=2))
    first = next(iterator)
    framelift.graph_break()
    return [first, iterator]


def seen(items):
    return [(type(item).__name__, item if not hasattr(item, "__next__") else list(item)) for item in items]


@pytest.mark.parametrize("program", [copies, plain_ones, iterators, numbered, carried], ids=lambda one: one.__name__)
def test_types(program):
    assert seen(framelift.compile(program, backend="eager")(torch.ones(1))) == seen(program(torch.ones(1)))


def test_texts_of_views_that_hold_themselves():
    def program(x):
        one, other = {}, {}
        one[1], other[2] = one.values(), other.items()
        return repr(one), repr(other)

    assert framelift.compile(program, backend="eager")(torch.ones(1)) == program(torch.ones(1))
