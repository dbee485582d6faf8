"""What captured code does to objects that existed before is done, once, in order, and aliases stay aliases."""

from __future__ import annotations

import pytest
import torch
from differential import check

import framelift
from framelift.testing import CompileCounter

COUNTER = 0
STATE = {"calls": 0}


class Holder:
    def __init__(self):
        self.value = None
        self.log = []


def test_attributes_of_an_argument():
    def f(h, x):
        h.value = x + 1
        h.other = h.value
        del h.log
        return h.value is h.other

    eager, lifted = Holder(), Holder()
    x = torch.ones(2)
    g = framelift.compile(f, backend="eager")
    for _ in range(2):
        eager.log, lifted.log = [], []
        assert f(eager, x) == g(lifted, x)
        assert list(vars(eager)) == list(vars(lifted))
        assert lifted.value is lifted.other


def test_contents_of_lists_dicts_and_sets():
    def f(items, table, names, x):
        items.append(x + 1)
        items[0] = items[-1]
        table["new"] = x
        table.pop("old")
        names.add("b")
        return len(items)

    check(f, [1, 2], {"old": 1, "kept": 2}, {"a"}, torch.ones(2))


def test_a_mutated_argument_is_the_same_object():
    def f(items, x):
        items.append(x * 2)
        return items

    items = []
    assert framelift.compile(f, backend="eager")(items, torch.ones(2)) is items
    assert len(items) == 1


def test_aliases_stay_aliases():
    def f(x):
        a = [x + 1]
        return a, a, {"again": a}

    first, second, third = framelift.compile(f, backend="eager")(torch.ones(2))
    assert first is second is third["again"]


def test_globals():
    def f(x):
        global COUNTER
        COUNTER = COUNTER + 1
        STATE["calls"] += 1
        return x + COUNTER

    global COUNTER
    g = framelift.compile(f, backend="eager")
    COUNTER, STATE["calls"] = 0, 0
    assert g(torch.zeros(1)).item() == 1
    assert g(torch.zeros(1)).item() == 2
    assert (COUNTER, STATE["calls"]) == (2, 2)


def test_cells_that_existed_before():
    total = 0

    def f(x):
        nonlocal total
        total += 1
        return x + total

    g = framelift.compile(f, backend="eager")
    assert [g(torch.zeros(1)).item() for _ in range(3)] == [1, 2, 3]
    assert total == 3


def test_in_place_operations_reach_the_argument():
    def f(x, y):
        x.add_(1)
        x += y
        y[0] = 7
        return x * 2

    check(f, torch.ones(3), torch.arange(3.0))


def test_swapped_attributes():
    def f(h):
        h.value, h.log = h.log, h.value
        return h

    h = Holder()
    log = h.log
    framelift.compile(f, backend="eager")(h)
    assert h.value is log
    assert h.log is None


def test_an_object_made_inside_and_stored_outside():
    def f(h, x):
        inner = Holder()
        inner.value = x + 1
        inner.log.append(inner)
        h.value = inner
        return inner

    h = Holder()
    inner = framelift.compile(f, backend="eager")(h, torch.ones(2))
    assert h.value is inner
    assert inner.log[0] is inner


def test_changed_state_is_seen_by_the_next_call():
    class Config:
        scale = 2

    config = Config()

    def f(x):
        return x * config.scale

    counter = CompileCounter()
    g = framelift.compile(f, backend=counter)
    x = torch.ones(2)
    assert g(x)[0] == 2
    config.scale = 5
    assert g(x)[0] == 5
    Config.scale = 7
    del config.scale
    assert g(x)[0] == 7
    assert counter.frame_count == 3


def loops_over_what_it_appended_to(x, items):
    items.append(x)
    for item in items:
        x = x + item
        print("a break")
        if len(items) < 3:
            items.append(x)
    return x, items


def goes_on_with_an_iterator(x, items):
    items += [x, x * 2]
    forward, backward = iter(items), reversed(items)
    next(forward), next(backward)
    print("a break")
    return list(forward), list(backward)


def whose_list_became_shorter(x, items):
    items += [x, x, x]
    iterator = iter(items)
    next(iterator), next(iterator)
    items.clear()
    print("a break")
    items.append(x)
    return list(iterator)


@pytest.mark.parametrize(
    "program", [loops_over_what_it_appended_to, goes_on_with_an_iterator, whose_list_became_shorter]
)
def test_iterators_of_lists_that_changed_before_a_break(program):
    lifted = framelift.compile(program, backend="eager")
    for _ in range(2):
        expected, found = program(torch.ones(2), []), lifted(torch.ones(2), [])
        assert framelift.testing.same(found, expected)
