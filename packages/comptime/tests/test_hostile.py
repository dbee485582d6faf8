"""Looking at a value runs no code of the user's, whatever its class does."""

from __future__ import annotations

import pytest
import torch
from capturing import OUT, captured

from framelift_comptime import comptime


def _refuse(*args):
    raise AssertionError("code of the user's ran")


def values():
    """Return values with the text that each has; the classes are made here, out of sight of what collects tests."""

    class Hostile:
        __getattribute__ = __eq__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __contains__ = _refuse
        __hash__ = None

    class Meta(type):
        __repr__ = __getattr__ = __eq__ = __instancecheck__ = __subclasscheck__ = _refuse
        __name__ = property(_refuse)
        __hash__ = type.__hash__

    class Plain(metaclass=Meta):
        pass

    class Items(tuple, metaclass=Meta):
        __slots__ = ()
        __iter__ = __len__ = __getitem__ = __repr__ = _refuse

    class Table(dict):
        __iter__ = __len__ = __getitem__ = items = keys = __repr__ = _refuse

    class Text(str):
        __slots__ = ()
        __repr__ = __str__ = __eq__ = _refuse
        __hash__ = str.__hash__

    class Number(int):
        __repr__ = __str__ = __index__ = _refuse

    class Failure(Exception):
        __repr__ = __str__ = _refuse

    class Liar:
        __class__ = int

    return {
        "object": (Hostile(), "UserDefinedObjectVariable(Hostile)"),
        "with a metaclass": (Plain(), "UserDefinedObjectVariable(Plain)"),
        "class": (Plain, "<class 'test_hostile.values.<locals>.Plain'>"),
        "tuple": (Items((1,)), "UserDefinedObjectVariable(Items)"),
        "dict": (Table(a=1), "UserDefinedDictVariable(Table)"),
        "str": (Text("a"), "'a'"),
        "int": (Number(3), "3"),
        "exception": (Failure("a"), "UserDefinedExceptionVariable(Failure)"),
        "liar": (Liar(), "UserDefinedObjectVariable(Liar)"),
        "nested": (
            [Plain(), {"k": Hostile()}],
            "[UserDefinedObjectVariable(Plain), {'k': UserDefinedObjectVariable(Hostile)}]",
        ),
        "keys": ({"'\n\"": 1, "\ud800": 2}, repr({"'\n\"": 1, "\ud800": 2})),
        "huge": (10**5000, hex(10**5000)),
    }


def look(ctx):
    value = ctx.get_local("value")
    ctx.guards_of(value)
    ctx.origin_of(value)
    assert isinstance(value.is_python_constant(), bool)
    assert not value.is_proxy()
    assert not value.is_dynamic()


NAMES = (
    "object", "with a metaclass", "class", "tuple", "dict", "str", "int", "exception", "liar", "nested", "keys", "huge",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_users_runs(name):
    hostile, text = values()[name]

    def f(x, value):
        comptime.print_locals(file=OUT)
        comptime(look)
        return x + 1

    found, printed = captured(f, x=torch.ones(2), value=hostile)
    assert found.break_ is None
    assert printed == f"x = FakeTensor(..., size=(2,))\nvalue = {text}\n"
