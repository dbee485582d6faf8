"""Every way to read containers, iterators and generators of numbers, times every way to change them."""

from __future__ import annotations

import collections
import functools
import itertools
import random
import types
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque

import pytest
import torch
from changes_in_place import replaced, stale

X = torch.tensor([1.0, 2.0])


class Missing(dict):
    """A dictionary that answers for what it lacks."""

    def __missing__(self, key):
        return 7


class Key:
    def __init__(self, k):
        self.k = k

    def __hash__(self):
        return hash(self.k)

    def __eq__(self, other):
        return isinstance(other, Key) and self.k == other.k


class Halves(random.Random):
    """A generator of numbers of the program's own."""

    def random(self):
        return super().random() / 2


class Steps:
    """An iterator of the program's own."""

    def __init__(self):
        self.at = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.at += 1
        if self.at > 5:
            raise StopIteration
        return self.at


def world():
    random.seed(0)
    key, numbers = Key(1), [1, 2, 3, 4, 5, 6, 7]
    return types.SimpleNamespace(
        xs=[1, 2, 3], d={"a": 1, "b": 2, "c": 3}, s={1, 2, 3}, q=deque([1, 2, 3], maxlen=4), nested=[[1], [2]],
        ordered=OrderedDict(a=1, b=2, c=3), default=defaultdict(lambda: 5, a=1), counter=Counter("aab"),
        chain=ChainMap({"a": 1}, {"a": 9, "b": 2}), t=([1], 2), missing=Missing(a=1), key=key, by_key={key: 4},
        it=iter(numbers), counted=itertools.count(), cycle=itertools.cycle([1, 2]), pairs=zip(numbers, numbers),
        mapped=map(abs, numbers), steps=Steps(), generated=(n for n in numbers), r=random.Random(4), alias=None,
        bytes=bytearray(b"ab"), proxy=types.MappingProxyType({"a": 1}), part=functools.partial(max, 2), sl=slice(0, 2),
    )  # fmt: skip


def step(iterator):
    try:
        return next(iterator)
    except StopIteration:
        return -1


def matched(found, x):
    match found:
        case {"a": 1, **rest}:
            return x * 1, rest
        case {"a": value}:
            return x * value
        case [1, 2, 3]:
            return x * 3
        case [first, *_]:
            return x * first
    return x


def keywords(x, **named):
    return x * 1, list(named.items())


READS = {
    "sum": lambda w, x: x * sum(w.xs),
    "length": lambda w, x: x * len(w.xs),
    "item": lambda w, x: x * w.xs[0],
    "loop": lambda w, x: [x * value for value in w.xs],
    "copies": lambda w, x: (x * 1, w.xs[1:], list(reversed(w.xs)), sorted(w.xs), (*w.xs, *w.d)),
    "questions": lambda w, x: (x + (2 in w.xs), w.xs == [1, 2, 3], bool(w.xs), w.xs.count(2)),
    "pattern": lambda w, x: (matched(w.xs, x), matched(w.d, x)),
    "identity": lambda w, x: (x + (w.alias is w.xs), w.xs is w.nested),
    "nested": lambda w, x: x * w.nested[1][0] * w.t[0][0],
    "value": lambda w, x: x * w.d["a"],
    "absent": lambda w, x: (x + ("z" in w.d), w.d.get("z", 3), w.missing["z"]),
    "keys": lambda w, x: (x * 1, list(w.d), list(w.d.items()), next(reversed(w.d)), max(w.d, key=w.d.get)),
    "union": lambda w, x: (x * 1, w.d | {"q": 1}, sorted(w.d.keys() | {"q"}), w.s | {9}, w.s <= {1, 2, 3, 4}),
    "keywords": lambda w, x: keywords(x, **w.d),
    "set": lambda w, x: (x * sum(w.s), 9 in w.s, sorted(w.s)),
    "deque": lambda w, x: (x * w.q[0], list(w.q), w.q.maxlen),
    "ordered": lambda w, x: (x * 1, list(w.ordered.items()), w.ordered == OrderedDict(a=1, b=2, c=3)),
    "default": lambda w, x: (x * 1, w.default.get("z"), w.default.default_factory()),
    "counter": lambda w, x: (x * w.counter["a"], w.counter["zz"], w.counter.most_common(1)),
    "chain": lambda w, x: (x * w.chain["a"], dict(w.chain)),
    "by key": lambda w, x: (x * 1, w.by_key.get(Key(1)), w.by_key.get(Key(2)), w.key in w.by_key),
    "steps": lambda w, x: x * step(w.it) * step(w.pairs)[0],
    "endless": lambda w, x: x * next(w.counted) * next(w.cycle),
    "own iterator": lambda w, x: x * step(w.steps),
    "lazy": lambda w, x: x * step(w.mapped) * step(w.generated),
    "random": lambda w, x: (x * w.r.random(), w.r.randint(0, 99), w.r.sample(range(50), 3), random.random()),
    "bytes": lambda w, x: (x * 1, bytes(w.bytes), dict(w.proxy), [1, 2, 3][w.sl]),
    "partial": lambda w, x: x * w.part(1),
    "writing": lambda w, x: (w.xs.append(9), w.d.setdefault("n", 4), w.s.add(77), x * len(w.xs) * len(w.d)),
    "taking": lambda w, x: (x * 1, w.xs.pop() if w.xs else None, w.d.pop("a", 9), w.q.popleft() if w.q else None),
}


