"""`copy.copy` and `copy.deepcopy` of what users make, as the standard library copies it."""

from __future__ import annotations

import collections
import copy
import dataclasses
import enum

import pytest
import torch
from differential import check

import framelift

X = torch.ones(2)


class Cyclic:
    def __init__(self):
        self.number, self.items, self.me = 1, [1, 2], self


class Slotted:
    __slots__ = ("a", "b", "empty")

    def __init__(self):
        self.a = [1]
        self.b = [self.a]


class Items(list):
    pass


class Stored(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, (value, "stored"))


class Hooked:
    def __init__(self, value):
        self.value = value

    def __deepcopy__(self, memo):
        made = Hooked(copy.deepcopy(self.value, memo))
        memo[id(self)] = made
        return made

    def __copy__(self):
        return Hooked("copied")


class Reduced:
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return Reduced, (self.value,)


class Stateful:
    def __getstate__(self):
        return {"z": 1}

    def __setstate__(self, state):
        self.y = state["z"] + 1


@dataclasses.dataclass
class Data:
    a: object
    b: object = dataclasses.field(default_factory=list)


class Colour(enum.Enum):
    RED = 1
    BLUE = [2]


Point = collections.namedtuple("Point", "x y")


def twice(value):
    return [value, value]


def with_attribute(made):
    made.extra = [made]
    return made


CASES = {
    "cyclic": Cyclic,
    "slots": Slotted,
    "list subclass": lambda: with_attribute(Items([Cyclic(), [3]])),
    "dict subclass": lambda: Stored(x=1),
    "hooks": lambda: Hooked([1]),
    "reduce": lambda: Reduced([2]),
    "state": Stateful,
    "dataclass": lambda: Data([1]),
    "enum": lambda: [Colour.RED, Colour.BLUE],
    "namedtuple": lambda: Point([1], 2),
    "set": lambda: {1, 2},
    "ordered": lambda: collections.OrderedDict(a=[1]),
    "default": lambda: collections.defaultdict(list, {"q": [1]}),
    "tuple": lambda: (1, "a", ([2],)),
    "atoms": lambda: [twice, len, int, None, torch.float32],
    "aliases": lambda: twice([1]),
}


def describe(value, seen):
    """Return an object's structure: types, contents, and which parts are one object."""
    if isinstance(value, (int, str, type(None), type, enum.Enum)):
        return value
    if id(value) in seen:
        return "again", seen[id(value)]
    seen[id(value)] = len(seen)
    if isinstance(value, torch.Tensor):
        return value.tolist()
    parts = [type(value).__name__]
    if isinstance(value, dict):
        parts += [(key, describe(item, seen)) for key, item in dict.items(value)]
    elif isinstance(value, (list, tuple)):
        parts += [describe(item, seen) for item in value]
    elif isinstance(value, (set, frozenset)):
        parts += sorted(value)
    fields = [*getattr(value, "__dict__", ()), *getattr(type(value), "__slots__", ())]
    return [*parts, *[(name, describe(getattr(value, name), seen)) for name in fields if hasattr(value, name)]]


def deep(x, value):
    return x + 1, copy.deepcopy(value), value


def shallow(x, value):
    return x + 1, copy.copy(value), value


def of_new_ones(x, value):
    made = Cyclic()
    made.inner = {"w": [made.items]}
    return x + 1, copy.deepcopy(made), copy.copy(made), made


@pytest.mark.parametrize("function", [deep, shallow, of_new_ones])
@pytest.mark.parametrize("name", CASES)
def test_copies(function, name):
    lifted = framelift.compile(function, backend="eager", fullgraph=True)
    for _ in range(2):
        assert describe(lifted(X, CASES[name]()), {}) == describe(function(X, CASES[name]()), {})


def test_what_is_copied_apart_is_guarded_to_be_apart():
    def function(x, a, b):
        first, second = copy.deepcopy([a, b])
        first.append(1)
        return x + len(second)

    lifted = framelift.compile(function, backend="eager")
    shared = [0]
    assert lifted(X, [0], [0]).equal(X + 1)
    assert lifted(X, shared, shared).equal(X + 2)
    assert lifted(X, [5], [6]).equal(X + 1)


def test_tensors_are_copied_for_real():
    def function(x):
        made = copy.deepcopy([x])
        made[0].add_(1)
        return made[0] * 2, x

    check(function, X, graphs=None)


class Opaque:
    """Its copy cannot be captured."""

    def __init__(self, number):
        self.number = number

    def __deepcopy__(self, memo):
        print(end="")
        return Opaque(self.number)


def test_a_copy_that_breaks_is_one_break_and_knows_no_addresses_of_the_first_call():
    def function(x, pair):
        first, second = copy.deepcopy(pair)
        return x + first.number, second.number, first is second

    lifted = framelift.compile(function, backend="eager")
    one, two, three = [Opaque(number) for number in range(3)]
    for pair in ([one, two], [three, one], [two, three], [one, one]):
        want, got = function(X, pair), lifted(X, pair)
        assert got[0].equal(want[0])
        assert got[1:] == want[1:]
    entry, after = lifted.framelift.specialisations[:2]
    assert entry.break_ is not None
    assert entry.break_.where[1] == function.__code__.co_firstlineno + 1
    assert after.break_ is None


@pytest.mark.parametrize("make", [list, Hooked, lambda item: (item,)])
def test_a_memo_that_others_see_holds_the_addresses_of_this_call(make):
    def function(x, value):
        memo = {}
        return x + 1, copy.deepcopy(value, memo), memo

    lifted = framelift.compile(function, backend="eager")
    kept = []
    for number in range(4):
        inner = [number]
        value = make([inner])
        _, copied, memo = lifted(X, value)
        kept.append((value, copied, memo))
        assert memo[id(inner)] == inner
        assert memo[id(inner)] is not inner
        assert set(memo) == set(made_by_python(value))


def made_by_python(value):
    memo = {}
    copy.deepcopy(value, memo)
    return {key: None for key in memo if key != id(memo)}
