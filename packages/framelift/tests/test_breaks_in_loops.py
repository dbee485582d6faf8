"""A break in a loop over what the program made: the iterator goes on where it was."""

from __future__ import annotations

import collections

import pytest
import torch
from differential import check

import framelift

MAKERS = {
    "dict": lambda x: {(1, 2): x, (3, 4): x + 1, (5, 6): x + 2},
    "keys": lambda x: {(1, 2): x, (3, 4): x + 1}.keys(),
    "values": lambda x: {(1, 2): x, (3, 4): x + 1}.values(),
    "items": lambda x: {(1, 2): [x], (3, 4): [x + 1], (5, 6): [x]}.items(),
    "reversed dict": lambda x: reversed({(1, 2): x, (3, 4): x + 1, (5, 6): x}),
    "reversed items": lambda x: reversed({(1, 2): x, (3, 4): x + 1}.items()),
    "set": lambda x: {(1, 2), (3, 4), (5, 6)},
    "frozenset": lambda x: frozenset([(1, 2), (3, 4)]),
    "list": lambda x: [x, x + 1, x + 2],
    "reversed list": lambda x: reversed([x, x + 1, x + 2]),
    "tuple": lambda x: (x, x + 1, x + 2),
    "range": lambda x: range(3),
    "string": lambda x: "abc",
    "deque": lambda x: collections.deque([x, x + 1, x + 2]),
    "ordered dict": lambda x: collections.OrderedDict([((1, 2), x), ((3, 4), x + 1)]).items(),
    "default dict": lambda x: collections.defaultdict(list, {(1, 2): [x], (3, 4): [x + 1]}).items(),
    "counter": lambda x: collections.Counter("abca").items(),
    "zip": lambda x: zip({(1, 2): x, (3, 4): x + 1}, [x, x + 1], strict=True),
    "enumerate": lambda x: enumerate({(1, 2): x, (3, 4): x + 1}.items()),
    "map": lambda x: map(lambda y: (y,), {(1, 2): x, (3, 4): x + 1}.values()),
    "generator": lambda x: (y for y in {(1, 2): x, (3, 4): x + 1}.items()),
}


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("where", ["at once", "later"])
def test_a_break_in_a_loop(kind, where):
    make = MAKERS[kind]

    def f(x):
        out = []
        for number, item in enumerate(make(x.sin())):
            if where == "at once" or number:
                framelift.graph_break()
            out.append(item)
        return out

    check(f, torch.ones(2), graphs=None)


@pytest.mark.parametrize("kind", MAKERS)
def test_two_iterators_and_what_they_iterate(kind):
    make = MAKERS[kind]

    def f(x):
        made = make(x.sin())
        if type(made) is set:
            made = sorted(made)
        first, second = iter(made), iter(made)
        held = [next(first), made is first]
        framelift.graph_break()
        held.append(next(second))
        return held, list(first), list(second)

    check(f, torch.ones(2), graphs=None)


def test_a_dict_that_holds_an_iterator_of_itself():
    def f(x):
        made = {"a": x, "b": x + 1}
        iterator = iter(made.items())
        next(iterator)
        made["a"] = iterator
        framelift.graph_break()
        return [name for name, _ in iterator], list(made)

    check(f, torch.ones(2), graphs=None)


def _each_pass(x, count):
    seen = []
    for number in range(count):
        x = x + number
        framelift.graph_break()
        seen.append(number)
    return x, seen


def _until(x, count):
    for number in range(count):
        framelift.graph_break()
        if number == count - 3:
            break
        x = x * number
    else:
        x = x - 1
    return x


def _several_numbers(x, count):
    numbers, seen = iter(range(count)), []
    for number in numbers:
        framelift.graph_break()
        x = x + number
        if number % 3 == 1:
            seen.append((next(numbers, None), numbers.__length_hint__()))
        if number == 9:
            seen += list(numbers)
    return x, seen, next(numbers, "end")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 20])
@pytest.mark.parametrize("function", [_each_pass, _until, _several_numbers])
def test_one_capture_stands_for_all_passes_of_a_loop_over_a_range(function, count):
    lifted = check(function, torch.ones(2), count, graphs=None)
    assert len(lifted.framelift.specialisations) <= (7 if function is _several_numbers else 4)
