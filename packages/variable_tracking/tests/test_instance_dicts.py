"""`__dict__` of instances, enumerations, and special methods that are called by name."""

from __future__ import annotations

import enum

import pytest
from comparison import check


class Box:
    def __init__(self, **fields):
        self.__dict__.update(fields)


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Flags(enum.IntFlag):
    READ = 1
    WRITE = 2


class Chained(Box):
    def __getattribute__(self, name):
        fields = super().__getattribute__("__dict__")
        return fields[name] if name in fields else super().__getattribute__(name)


def existing(box):
    box.__dict__["q"] = 1
    box.z = 2
    del box.__dict__["x"]
    box.__dict__.update(x=5, w=6)
    fields = vars(box)
    return list(fields), dict(fields), "z" in fields, fields.get("no", 3), fields is box.__dict__, len(fields), box.q


def fresh(x):
    box = Box(a=x, c=2)
    fields = box.__dict__
    fields["k"] = 3
    return box, fields, box.k, sorted(fields.items())


def cleared(box):
    box.__dict__.clear()
    box.after = 1


def intercepted(box):
    return box.x, box.y


def enumeration(x):
    return [member.name for member in Color], len(Color), Color["RED"], Color(x), Color.RED.value, Color.RED in Color


def flags(x):
    return Flags.READ | Flags.WRITE, Flags.READ in Flags(3), Flags(x)


def by_name(items):
    return (
        items.__len__(),
        items.__getitem__(0),
        list(items.__iter__()),
        items.__eq__([1]),
        items.__add__([2]),
        items.__contains__(1),
        items.__eq__(3),
    )


def unions(x):
    maybe = int | None
    parts = maybe.__args__, list[int].__origin__, dict[str, int].__args__, list[int].__parameters__
    return isinstance(x, maybe), int | str, isinstance(x, (int, str)), parts, isinstance(x, maybe.__args__)


def code(x):
    def inner(a, b):
        return a, b

    found = inner.__code__
    return found.co_varnames, found.co_argcount, found.co_name


CASES = [
    (existing, lambda: (Box(x=1, y=2),)),
    (fresh, lambda: (1,)),
    (cleared, lambda: (Box(x=1, y=2),)),
    (intercepted, lambda: (Chained(x=1, y=2),)),
    (enumeration, lambda: (1,), lambda: (2,), lambda: (3,)),
    (flags, lambda: (1,), lambda: (3,)),
    (by_name, lambda: ([1, 2],), lambda: ([],)),
    (unions, lambda: (1,), lambda: ("s",), lambda: (None,)),
    (code, lambda: (1,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_as_cpython(case):
    function, *makers = case
    check(function, *makers)
