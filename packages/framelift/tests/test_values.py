"""Values of the language inside a captured function are what they are outside, in one graph."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools

import pytest
import torch
from differential import check

import framelift

Point = collections.namedtuple("Point", ["x", "y"])


class Base:
    scale = 2

    def __init__(self, value):
        self.value = value

    def scaled(self, x):
        return x * self.scale * self.value

    @property
    def doubled(self):
        return self.value * 2

    @staticmethod
    def shift(x):
        return x + 1

    @classmethod
    def made(cls, value):
        return cls(value)


class Derived(Base):
    scale = 3

    def scaled(self, x):
        return super().scaled(x) + 1


class Items(list):
    def total(self):
        result = 0
        for item in self:
            result = result + item
        return result


@dataclasses.dataclass
class Pair:
    left: object
    right: object = 2


def constants(x):
    return x * 2 + 1.5 - True, "text", None, 3 // 2


def lists(x):
    items = [x, x + 1]
    items.append(x * 2)
    items[0] = items[1] - 1
    first, *rest = items
    return first, rest, items[::-1], len(items), x in [1, 2] if False else 0


def tuples(x):
    a, (b, c) = x, (x + 1, x + 2)
    return (a, b) + (c,), (a, b)[1]


def dicts(x):
    d = {"a": x, "b": x + 1}
    d["c"] = d.pop("a") * 2
    d.update(e=x)
    return d, list(d), [k + "!" for k in d], {k: v + 1 for k, v in d.items()}, d.get("zz", 7)


def sets(x):
    s = {1, 2, 3} & {2, 3, 4}
    s.add(7)
    return x * len(s), sorted(s), 2 in s


def ranges(x):
    for i in range(1, 10, 3):
        x = x + i
    return x, range(4)[2], list(range(3)), slice(1, 2).start


def namedtuples(x):
    p = Point(x, y=x + 1)
    return p, p.x + p.y, p._replace(x=x * 2), p[0]


def defaultdicts(x):
    d = collections.defaultdict(list)
    d["a"].append(x)
    d["a"].append(x + 1)
    return dict(d), len(d["b"])


def strings(x):
    name = "w"
    text = f"{name}_{3:>4}|{1.5:.2f}|{name!r}"
    return x + len(text), text, text.upper(), "-".join(["a", *text]), "a" in text


def objects(x):
    a, b = Base(3), Derived.made(2)
    a.extra = x
    return a.scaled(x) + b.scaled(x), a.doubled, Base.shift(x), b.extra if hasattr(b, "extra") else a.extra


def subclasses_of_builtins(x):
    items = Items([x, x + 1])
    items.append(x)
    return items.total(), len(items), isinstance(items, list)


def closures(x):
    count = 0

    def add(y, k=2):
        nonlocal count
        count += 1
        return y + k

    z = add(add(x), k=3)
    square = lambda y: y * y
    return square(z), count


def bound_methods(x):
    method = Derived(5).scaled
    return method(x), functools.partial(method)(x)


def iterators(x):
    total = x
    for i, (a, b) in enumerate(zip([1, 2], (3, 4))):
        total = total + i * a + b
    it = iter([x, x + 1])
    return (
        total,
        next(it),
        next(it, None),
        next(it, "done"),
        sum(map(lambda v: v + 1, [1, 2])),
        list(filter(None, [0, 1])),
    )


def comprehensions(x):
    return (
        [x + i for i in range(3) if i],
        {i: x * i for i in range(2)},
        {i % 2 for i in range(4)},
        sum(i for i in range(4)),
    )


def generators(x):
    def produce(n):
        for i in range(n):
            got = yield x + i
            assert got is None

    return list(produce(3)), sum(v for v in produce(2))


def exceptions(x):
    try:
        {}["missing"]
    except KeyError as error:
        x = x + len(error.args)
    else:
        x = x * 100
    finally:
        x = x * 2
    try:
        raise ValueError("a", 1)
    except (TypeError, ValueError) as error:
        return x, error.args, str(type(error))


@contextlib.contextmanager
def scaled(log):
    log.append("in")
    try:
        yield 3
    finally:
        log.append("out")


def context_managers(x):
    log = []
    with scaled(log) as factor, contextlib.nullcontext(2) as other:
        x = x * factor * other
    return x, log


def dataclass_instances(x):
    pair = Pair(x)
    pair.right = pair.left + 1
    return pair.left, pair.right, Pair(1, 2) == Pair(1, 2)


def star_arguments(x):
    def f(a, /, b, *rest, c=1, **others):
        return a + b + len(rest) + c + sum(others.values())

    arguments, named = (x, 2, 3), {"c": 4, "d": 5}
    return f(*arguments, **named), f(x, 1)


def control_flow(x):
    n = 0
    while True:
        n += 1
        if n > 5:
            break
        if n % 2:
            continue
        x = x + n
    else:
        x = x * 1000
    return x if n == 6 and not n < 0 else -x


def match_statement(x):
    match {"kind": "scale", "by": [2, 3]}:
        case {"kind": "shift"}:
            return x + 1
        case {"kind": "scale", "by": [first, *_]}:
            return x * first
    return x


def identity(x):
    a = [x]
    b = a
    b.append(1)
    return a is b, a == b, len(a), x is x, [] == [], type(a) is list


FUNCTIONS = [
    constants, lists, tuples, dicts, sets, ranges, namedtuples, defaultdicts, strings, objects, subclasses_of_builtins,
    closures, bound_methods, iterators, comprehensions, generators, exceptions, context_managers, dataclass_instances,
    star_arguments, control_flow, match_statement, identity,
]  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
def test_as_eager_in_one_graph(function):
    graphs = 0 if function is identity else 1
    check(function, torch.arange(3.0), graphs=graphs)


def test_inputs_whose_names_are_one_identifier():
    class Owner:
        pass

    owner = Owner()
    owner.a, owner.a_b = Owner(), torch.zeros(2)
    owner.a.b = torch.ones(2)

    def program(o):
        return o.a_b - o.a.b

    assert torch.equal(framelift.compile(program, backend="eager", fullgraph=True)(owner), program(owner))


def test_equal_texts_that_are_two_objects_stay_two():
    def f(x):
        one = "abcdef"
        other, same = one[:3] + one[3:], one
        framelift.graph_break()
        return x + 1, other is one, same is one, other == one

    for _ in range(2):
        result = framelift.compile(f, backend="eager")(torch.ones(2))
        assert result[1:] == f(torch.ones(2))[1:] == (False, True, True)
