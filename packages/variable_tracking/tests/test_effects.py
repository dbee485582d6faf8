"""Mutations of what existed before are replayed in order; aliases stay aliases."""

from __future__ import annotations

import types

import pytest
from comparison import check
from driver import lift

from framelift_variable_tracking import ConstantVariable, EffectLog, Variable
from framelift_variable_tracking.effects import DeleteAttribute, SetAttribute


class Box:
    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)


class Slots:
    __slots__ = ("a", "b")


def slots(a):
    made = Slots()
    made.a = a
    return made


def swap(box):
    box.x, box.y = box.y, box.x


def rotate(items):
    items[0], items[1], items[2] = items[2], items[0], items[1]


def order_of_fields(box):
    box.b = 1
    box.a = 2
    box.b = 3
    del box.x
    box.x = 4


def alias(box):
    shared = [1]
    box.first = shared
    box.second = shared
    shared.append(box)
    return box.first is box.second


def nested(box):
    box.inner = Box()
    box.inner.outer = box
    box.inner.items = [box.inner]


def through_aliases(a, b):
    a.items.append(1)
    b.items.append(2)
    a.other = b
    return a.items is b.items


def make_shared():
    items = []
    return Box(items=items), Box(items=items)


def make_same():
    box = Box(items=[])
    return box, box


def slot_stores(s):
    s.b = s.a
    s.a = s.b + 1
    del s.b


def containers(xs, d, s):
    xs.append(len(xs))
    d["new"] = xs
    xs.extend([d])
    s.add(4)
    s.discard(1)
    del d["old"]
    xs[0] = "changed"
    return xs[0]


def deletes_then_stores(d):
    value = d.pop("a")
    d["a"] = value


def in_exception(box):
    box.seen = 1
    try:
        box.seen = 2
        raise ValueError(box)
    finally:
        box.last = box.seen


def raises_after(box):
    box.seen = 1
    raise KeyError(box.seen)


def closure_counter():
    count = 0

    def bump(by):
        nonlocal count
        count += by
        return count

    return bump


CASES = [
    (swap, lambda: (Box(x=1, y=[2]),)),
    (rotate, lambda: ([[1], [2], [3]],)),
    (order_of_fields, lambda: (Box(x=0),)),
    (alias, lambda: (Box(),)),
    (nested, lambda: (Box(),)),
    (through_aliases, make_shared, make_same),
    (slot_stores, lambda: (slots(1),)),
    (containers, lambda: ([0], {"old": 1}, {1, 2})),
    (deletes_then_stores, lambda: ({"a": 1, "b": 2},)),
    (in_exception, lambda: (Box(),)),
    (raises_after, lambda: (Box(),)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_as_cpython(case):
    function, *makers = case
    check(function, *makers)


def test_nonlocal_of_the_captured_function():
    bump, native = closure_counter(), closure_counter()
    lifted = lift(bump)
    for by in (1, 2, 1):
        assert lifted(by) == native(by)
    assert bump.__closure__[0].cell_contents == native.__closure__[0].cell_contents


def test_globals():
    module = types.ModuleType("sample")
    exec(
        "a = 1\nc = 3\ndef f(x):\n    global a, b, c\n    a += x\n    b = [a]\n    del c\n    return a, b\n",
        module.__dict__,
    )
    result = lift(module.f)(5)
    assert result == (6, [6])
    assert (module.a, module.b) == (6, [6])
    assert module.b is result[1]
    assert not hasattr(module, "c")


def test_modules():
    module = types.ModuleType("sample")
    module.x = 1

    def f(m):
        m.y = m.x + 1
        del m.x
        return m.y

    assert lift(f)(module) == 2
    assert module.y == 2
    assert not hasattr(module, "x")


def test_class_attributes():
    class Counter:
        count = 0

        def bump(self):
            type(self).count += 1
            Counter.last = self
            return Counter.count + self.count

    counter = Counter()
    lifted = lift(Counter.bump)
    assert [lifted(counter) for _ in range(3)] == [2, 4, 6]
    assert Counter.count == 3
    assert Counter.last is counter


def test_function_attributes():
    def counted():
        pass

    def f(function):
        function.calls = getattr(function, "calls", 0) + 1
        return function.calls

    lifted = lift(f)
    assert [lifted(counted) for _ in range(3)] == [1, 2, 3]


def test_stores_into_one_place_are_one_effect():
    log, target = EffectLog(), Variable(object)
    for number in range(3):
        log.record(SetAttribute(target, "a", ConstantVariable(number)))
    log.record(SetAttribute(target, "b", ConstantVariable(9)))
    assert len(log) == 2
    assert log.attribute(target, "a").value == 2


def test_a_deletion_keeps_its_place():
    log, target = EffectLog(), Variable(object)
    log.record(SetAttribute(target, "a", ConstantVariable(1)))
    log.record(DeleteAttribute(target, "a"))
    log.record(SetAttribute(target, "a", ConstantVariable(2)))
    assert [type(effect) for effect in log] == [SetAttribute, DeleteAttribute, SetAttribute]
    assert log.attribute(target, "missing") is None
