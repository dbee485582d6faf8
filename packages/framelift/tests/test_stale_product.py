"""Every way to read an object, times every way to change it or its classes: the call after the change equals eager.

What a read does not notice eagerly is left out: there are some two hundred pairs in which the change matters.
"""

from __future__ import annotations

import abc
import collections.abc
import types
import typing

import pytest
import torch

import framelift

X = torch.tensor([0.25, 0.5, 1.0])


class Six:
    """A descriptor that is no data descriptor."""

    def __get__(self, instance, owner):
        return 6


class Claimed:
    """What an instance may say that it is of."""


@typing.runtime_checkable
class Measured(typing.Protocol):
    def method(self, x): ...


class Registered(abc.ABC):
    """What a class may be registered with."""


SPECIAL = {  # name: what it does at first, what it does after the change
    "__bool__": (lambda self: True, lambda self: False),
    "__len__": (lambda self: 2, lambda self: 9),
    "__eq__": (lambda self, other: True, lambda self, other: False),
    "__hash__": (lambda self: 5, lambda self: 6),
    "__call__": (lambda self, x: x * 3, lambda self, x: x * 8),
    "__getitem__": (lambda self, index: 4, lambda self, index: 9),
    "__iter__": (lambda self: iter([1, 2, 3]), lambda self: iter([5])),
    "__contains__": (lambda self, one: True, lambda self, one: False),
    "__add__": (lambda self, other: 3, lambda self, other: 9),
    "__radd__": (lambda self, other: 4, lambda self, other: 9),
    "__lt__": (lambda self, other: False, lambda self, other: True),
    "__int__": (lambda self: 5, lambda self: 9),
    "__str__": (lambda self: "ab", lambda self: "abcdef"),
    "__repr__": (lambda self: "abc", lambda self: "abcdefg"),
    "__index__": (lambda self: 1, lambda self: 3),
    "__enter__": (lambda self: 3, lambda self: 9),
    "__exit__": (lambda self, *raised: None, lambda self, *raised: True),
    "__format__": (lambda self, spec: "x", lambda self, spec: "xyz"),
    "__round__": (lambda self, digits=None: 3, lambda self, digits=None: 9),
    "__neg__": (lambda self: 4, lambda self: 9),
    "__dir__": (lambda self: ["k"], lambda self: ["absent"]),
}


def world():
    """Return an object with a class, two bases, and another class that it may be given."""

    class Root:
        __slots__ = ()
        c = 4

        def inherited(self):
            return 2

    class Base(Root):
        """Words."""

        __slots__ = ("slot",)
        described = Six()

        def inherited(self):
            return super().inherited() + 1

        def method(self, x):
            return x * 2

        @property
        def member(self):
            return 3

        @staticmethod
        def static():
            return 5

        @classmethod
        def of_class(cls):
            return 6

    for name, (before, _) in SPECIAL.items():
        setattr(Base, name, before)

    class Class(Base):
        pass

    class Other(Base):
        c = 40
        member = 30

        def method(self, x):
            return x * 20

        def __len__(self):
            return 20

        def __bool__(self):
            return False

    instance = Class()
    instance.k, instance.j, instance.slot = 2, 1, 5
    return types.SimpleNamespace(instance=instance, Class=Class, Base=Base, Root=Root, Other=Other)


def entered(instance, x):
    with instance as found:
        return x * found


def matched(instance, x):
    match instance:
        case object(k=2):
            return x * 2
        case object(k=found):
            return x * found * 10
    return x


def claimed_by_pattern(instance, x):
    match instance:
        case Claimed():
            return x * 5
        case Registered():
            return x * 6
    return x


def written(instance, x):
    instance.fresh = 3
    return x * instance.fresh


