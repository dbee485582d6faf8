"""What the standard library keeps for itself: caches, signatures, mappings that ask methods of a subclass."""

from __future__ import annotations

import collections
import copy
import functools
import inspect
import types

import pytest
import torch
from differential import check

import framelift
from framelift.testing import CompileCounter, same

X = torch.ones(3)
LOG = []


class Config:
    scale = 1


CONFIG = Config()


@functools.lru_cache
def table(n):
    LOG.append(n)
    return [n, n + 1]


@functools.lru_cache(None)
def scaled(n, k=1):
    return n * k


@functools.cache
def configured(n):
    return CONFIG.scale * n


@functools.lru_cache
def filled(n):
    return torch.full((3,), float(n))


@functools.lru_cache
def failing(n):
    raise ValueError(n)


class Owner:
    def __init__(self):
        self.factor = 3

    @functools.lru_cache
    def times(self, n):
        LOG.append(("times", n))
        return self.factor * n

    @functools.cached_property
    def seven(self):
        LOG.append("seven")
        return self.factor * 7


CACHES = (table, scaled, configured, filled, failing, Owner.times)


def constants_go_in(x, owner):
    return x * scaled(3) + scaled(2, k=4)


def results_stay_one_object(x, owner):
    found = table(3)
    found.append(1)
    return x * len(found), found


def bodies_see_what_changed_before(x, owner):
    CONFIG.scale = 5
    return x * configured(2)


def methods(x, owner):
    return x * owner.times(3)


def properties(x, owner):
    return x * owner.seven


def tensors(x, owner):
    return x + filled(3), filled(3)


def exceptions(x, owner):
    try:
        failing(1)
    except ValueError as error:
        return x + error.args[0]


def unknown_arguments(x, owner):
    return scaled(x)


CACHED = [
    (constants_go_in, 1),
    (results_stay_one_object, None),
    (bodies_see_what_changed_before, 1),
    (methods, 1),
    (properties, None),
    (tensors, 1),
    (exceptions, 1),
    (unknown_arguments, None),
]


@pytest.mark.parametrize(("function", "graphs"), CACHED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_cached_function_runs_when_its_cache_says(function, graphs):
    def history(called):
        for cache in CACHES:
            cache.cache_clear()
        LOG.clear()
        CONFIG.scale = 1
        owner, seen = Owner(), []
        for _ in range(3):
            seen += copy.deepcopy([called(X, owner), LOG, CONFIG.scale])
        table.cache_clear()
        configured.cache_clear()
        CONFIG.scale = 9
        return [*seen, *copy.deepcopy([called(X, owner), LOG])]

    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter)
    assert same(history(lifted), history(function))
    assert not lifted.framelift.capture_errors
    if graphs is not None:
        assert counter.frame_count == graphs, [str(one) for one in lifted.framelift.breaks]


class Output(collections.OrderedDict):
    """As the outputs of library models: attributes and items at once."""

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        super().__setattr__(key, value)

    def __setattr__(self, name, value):
        super().__setitem__(name, value)
        super().__setattr__(name, value)

    def __getitem__(self, key):
        return dict(self.items())[key] if isinstance(key, str) else tuple(self[k] for k in self.keys())[key]


class Shouting(dict):
    def __getitem__(self, key):
        return "own"


class Elsewhere(Shouting):
    def __iter__(self):
        return iter(["a"])

    def keys(self):
        return ["a"]


def takes(**kwargs):
    return kwargs


def updated_by_methods(x):
    made = Output()
    made.update(a=x)
    made.update({"b": 1})
    made.update([("c", 2)])
    return made, made.a + 1, made.b + made.c, dict(made), {**made}, takes(**made), list(made)


def filled_by_attributes(x):
    made = Output()
    made.a = x + 1
    made["b"] = None
    return made, made[0], made["a"], len(made), "b" in made, made.b


def read_past_methods(x):
    return dict(Shouting(a=1)), {**Shouting(a=1)}, takes(**Shouting(a=1)), Shouting(a=1)["a"], Shouting(a=1).get("a")


def read_by_methods(x):
    return dict(Elsewhere(a=1, b=2)), {**Elsewhere(a=1, b=2)}, takes(**Elsewhere(b=1)), x + 1


def doubled_keyword(x):
    return takes(a=1, **Elsewhere(a=1))


def signatures(x):
    found = inspect.signature(takes_defaults).parameters
    bound = inspect.signature(Pair(1).both)
    kinds = [one.kind is inspect.Parameter.KEYWORD_ONLY for one in found.values()]
    return x * len(found), list(found), found["k"].default, kinds, list(bound.parameters), "b" in bound.parameters


def takes_defaults(x, *args, k=3, **kwargs):
    return x


class Pair:
    def __init__(self, a):
        self.a = a

    def both(self, b):
        return b


PROXY = types.MappingProxyType({"a": 1, "b": 2})


def proxies(x):
    made = types.MappingProxyType({"x": x})
    return (
        x * PROXY["a"],
        len(PROXY),
        list(PROXY),
        "b" in PROXY,
        PROXY.get("c", 5),
        {**PROXY},
        made["x"] + 1,
        dict(made),
    )


def dropped_iterators(x):
    return x + 1, any(item == 2 for item in Items()), next(iter(Items()))


class Items(collections.abc.Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return [1, 2, 3][index]


def caches_made_inside(x):
    @functools.lru_cache
    def fibonacci(n):
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    return x * fibonacci(10)


def unpacked_what_is_none(x):
    found = []
    for program in (lambda: [*3], lambda: {**3}, lambda: takes(*3), lambda: takes(**3)):
        try:
            program()
        except TypeError as error:
            found.append(str(error).partition(".")[2] or str(error))
    return x + 1, found


PROGRAMS = [
    caches_made_inside,
    unpacked_what_is_none,
    updated_by_methods,
    filled_by_attributes,
    read_past_methods,
    read_by_methods,
    doubled_keyword,
    signatures,
    proxies,
    dropped_iterators,
]


BROKEN = (read_past_methods, doubled_keyword, caches_made_inside)


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program):
    check(program, X, graphs=None if program in BROKEN else 1, fullgraph=program is not caches_made_inside)


def test_a_signature_is_that_of_the_next_call_too():
    def function(x):
        return x * inspect.signature(takes_defaults).parameters["k"].default

    lifted = framelift.compile(function, backend="eager")
    assert lifted(X).equal(X * 3)
    before, takes_defaults.__kwdefaults__ = takes_defaults.__kwdefaults__, {"k": 4}
    try:
        assert lifted(X).equal(X * 4)
    finally:
        takes_defaults.__kwdefaults__ = before