def put(name, make):
    return lambda w: setattr(w, name, make())


def to_the_end(table, key):
    table[key] = table.pop(key, 0)


def renamed(table):
    del table["c"]
    table["z"] = 3


CHANGES = {
    "more": lambda w: w.xs.append(4),
    "less": lambda w: w.xs.pop(),
    "another": lambda w: w.xs.__setitem__(0, 9),
    "True": lambda w: w.xs.__setitem__(0, True),
    "a float": lambda w: w.xs.__setitem__(0, 1.0),
    "minus zero": lambda w: w.xs.__setitem__(0, -0.0),
    "nothing": lambda w: w.xs.clear(),
    "order": lambda w: w.xs.reverse(),
    "a tuple": put("xs", lambda: (1, 2, 3)),
    "a range": put("xs", lambda: range(1, 4)),
    "an alias": lambda w: setattr(w, "alias", w.xs),
    "a nested alias": lambda w: setattr(w, "nested", w.xs),
    "inside": lambda w: w.nested[1].__setitem__(0, 8),
    "inside a tuple": lambda w: w.t[0].__setitem__(0, 8),
    "another value": lambda w: w.d.__setitem__("a", 9),
    "a value of another type": lambda w: w.d.__setitem__("a", 1.0),
    "another key": lambda w: w.d.__setitem__("z", 9),
    "a key less": lambda w: w.d.pop("a", None),
    "a key renamed": lambda w: renamed(w.d),
    "the order of keys": lambda w: to_the_end(w.d, "a"),
    "another kind of dictionary": put("d", lambda: OrderedDict(c=3, b=2, a=1)),
    "a dictionary that answers": put("d", lambda: Missing(a=1)),
    "how it answers": lambda w: replaced(Missing, "__missing__", lambda self, key: 99),
    "an element more": lambda w: w.s.add(9),
    "an element less": lambda w: w.s.discard(2),
    "at the end": lambda w: w.q.append(7),
    "rotated": lambda w: w.q.rotate(1),
    "another limit": put("q", lambda: deque([1, 2, 3], maxlen=3)),
    "to the end": lambda w: w.ordered.move_to_end("a"),
    "to the front": lambda w: w.ordered.move_to_end("c", last=False),
    "another factory": lambda w: setattr(w.default, "default_factory", int),
    "no factory": lambda w: setattr(w.default, "default_factory", None),
    "counted": lambda w: w.counter.update("bbb"),
    "a link": lambda w: w.chain.maps[0].__setitem__("a", 5),
    "a link less": lambda w: w.chain.maps.pop(0),
    "a key's own": lambda w: setattr(w.key, "k", 2),
    "equality of keys": lambda w: replaced(Key, "__eq__", lambda self, other: False),
    "hash of keys": lambda w: replaced(Key, "__hash__", lambda self: 0),
    "a step": lambda w: next(w.it),
    "steps of all": lambda w: [next(one) for one in (w.counted, w.cycle, w.pairs, w.mapped, w.steps, w.generated)],
    "to its end": lambda w: [list(one) for one in (w.it, w.pairs, w.mapped, w.generated)],
    "closed": lambda w: w.generated.close(),
    "another iterator": put("it", lambda: iter((9, 8))),
    "another start": put("counted", lambda: itertools.count(5, 2)),
    "how it steps": lambda w: replaced(Steps, "__next__", lambda self: 42),
    "where it is": lambda w: setattr(w.steps, "at", 4),
    "a number drawn": lambda w: w.r.random(),
    "a seed": lambda w: w.r.seed(9),
    "another state": lambda w: w.r.setstate(random.Random(77).getstate()),
    "a generator of another class": put("r", lambda: Halves(3)),
    "the seed of all": lambda w: random.seed(3),
    "a byte": lambda w: w.bytes.append(65),
    "another slice": put("sl", lambda: slice(1, 3)),
    "another partial": lambda w: w.part.__setstate__((max, (7,), {}, {})),
    "a patched function": lambda w: replaced(random, "random", lambda: 0.25),
    "a patched container": lambda w: replaced(collections.Counter, "most_common", lambda self, n=None: [("z", 5)]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", READS)
def test_the_call_after_any_change(read):
    wrong, mattered = stale(READS[read], CHANGES, world, X)
    assert wrong == []
    assert mattered