READS = {
    "attribute": lambda o, x: x * o.k,
    "getattr": lambda o, x: x * getattr(o, "k", 7),
    "hasattr": lambda o, x: x + hasattr(o, "k"),
    "absent": lambda o, x: x + hasattr(o, "absent"),
    "absent or": lambda o, x: x * getattr(o, "absent", 3),
    "vars": lambda o, x: x * len(vars(o)),
    "values": lambda o, x: x + sum(value for value in o.__dict__.values() if isinstance(value, int)),
    "order": lambda o, x: x * list(vars(o)).index("k"),
    "dictionary": lambda o, x: x * vars(o).get("k", 9),
    "method": lambda o, x: o.method(x),
    "property": lambda o, x: x * o.member,
    "name of the class": lambda o, x: x * len(type(o).__name__),
    "class attribute": lambda o, x: x * type(o).c,
    "mro": lambda o, x: x * len(type(o).__mro__),
    "bases": lambda o, x: x * len(type(o).__bases__[0].__name__),
    "words": lambda o, x: x * len(type(o).__doc__ or ""),
    "truth": lambda o, x: x + 1 if o else x,
    "length": lambda o, x: x * len(o),
    "equality": lambda o, x: x + (o == o),
    "call": lambda o, x: o(x),
    "item": lambda o, x: x * o[0],
    "iteration": lambda o, x: x * sum(o),
    "unpacking": lambda o, x: x * len([*o]),
    "enumeration": lambda o, x: x * sum(at * value for at, value in enumerate(o)),
    "containment": lambda o, x: x + (3 in o),
    "sum": lambda o, x: x * (o + 1),
    "reflected sum": lambda o, x: x * (1 + o),
    "less": lambda o, x: x + (o < 3),
    "int": lambda o, x: x * int(o),
    "str": lambda o, x: x * len(str(o)),
    "repr": lambda o, x: x * len(f"{o!r}"),
    "format": lambda o, x: x * len(format(o, "")),
    "hash": lambda o, x: x * (hash(o) == 5),
    "index": lambda o, x: x * [1, 2, 3, 4, 5][o],
    "with": entered,
    "match": matched,
    "super": lambda o, x: x * o.inherited(),
    "slot": lambda o, x: x * o.slot,
    "static method": lambda o, x: x * o.static(),
    "class method": lambda o, x: x * o.of_class(),
    "descriptor": lambda o, x: x * o.described,
    "name of the method": lambda o, x: x * len(o.method.__qualname__),
    "defaults of the method": lambda o, x: x * len(o.method.__defaults__ or ()),
    "round": lambda o, x: x * round(o),
    "negation": lambda o, x: x * -o,
    "sorting": lambda o, x: x * sorted([o, o])[0].k,
    "dir": lambda o, x: x + ("absent" in dir(o)),
    "writing": written,
    "isinstance": lambda o, x: x + isinstance(o, Claimed),
    "isinstance of one of many": lambda o, x: x + isinstance(o, (int, str | Claimed)),
    "isinstance by length": lambda o, x: x + isinstance(o, collections.abc.Sized),
    "isinstance of a protocol": lambda o, x: x + isinstance(o, Measured),
    "isinstance by registration": lambda o, x: x + isinstance(o, Registered),
    "issubclass": lambda o, x: x + issubclass(type(o), (Claimed, Registered)),
    "class pattern": claimed_by_pattern,
    "__class__": lambda o, x: x * len(o.__class__.__name__),
}


def put(owner, name, value):
    return lambda found: setattr(getattr(found, owner), name, value)


def take(owner, name):
    return lambda found: delattr(getattr(found, owner), name)


def reorder(found):
    found.instance.__dict__.update(k=found.instance.__dict__.pop("k"))


def change_the_bases(found):
    attributes = {"__slots__": (), "c": 77, "inherited": lambda self: 70, "__len__": lambda self: 7}
    found.Class.__bases__ = (type("Middle", (found.Base,), attributes),)


def all_but_the_class(self, name):
    return object.__getattribute__(self, name) if name == "__class__" else 11


def claims(self, name):
    return Claimed if name == "__class__" else object.__getattribute__(self, name)


def refuses(self, name):
    raise RuntimeError(name)


