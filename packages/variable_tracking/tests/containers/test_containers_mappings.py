"""Dictionaries and sets: the captured form does what plain Python does."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple

import pytest
from container_lifting import agree, lift


def stored(d):
    d["new"] = 1
    d["a"] = 10
    del d["b"]
    d["b"] = "again"
    return d["a"], len(d), list(d)


def methods(d):
    return (
        d.get("a"),
        d.get("zzz"),
        d.get("zzz", 5),
        d.pop("a"),
        d.pop("zzz", None),
        d.setdefault("k", []),
        d.setdefault("b", 0),
        d.popitem(),
    )


def updated(d):
    d.update({"a": 0, "z": 1}, y=2)
    d.update([("p", 1), ("q", 2)])
    d |= {"r": 3}
    return d | {"a": "left"}, {"b": "x"} | d, {**d, "s": 1}


def views(d):
    keys, values, items = d.keys(), d.values(), d.items()
    d["later"] = 9
    return list(keys), list(values), list(items), "later" in keys, 9 in values, ("a", 1) in items, len(items)


def loops(d):
    total = 0
    names = ""
    for key in d:
        names += key
    for key, value in d.items():
        total += value
        names += key
    for value in d.values():
        total -= value * 2
    return total, names, {v: k for k, v in d.items()}, {k for k in d} == set(d), list(reversed(d))


def view_algebra(d):
    return sorted(d.keys() & {"a", "zz"}), sorted(d.keys() | ["c"]), sorted(d.keys() - {"a"}), d.keys() == {"a", "b"}


def keys_that_are_equal():
    d = {1: "int"}
    d[True] = "bool"
    d[1.0] = "float"
    d[(1, 2)] = "tuple"
    return d, d[1], (True, 2.0) in d, {1, True, 1.0}


def cleared(d):
    d.clear()
    d["only"] = 1
    return d


def copied(d):
    e = d.copy()
    e["a"] = "other"
    return e, d, dict(d, c=3), dict([(1, 2)]), dict(a=1), e == d, d == dict(d)


def compared(d):
    return d == {"b": 2, "a": 1}, d != {"a": 1}, {} == {}, {"a": [1]} == {"a": [1]}


def keywords(d):
    def f(**kwargs):
        return sorted(kwargs.items())

    return f(**d), f(**d, c=3)


def text(d):
    return f"{d}"


@pytest.mark.parametrize(
    "function",
    [stored, methods, updated, views, loops, view_algebra, cleared, copied, compared, keywords, text],
)
def test_dictionaries(function):
    agree(function, {"a": 1, "b": 2})


def test_equal_keys():
    agree(keys_that_are_equal)


def missing(d):
    return d["nope"]


def missing_delete(d):
    del d["nope"]


def unhashable(d):
    return d[[]]


def changed_while_iterated(d):
    for key in d:
        d[key + "x"] = 1


def wrong_pairs(d):
    d.update([(1, 2, 3)])


@pytest.mark.parametrize("function", [missing, missing_delete, unhashable, changed_while_iterated, wrong_pairs])
def test_errors(function):
    agree(function, {"a": 1, "b": 2})


def one_key(d):
    return d["a"], "q" in d


def test_only_what_is_read_is_guarded():
    lifted = lift(one_key, {"a": 1, "b": 2, "c": object()})
    assert not any("'c'" in guard.source.name for guard in lifted.guards)
    assert {guard.predicate.kind for guard in lifted.guards} >= {"DICT_CONTAINS", "DICT_NOT_CONTAINS"}
    agree(one_key, {"a": 1, "b": 2})


def cached(d, key):
    if key not in d:
        d[key] = key * 2
    return d[key]


def test_a_cache_is_extended_without_reading_it():
    lifted = lift(cached, {number: str(number) for number in range(50)}, 99)
    assert len(list(lifted.guards)) < 6
    agree(cached, {1: 2, 3: 4}, 5)
    agree(cached, {1: 2, 3: 4}, 3)


def test_a_cycle():
    def cyclic():
        d = {}
        d["self"] = d
        return d

    made = lift(cyclic).run()
    assert made["self"] is made


def ordered():
    d = OrderedDict(a=1, b=2)
    d["c"] = 3
    d.move_to_end("a")
    d.move_to_end("c", last=False)
    e = OrderedDict(d)
    return list(d.items()), d == e, d == {"a": 1, "b": 2, "c": 3}, d.popitem(last=False), list(d)


def ordered_argument(d):
    d.move_to_end("a")
    d["z"] = 1
    del d["b"]
    return d


def test_ordered():
    agree(ordered)
    agree(ordered_argument, OrderedDict(a=1, b=2, c=3))


def grouped(words):
    groups = defaultdict(list)
    for word in words:
        groups[len(word)].append(word)
    counts = defaultdict(lambda: 5)
    counts["x"] += 1
    return dict(groups), counts["x"], counts["y"], len(counts), groups


def test_defaultdict():
    agree(grouped, ["a", "bb", "c", "dd", "eee"])


def grown(d):
    d["new"].append(1)
    return d["old"]


def test_an_existing_defaultdict():
    agree(grown, defaultdict(list, old=[2]))


def sets(s):
    t = {1, 2, 3}
    t.add(4)
    t.discard(9)
    t.remove(1)
    s.add("new")
    s -= {"a"}
    return (
        t | {7},
        t & {2, 3},
        t - {2},
        t ^ {2, 9},
        sorted(s),
        2 in t,
        len(t),
        t <= {2, 3, 4},
        t.isdisjoint([1]),
        t.union([5], (6,)),
        frozenset(t) == t,
        {frozenset([1]): 2}[frozenset([1])],
    )


def test_sets():
    agree(sets, {"a"})


def iterated(s):
    return [x for x in s], list(s), sum(1 for _ in s)


def test_iteration_of_a_set():
    items = {"pear", "fig", "apple", 3, 4}
    assert lift(iterated, items).run(items) == iterated(items)


def remove_missing(s):
    s.remove("zzz")


def set_of_lists(s):
    s.add([])


@pytest.mark.parametrize("function", [remove_missing, set_of_lists])
def test_errors_of_sets(function):
    agree(function, {"a"})


Point = namedtuple("Point", "x y", defaults=(5,))


def named():
    p = Point(1, y=2)
    q = p._replace(x=7)
    x, y = p
    return p.x, p[1], q, x + y, p == (1, 2), Point(3), len(p), q._asdict(), Point._make([8, 9]), p


def named_argument(p):
    return p.x + p.y, p, p[0], p._fields


def test_named_tuples():
    agree(named)
    agree(named_argument, Point(1, 2))


class Stack(list):
    def push(self, item):
        self.append(item)
        return self


class Upper(dict):
    def __missing__(self, key):
        return key.upper()


def subclasses(stack):
    stack.push(3).push(4)
    mine = Stack([1])
    mine.push(2)
    table = Upper(a=1)
    return len(stack), stack[-1], mine, table["a"], table["b"], [x for x in mine], isinstance(mine, list)


def test_subclasses():
    agree(subclasses, Stack([1, 2]))


def identity_keys(xs):
    a, b = Key(), Key()
    d = {a: 1, b: 2}
    d[a] += 5
    return d[a], d[b], len({a, b, a}), a in d, Key() in d


class Key:
    pass


def test_keys_by_identity():
    agree(identity_keys, [])