CHANGES = {
    "a lie about the class": put("Class", "__getattribute__", claims),
    "no answer about the class": put("Base", "__getattribute__", refuses),
    "registered": lambda found: Registered.register(found.Base),
    "a base claimed": lambda found: setattr(found.Class, "__bases__", (Claimed, found.Base)),
    "another value": put("instance", "k", 3),
    "another type": put("instance", "k", 2.0),
    "True": put("instance", "k", True),
    "deleted": take("instance", "k"),
    "another attribute": put("instance", "absent", 5),
    "an attribute of the class": put("Class", "absent", 5),
    "an attribute of the root": put("Root", "absent", 5),
    "a method of the instance": put("instance", "method", lambda x: x * 9),
    "a method of the class": put("Class", "method", lambda self, x: x * 9),
    "a method of the base": put("Base", "method", lambda self, x: x * 9),
    "a method deleted": take("Base", "method"),
    "another property": put("Class", "member", property(lambda self: 9)),
    "a plain attribute for a property": put("Class", "member", 9),
    "another class attribute": put("Class", "c", 9),
    "another attribute of the root": put("Root", "c", 9),
    "another class": lambda found: setattr(found.instance, "__class__", found.Other),
    "another dictionary": lambda found: setattr(found.instance, "__dict__", {"j": 1, "k": 8}),
    "another order": reorder,
    "other bases": change_the_bases,
    "another name": lambda found: setattr(found.Class, "__name__", "Longer"),
    "other words": lambda found: setattr(found.Class, "__doc__", "Other words."),
    "__getattribute__": put("Class", "__getattribute__", all_but_the_class),
    "__getattr__": put("Class", "__getattr__", lambda self, name: 13),
    "__setattr__": put("Class", "__setattr__", lambda self, name, value: object.__setattr__(self, name, 99)),
    "an inherited method of the root": put("Root", "inherited", lambda self: 50),
    "an inherited method of the base": put("Base", "inherited", lambda self: 51),
    "a slot": put("instance", "slot", 8),
    "a slot deleted": take("instance", "slot"),
    "a property for a slot": put("Class", "slot", property(lambda self: 77)),
    "a static method": put("Base", "static", staticmethod(lambda: 50)),
    "a class method": put("Class", "of_class", classmethod(lambda cls: 60)),
    "a plain attribute for a descriptor": put("Base", "described", 9),
    "other code": lambda found: setattr(found.Base.method, "__code__", (lambda self, x: x * 15).__code__),
    "other defaults": lambda found: setattr(found.Base.method, "__defaults__", (3,)),
    "another qualified name": lambda found: setattr(found.Base.method, "__qualname__", "other"),
    "a property over an attribute": put("Class", "k", property(lambda self: 44)),
    "a descriptor over an attribute": put("Class", "k", Six()),
    "a text": put("instance", "k", "text"),
}
for name, (_, after) in SPECIAL.items():
    CHANGES[f"{name} of the class"] = put("Class", name, after)
    CHANGES[f"{name} of the base"] = put("Base", name, after)
    CHANGES[f"{name} of the instance"] = put("instance", name, after)
    CHANGES[f"{name} is None"] = put("Class", name, None)


def outcome(function, instance):
    try:
        return function(instance, X).tolist()
    except Exception as error:
        return type(error).__name__, str(error)


def history(read, change, lift):
    """Return the outcomes before and after the change, each in a world of its own."""
    found, called = world(), lift(read)
    told = [outcome(called, found.instance)]
    change(found)
    return [*told, outcome(called, found.instance)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", READS)
def test_the_call_after_any_change(read):
    function = READS[read]
    wrong, mattered = [], 0
    for change, do in CHANGES.items():
        expected = history(function, do, lambda function: function)
        if expected[0] != expected[1]:
            mattered += 1
            found = history(function, do, lambda function: framelift.compile(function, backend="eager"))
            if found != expected:
                wrong.append((change, found, expected))
    assert wrong == []
    assert mattered
