"""Stale state: programs that read something, a change of it, and the call after the change, which must equal eager."""

from __future__ import annotations

import abc
import array
import builtins
import collections
import contextvars
import dataclasses
import decimal
import enum
import fractions
import functools
import itertools
import logging
import math
import operator
import os
import random
import sys
import threading
import time
import types
import warnings
import weakref

import numpy as np
import pytest
import torch

import framelift

PROGRAMS = []
"""Pairs of a name and a function that returns the program, its arguments, and the change."""

UNDO = []
"""What takes back the change of a program, where others would see it."""


def program(make):
    PROGRAMS.append((make.__name__, make))
    return make


def matrix():
    return torch.arange(6.0).reshape(2, 3) + 1


@program
def defaults_of_compiled():

    def f(x, k=2):
        return x * k

    return (f, (matrix(),), lambda: setattr(f, "__defaults__", (5,)))


@program
def kwdefaults_of_compiled():

    def f(x, *, k=2):
        return x * k

    return (f, (matrix(),), lambda: setattr(f, "__kwdefaults__", {"k": 5}))


@program
def fewer_defaults_than_before():

    def f(x, a=1, b=2):
        return x * a + b

    return (f, (matrix(), 3), lambda: setattr(f, "__defaults__", (5,)))


@program
def code_with_more_parameters():

    def f(x):
        return x * 2

    def g(x, *rest):
        return x * 3

    return (f, (matrix(),), lambda: setattr(f, "__code__", g.__code__))


@program
def kwdefaults_mutated():

    def f(x, *, k=2):
        return x * k

    return (f, (matrix(),), lambda: f.__kwdefaults__.update(k=7))


@program
def code_of_compiled():

    def f(x, k=2):
        return x * k

    def g(x, k=2):
        return x - k

    return (f, (matrix(),), lambda: setattr(f, "__code__", g.__code__))


@program
def defaults_of_callee():

    def h(x, k=2):
        return x * k

    def f(x):
        return h(x)

    return (f, (matrix(),), lambda: setattr(h, "__defaults__", (5,)))


@program
def kwdefaults_of_callee():

    def h(x, *, k=2):
        return x * k

    def f(x):
        return h(x)

    return (f, (matrix(),), lambda: h.__kwdefaults__.update(k=9))


@program
def code_of_callee():

    def h(x):
        return x * 2

    def g(x):
        return x - 2

    def f(x):
        return h(x)

    return (f, (matrix(),), lambda: setattr(h, "__code__", g.__code__))


@program
def code_of_method():

    class A:
        def h(self, x):
            return x * 2

    a = A()

    def f(x):
        return a.h(x)

    return (f, (matrix(),), lambda: setattr(A.h, "__code__", (lambda self, x: x - 9).__code__))


@program
def closure_cell():
    k = 2

    def f(x):
        return x * k

    def change():
        nonlocal k
        k = 5

    return (f, (matrix(),), change)


@program
def closure_cell_of_callee():
    k = 2

    def h(x):
        return x * k

    def f(x):
        return h(x)

    def change():
        h.__closure__[0].cell_contents = 7

    return (f, (matrix(),), change)


@program
def default_mutable():

    def f(x, acc=[1]):
        return x * len(acc)

    return (f, (matrix(),), lambda: f.__defaults__[0].append(1))


THREE = 3


@program
def global_int():
    def take_back():
        global THREE
        THREE = 3

    def f(x):
        return x * THREE

    def change():
        global THREE
        THREE = 11
        UNDO.append(take_back)

    return (f, (matrix(),), change)


@program
def global_deleted_falls_to_builtin():
    ns = {"torch": torch, "abs": lambda x: x * 100}
    exec("def f(x): return abs(x-3)", ns)
    return (ns["f"], (matrix(),), lambda: ns.pop("abs"))


@program
def builtin_shadowed():
    ns = {}
    exec("def f(x): return abs(x-3)", ns)
    return (ns["f"], (matrix(),), lambda: ns.__setitem__("abs", lambda x: x * 100))


@program
def builtins_patched():

    def f(x):
        return x * zork  # noqa: F821

    builtins.zork = 2
    return (f, (matrix(),), lambda: setattr(builtins, "zork", 5))


@program
def builtin_len_shadowed():
    ns = {}
    exec("def f(x): return x*len([1,2])", ns)
    return (ns["f"], (matrix(),), lambda: ns.__setitem__("len", lambda x: 100))


@program
def method_patched():

    class A:
        def h(self, x):
            return x * 2

    a = A()
    return (lambda x: a.h(x), (matrix(),), lambda: setattr(A, "h", lambda self, x: x - 1))


@program
def method_patched_base():

    class B:
        def h(self, x):
            return x * 2

    class A(B):
        pass

    a = A()
    return (lambda x: a.h(x), (matrix(),), lambda: setattr(A, "h", lambda self, x: x - 1))


@program
def method_patched_instance():

    class A:
        def h(self, x):
            return x * 2

    a = A()
    return (lambda x: a.h(x), (matrix(),), lambda: setattr(a, "h", lambda x: x - 1))


@program
def method_mid_mro():

    class B:
        k = 2

    class M(B):
        pass

    class A(M):
        pass

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(M, "k", 5))


@program
def class_attr_vs_instance():

    class A:
        k = 2

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(a, "k", 5))


@program
def data_descriptor_added():

    class A:
        pass

    a = A()
    a.k = 2
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(A, "k", property(lambda s: 7)))


@program
def property_replaced():

    class A:
        @property
        def k(self):
            return 2

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(A, "k", property(lambda s: 7)))


@program
def property_reads_state():

    class A:
        def __init__(s):
            s._k = 2

        @property
        def k(self):
            return self._k

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(a, "_k", 9))


@program
def getattr_added():

    class A:
        pass

    a = A()

    def f(x):
        return x * getattr(a, "k", 2)

    return (f, (matrix(),), lambda: setattr(A, "__getattr__", lambda s, n: 7))


@program
def getattr_replaced():

    class A:
        def __getattr__(self, n):
            return 2

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(A, "__getattr__", lambda s, n: 7))


@program
def getattribute_added():

    class A:
        k = 2

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(A, "__getattribute__", lambda s, n: 7))


@program
def hasattr_changes():

    class A:
        pass

    a = A()
    return (lambda x: x * 2 if hasattr(a, "k") else x, (matrix(),), lambda: setattr(a, "k", 7))


@program
def hasattr_class():

    class A:
        pass

    a = A()
    return (lambda x: x * 2 if hasattr(a, "k") else x, (matrix(),), lambda: setattr(A, "k", 7))


@program
def class_assigned():

    class A:
        k = 2

    class B:
        k = 5

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(a, "__class__", B))


@program
def bases_changed():

    class P:
        k = 2

    class Q:
        k = 5

    class A(P):
        pass

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(A, "__bases__", (Q,)))


@program
def metaclass_attr():

    class M(type):
        k = 2

    class A(metaclass=M):
        pass

    return (lambda x: x * A.k, (matrix(),), lambda: setattr(M, "k", 6))


@program
def metaclass_getattr():

    class M(type):
        def __getattr__(c, n):
            return 2

    class A(metaclass=M):
        pass

    return (lambda x: x * A.k, (matrix(),), lambda: setattr(M, "__getattr__", lambda c, n: 8))


@program
def len_dunder():

    class A:
        def __len__(self):
            return 2

    a = A()
    return (lambda x: x * len(a), (matrix(),), lambda: setattr(A, "__len__", lambda s: 5))


@program
def bool_dunder_added():

    class A:
        pass

    a = A()
    return (lambda x: x * 2 if a else x, (matrix(),), lambda: setattr(A, "__bool__", lambda s: False))


@program
def eq_dunder():

    class A:
        def __eq__(self, o):
            return True

    a = A()
    return (lambda x: x * 2 if a == 3 else x, (matrix(),), lambda: setattr(A, "__eq__", lambda s, o: False))


@program
def call_dunder():

    class A:
        def __call__(self, x):
            return x * 2

    a = A()
    return (lambda x: a(x), (matrix(),), lambda: setattr(A, "__call__", lambda s, x: x * 5))


@program
def add_dunder():

    class A:
        def __radd__(self, x):
            return x * 2

    a = A()
    return (
        lambda x: 3 + a if False else a.__radd__(x),
        (matrix(),),
        lambda: setattr(A, "__radd__", lambda s, x: x * 5),
    )


@program
def contains_dunder():

    class A:
        def __contains__(self, x):
            return True

    a = A()
    return (lambda x: x * 2 if 3 in a else x, (matrix(),), lambda: setattr(A, "__contains__", lambda s, x: False))


@program
def iter_dunder():

    class A:
        def __iter__(self):
            return iter([1, 2])

    a = A()
    return (lambda x: x * sum(a), (matrix(),), lambda: setattr(A, "__iter__", lambda s: iter([5])))


@program
def enter_dunder():

    class A:
        def __enter__(self):
            return 2

        def __exit__(self, *a):
            pass

    a = A()

    def f(x):
        with a as k:
            return x * k

    return (f, (matrix(),), lambda: setattr(A, "__enter__", lambda s: 5))


@program
def slots():

    class A:
        __slots__ = ("k",)

    a = A()
    a.k = 2
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(a, "k", 6))


@program
def slots_del():

    class A:
        __slots__ = ("k",)

    a = A()
    a.k = 2
    return (lambda x: x * getattr(a, "k", 100), (matrix(),), lambda: delattr(a, "k"))


@program
def instance_dict_replaced():

    class A:
        pass

    a = A()
    a.k = 2
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(a, "__dict__", {"k": 6}))


@program
def list_elem():
    l = [2, 3]
    return (lambda x: x * l[0], (matrix(),), lambda: l.__setitem__(0, 7))


@program
def list_len():
    l = [2, 3]
    return (lambda x: x * len(l), (matrix(),), lambda: l.append(7))


@program
def list_order():
    l = [2, 3]
    return (lambda x: x * l[0] - l[1], (matrix(),), lambda: l.reverse())


@program
def dict_value():
    d = {"a": 2}
    return (lambda x: x * d["a"], (matrix(),), lambda: d.update(a=8))


@program
def dict_order():
    d = {"a": 2, "b": 3}

    def f(x):
        for k in d:
            x = x * 2 if k == "a" else x + 1
        return x

    return (f, (matrix(),), lambda: d.__setitem__("a", d.pop("a")))


@program
def dict_values_order():
    d = {"a": 2, "b": 3}
    return (lambda x: x * list(d.values())[0], (matrix(),), lambda: d.__setitem__("a", d.pop("a")))


@program
def odict_move():
    d = collections.OrderedDict(a=2, b=3)
    return (lambda x: x * list(d.values())[0], (matrix(),), lambda: d.move_to_end("a"))


@program
def odict_move_keys():
    d = collections.OrderedDict(a=2, b=3)

    def f(x):
        for k in d:
            x = x * 2 if k == "a" else x + 1
        return x

    return (f, (matrix(),), lambda: d.move_to_end("a"))


@program
def dict_get_missing():
    d = {}
    return (lambda x: x * d.get("a", 2), (matrix(),), lambda: d.update(a=8))


@program
def dict_in():
    d = {}
    return (lambda x: x * 2 if "a" in d else x, (matrix(),), lambda: d.update(a=8))


@program
def dict_len():
    d = {}
    return (lambda x: x * len(d), (matrix(),), lambda: d.update(a=8))


@program
def dict_truth():
    d = {}
    return (lambda x: x * 2 if d else x, (matrix(),), lambda: d.update(a=8))


@program
def defaultdict_factory():
    d = collections.defaultdict(lambda: 2)

    def f(x):
        return x * d["q"]

    return (f, (matrix(),), lambda: (d.pop("q", None), setattr(d, "default_factory", lambda: 7)))


@program
def set_contents():
    s = {1, 2}
    return (lambda x: x * 2 if 3 in s else x, (matrix(),), lambda: s.add(3))


@program
def set_len():
    s = {1, 2}
    return (lambda x: x * len(s), (matrix(),), lambda: s.add(3))


@program
def set_sum():
    s = {1, 2}
    return (lambda x: x * sum(s), (matrix(),), lambda: (s.remove(1), s.add(5)))


@program
def frozenset_swap():

    class A:
        s = frozenset({1})

    return (lambda x: x * 2 if 1 in A.s else x, (matrix(),), lambda: setattr(A, "s", frozenset({2})))


@program
def deque_rot():
    d = collections.deque([2, 3])
    return (lambda x: x * d[0], (matrix(),), lambda: d.rotate())


@program
def nested_list():
    d = {"a": [[2]]}
    return (lambda x: x * d["a"][0][0], (matrix(),), lambda: d["a"][0].__setitem__(0, 9))


@program
def tuple_swapped():

    class A:
        t = (1, 2)

    return (lambda x: x * A.t[1], (matrix(),), lambda: setattr(A, "t", (1, 5)))


@program
def neg_zero():

    class A:
        k = 0.0

    return (lambda x: torch.full_like(x, 1.0) / (x * 0 + A.k), (matrix(),), lambda: setattr(A, "k", -0.0))


@program
def neg_zero_copysign():

    class A:
        k = 0.0

    return (lambda x: x * math.copysign(2.0, A.k), (matrix(),), lambda: setattr(A, "k", -0.0))


@program
def nan_const():

    class A:
        k = float("nan")

    return (lambda x: x * 2 if A.k != A.k else x, (matrix(),), lambda: setattr(A, "k", 1.0))


@program
def true_vs_one():

    class A:
        k = 1

    return (lambda x: x * 2 if A.k is True else x, (matrix(),), lambda: setattr(A, "k", True))


@program
def one_vs_float():

    class A:
        k = 2

    return (lambda x: x.to(torch.int64) * A.k, (matrix(),), lambda: setattr(A, "k", 2.0))


@program
def int_vs_bool_in_list():
    l = [1]
    return (lambda x: x * 3 if type(l[0]) is bool else x, (matrix(),), lambda: l.__setitem__(0, True))


@program
def dict_key_1_vs_true():
    d = {1: 2}
    return (
        lambda x: x * 3 if type(next(iter(d))) is bool else x,
        (matrix(),),
        lambda: (d.clear(), d.update({True: 2})),
    )


@program
def complex_zero():

    class A:
        k = complex(0, 0.0)

    return (lambda x: x * math.copysign(1.0, A.k.imag), (matrix(),), lambda: setattr(A, "k", complex(0, -0.0)))


@program
def str_sub():

    class S(str):  # noqa: SLOT000
        pass

    class A:
        k = "a"

    return (lambda x: x * 2 if type(A.k) is str else x, (matrix(),), lambda: setattr(A, "k", S("a")))


@program
def int_sub():

    class Number(int):
        def __rmul__(self, o):
            return o - 100

    class A:
        k = 2

    return (lambda x: x * A.k, (matrix(),), lambda: setattr(A, "k", Number(2)))


@program
def enum_member():

    class E(enum.Enum):
        a = 1
        b = 2

    class A:
        k = E.a

    return (lambda x: x * A.k.value, (matrix(),), lambda: setattr(A, "k", E.b))


@program
def enum_value_changed():

    class E(enum.Enum):
        a = 1
        b = 2

    return (lambda x: x * E.a.value, (matrix(),), lambda: setattr(E.a, "_value_", 9))


@program
def module_attr():
    m = types.ModuleType("zz")
    m.k = 2
    return (lambda x: x * m.k, (matrix(),), lambda: setattr(m, "k", 9))


@program
def module_getattr():
    m = types.ModuleType("zz")
    m.__getattr__ = lambda n: 2
    return (lambda x: x * m.k, (matrix(),), lambda: setattr(m, "k", 9))


@program
def import_inside():
    m = types.ModuleType("zz_mod")
    m.k = 2
    sys.modules["zz_mod"] = m

    def f(x):
        import zz_mod

        return x * zz_mod.k

    def change():
        n = types.ModuleType("zz_mod")
        n.k = 5
        sys.modules["zz_mod"] = n

    return (f, (matrix(),), change)


@program
def from_import_inside():
    m = types.ModuleType("zz_mod2")
    m.k = 2
    sys.modules["zz_mod2"] = m

    def f(x):
        from zz_mod2 import k

        return x * k

    return (f, (matrix(),), lambda: setattr(m, "k", 6))


@program
def sys_modules_read():

    def f(x):
        return x * 2 if "zz_none" in sys.modules else x

    return (
        f,
        (matrix(),),
        lambda: (sys.modules.__setitem__("zz_none", sys), UNDO.append(lambda: sys.modules.pop("zz_none"))),
    )


@program
def environ():
    os.environ.pop("ZZQ", None)

    def f(x):
        return x * int(os.environ.get("ZZQ", "2"))

    return (f, (matrix(),), lambda: os.environ.__setitem__("ZZQ", "5"))


@program
def contextvar():
    v = contextvars.ContextVar("v", default=2)
    return (lambda x: x * v.get(), (matrix(),), lambda: v.set(5))


@program
def partial_args():

    def h(k, x):
        return x * k

    class A:
        p = functools.partial(h, 2)

    return (lambda x: A.p(x), (matrix(),), lambda: setattr(A, "p", functools.partial(h, 5)))


@program
def partial_keywords():

    def h(x, k):
        return x * k

    p = functools.partial(h, k=2)
    return (lambda x: p(x), (matrix(),), lambda: p.keywords.update(k=6))


@program
def partial_setstate():

    def h(k, x):
        return x * k

    p = functools.partial(h, 2)
    return (lambda x: p(x), (matrix(),), lambda: p.__setstate__((h, (7,), {}, {})))


@program
def bound_method_swapped():

    class A:
        def __init__(s, k):
            s.k = k

        def m(s, x):
            return x * s.k

    class H:
        m = A(2).m

    h = H()
    h.m = A(2).m
    return (lambda x: h.m(x), (matrix(),), lambda: setattr(h, "m", A(8).m))


@program
def bound_method_self_state():

    class A:
        def __init__(s, k):
            s.k = k

        def m(s, x):
            return x * s.k

    a = A(2)
    m = a.m
    return (lambda x: m(x), (matrix(),), lambda: setattr(a, "k", 8))


@program
def lru_cached():

    class A:
        k = 2

    @functools.lru_cache
    def h(n):
        return n * A.k

    return (lambda x: x * h(3), (matrix(),), lambda: (setattr(A, "k", 9), h.cache_clear()))


@program
def lru_cached_not_cleared():

    class A:
        k = 2

    @functools.lru_cache
    def h(n):
        return n * A.k

    return (lambda x: x * h(3), (matrix(),), lambda: setattr(A, "k", 9))


@program
def cached_property():

    class A:
        b = 2

        @functools.cached_property
        def k(s):
            return s.b

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: (a.__dict__.pop("k", None), setattr(A, "b", 7)))


@program
def random_obj():
    r = random.Random(3)
    st = r.getstate()

    def f(x):
        return x * r.random()

    return (f, (matrix(),), lambda: None)


@program
def random_module():
    random.seed(0)

    def f(x):
        return x * random.randint(0, 10**6)

    return (f, (matrix(),), lambda: random.seed(9))


@program
def iterator_state():
    it = iter(range(100))

    def f(x):
        return x * next(it)

    return (f, (matrix(),), lambda: next(it))


@program
def generator_state():

    def g():
        k = 0
        while True:
            k += 1
            yield k

    it = g()

    def f(x):
        return x * next(it)

    return (f, (matrix(),), lambda: next(it))


@program
def itertools_count():
    it = itertools.count(2)

    def f(x):
        return x * next(it)

    return (f, (matrix(),), lambda: next(it))


@program
def weakref_dies():

    class A:
        k = 2

    a = [A()]
    w = weakref.ref(a[0])

    def f(x):
        o = w()
        return x * 2 if o is not None else x

    return (f, (matrix(),), lambda: a.clear())


@program
def weakref_target():

    class A:
        k = 2

    a = A()
    w = weakref.ref(a)
    f = lambda x: x * w().k
    f.keep = a
    return (f, (matrix(),), lambda: setattr(a, "k", 5))


@program
def dataclass_field():

    @dataclasses.dataclass
    class D:
        k: int = 2

    d = D()
    return (lambda x: x * d.k, (matrix(),), lambda: setattr(d, "k", 4))


@program
def dataclass_default_changed():

    @dataclasses.dataclass
    class D:
        k: int = 2

    return (lambda x: x * D().k, (matrix(),), lambda: setattr(D.__init__, "__defaults__", (5,)))


@program
def namedtuple_swap():
    N = collections.namedtuple("N", "a b")

    class A:
        n = N(1, 2)

    return (lambda x: x * A.n.b, (matrix(),), lambda: setattr(A, "n", N(1, 9)))


@program
def init_patched():

    class A:
        def __init__(s):
            s.k = 2

    def i(s):
        s.k = 9

    return (lambda x: x * A().k, (matrix(),), lambda: setattr(A, "__init__", i))


@program
def new_patched():

    class A:
        k = 2

        def __new__(c):
            return object.__new__(c)

    class B:
        k = 8

    return (lambda x: x * A().k, (matrix(),), lambda: setattr(A, "__new__", staticmethod(lambda c: B())))


@program
def isinstance_bases():

    class P:
        pass

    class A:
        pass

    class Bb(P):
        pass

    class A2(A):
        pass

    a = A2()
    return (lambda x: x * 2 if isinstance(a, P) else x, (matrix(),), lambda: setattr(A2, "__bases__", (A, P)))


@program
def abc_register():

    class P(abc.ABC):
        pass

    class A:
        pass

    a = A()
    return (lambda x: x * 2 if isinstance(a, P) else x, (matrix(),), lambda: P.register(A))


@program
def instancecheck():

    class M(type):
        def __instancecheck__(c, o):
            return True

    class P(metaclass=M):
        pass

    return (
        lambda x: x * 2 if isinstance(3, P) else x,
        (matrix(),),
        lambda: setattr(M, "__instancecheck__", lambda c, o: False),
    )


@program
def func_attr():

    def h():
        pass

    h.k = 2
    return (lambda x: x * h.k, (matrix(),), lambda: setattr(h, "k", 6))


@program
def func_name():

    def h():
        pass

    return (lambda x: x * len(h.__name__), (matrix(),), lambda: setattr(h, "__name__", "hello"))


@program
def func_doc():

    def h():
        """ab"""

    return (lambda x: x * len(h.__doc__), (matrix(),), lambda: setattr(h, "__doc__", "hello"))


@program
def class_name():

    class A:
        pass

    return (lambda x: x * len(A.__name__), (matrix(),), lambda: setattr(A, "__name__", "hello"))


@program
def class_doc_via_instance_type_name():

    class A:
        pass

    a = A()
    return (lambda x: x * len(type(a).__name__), (matrix(),), lambda: setattr(A, "__name__", "hello"))


@program
def dir_read():

    class A:
        pass

    a = A()
    return (lambda x: x * len([n for n in vars(a)]), (matrix(),), lambda: setattr(a, "k", 1))


@program
def vars_read():

    class A:
        pass

    a = A()
    a.k = 2
    return (lambda x: x * vars(a)["k"], (matrix(),), lambda: setattr(a, "k", 5))


@program
def globals_read():
    ns = {"K": 2}
    exec("def f(x): return x*globals()['K']", ns)
    return (ns["f"], (matrix(),), lambda: ns.update(K=9))


@program
def globals_get_missing():
    ns = {}
    exec("def f(x): return x*globals().get('K',2)", ns)
    return (ns["f"], (matrix(),), lambda: ns.update(K=9))


@program
def id_of_object():

    class A:
        o = object()

    B = A.o
    return (lambda x: x * 2 if A.o is B else x, (matrix(),), lambda: setattr(A, "o", object()))


@program
def two_same_lists():
    a = [1]

    class H:
        p = a
        q = a

    def f(x):
        return x * 2 if H.p is H.q else x

    return (f, (matrix(),), lambda: setattr(H, "q", [1]))


@program
def alias_lists_write():

    class H:
        pass

    h = H()
    h.p = [1]
    h.q = h.p

    def f(x):
        h.p[0] = 5
        return x * h.q[0]

    return (f, (matrix(),), lambda: setattr(h, "q", [1]))


@program
def recursion_limit():
    limit = sys.getrecursionlimit()
    return (
        lambda x: x * sys.getrecursionlimit(),
        (matrix(),),
        lambda: (sys.setrecursionlimit(limit + 10), UNDO.append(lambda: sys.setrecursionlimit(limit))),
    )


@program
def type_attr_via_super():

    class P:
        def k(s):
            return 2

    class A(P):
        def k(s):
            return super().k()

    a = A()
    return (lambda x: x * a.k(), (matrix(),), lambda: setattr(P, "k", lambda s: 7))


@program
def classmethod_patched():

    class A:
        @classmethod
        def k(c):
            return 2

    return (lambda x: x * A.k(), (matrix(),), lambda: setattr(A, "k", classmethod(lambda c: 7)))


@program
def staticmethod_patched():

    class A:
        @staticmethod
        def k():
            return 2

    return (lambda x: x * A.k(), (matrix(),), lambda: setattr(A, "k", staticmethod(lambda: 7)))


@program
def setattr_added():

    class A:
        pass

    a = A()

    def f(x):
        a.k = 2
        return x * a.k

    def sa(s, n, v):
        object.__setattr__(s, n, v * 10)

    return (f, (matrix(),), lambda: setattr(A, "__setattr__", sa))


@program
def hash_dunder():

    class A:
        def __hash__(s):
            return 1

        def __eq__(s, o):
            return True

    d = {A(): 2}
    a = A()
    return (lambda x: x * d.get(a, 7), (matrix(),), lambda: setattr(A, "__eq__", lambda s, o: s is o))


@program
def format_dunder():

    class A:
        def __str__(s):
            return "ab"

    a = A()
    return (lambda x: x * len(f"{a}"), (matrix(),), lambda: setattr(A, "__str__", lambda s: "abcd"))


@program
def repr_dunder_added():

    class A:
        pass

    A.__repr__ = lambda s: "ab"
    a = A()
    return (lambda x: x * len(repr(a)), (matrix(),), lambda: setattr(A, "__repr__", lambda s: "abcd"))


@program
def index_dunder():

    class A:
        def __index__(s):
            return 1

    a = A()
    return (lambda x: x[a], (matrix(),), lambda: setattr(A, "__index__", lambda s: 0))


@program
def match_args():

    class A:
        __match_args__ = ("k",)

        def __init__(s):
            s.k = 2
            s.j = 5

    a = A()

    def f(x):
        match a:
            case A(v):
                return x * v

    return (f, (matrix(),), lambda: setattr(A, "__match_args__", ("j",)))


@program
def class_getitem():

    class A:
        def __class_getitem__(c, i):
            return 2

    return (lambda x: x * A[0], (matrix(),), lambda: setattr(A, "__class_getitem__", classmethod(lambda c, i: 6)))


@program
def list_sub_getitem():

    class L(list):
        pass

    l = L([2])
    return (lambda x: x * l[0], (matrix(),), lambda: setattr(L, "__getitem__", lambda s, i: 9))


@program
def dict_sub_missing():

    class L(dict):
        def __missing__(s, k):
            return 2

    l = L()
    return (lambda x: x * l["q"], (matrix(),), lambda: setattr(L, "__missing__", lambda s, i: 9))


@program
def int_sub_attr():

    class Number(int):
        pass

    i = Number(2)
    i.k = 3
    return (lambda x: x * i.k, (matrix(),), lambda: setattr(i, "k", 9))


@program
def exception_attr():
    e = ValueError(2)
    return (lambda x: x * e.args[0], (matrix(),), lambda: setattr(e, "args", (9,)))


@program
def simplenamespace():
    n = types.SimpleNamespace(k=2)
    return (lambda x: x * n.k, (matrix(),), lambda: setattr(n, "k", 9))


@program
def mappingproxy():
    d = {"k": 2}
    m = types.MappingProxyType(d)
    return (lambda x: x * m["k"], (matrix(),), lambda: d.update(k=9))


@program
def chainmap():
    d = {"k": 2}
    m = collections.ChainMap({}, d)
    return (lambda x: x * m["k"], (matrix(),), lambda: m.maps[0].update(k=9))


@program
def counter():
    d = collections.Counter(a=2)
    return (lambda x: x * d["a"] * (1 + d["z"]), (matrix(),), lambda: d.update(z=9))


@program
def bytearray_():
    b = bytearray(b"\x02")
    return (lambda x: x * b[0], (matrix(),), lambda: b.__setitem__(0, 7))


@program
def array_():
    b = array.array("i", [2])
    return (lambda x: x * b[0], (matrix(),), lambda: b.__setitem__(0, 7))


@program
def numpy_scalar():
    b = np.array([2.0])
    return (lambda x: x * float(b[0]), (matrix(),), lambda: b.__setitem__(0, 7))


@program
def numpy_array_arg():
    b = np.ones((2, 3), dtype=np.float32)
    return (lambda x: x * torch.from_numpy(b), (matrix(),), lambda: b.fill(7))


@program
def fraction():

    class A:
        k = fractions.Fraction(1, 2)

    return (lambda x: x * float(A.k), (matrix(),), lambda: setattr(A, "k", fractions.Fraction(3, 2)))


@program
def time_():
    T = [time.time()]
    real = time.time

    def f(x):
        return x * (2 if time.time is real else 3)

    def change():
        pass

    return (f, (matrix(),), change)


@program
def decimal_ctx():

    def f(x):
        return x * decimal.getcontext().prec

    return (
        f,
        (matrix(),),
        lambda: (
            setattr(decimal.getcontext(), "prec", 11),
            UNDO.append(lambda: setattr(decimal.getcontext(), "prec", 28)),
        ),
    )


@program
def warnings_filters():

    def f(x):
        return x * len(warnings.filters)

    return (
        f,
        (matrix(),),
        lambda: (warnings.simplefilter("ignore", FutureWarning), UNDO.append(lambda: warnings.filters.pop(0))),
    )


@program
def cell_emptied():
    k = 2

    def f(x):
        try:
            return x * k
        except NameError:
            return x * 77

    def change():
        nonlocal k
        del k

    return (f, (matrix(),), change)


@program
def global_deleted():
    ns = {"K": 2}
    exec("def f(x):\n try: return x*K\n except NameError: return x*77", ns)
    return (ns["f"], (matrix(),), lambda: ns.pop("K"))


@program
def global_appears():
    ns = {}
    exec("def f(x):\n try: return x*K\n except NameError: return x*77", ns)
    return (ns["f"], (matrix(),), lambda: ns.update(K=2))


@program
def wrapped_function():

    def g(x):
        return x * 2

    @functools.wraps(g)
    def h(x):
        return g(x)

    return (lambda x: h.__wrapped__(x), (matrix(),), lambda: setattr(h, "__wrapped__", lambda x: x * 8))


@program
def annotations_read():

    def h(a: int):
        pass

    return (lambda x: x * len(h.__annotations__), (matrix(),), lambda: h.__annotations__.update(b=int))


@program
def logging_level():
    lg = logging.getLogger("zzz")
    lg.setLevel(10)
    return (lambda x: x * lg.level, (matrix(),), lambda: lg.setLevel(30))


@program
def singledispatch():

    @functools.singledispatch
    def h(k):
        return 2

    return (lambda x: x * h(3), (matrix(),), lambda: h.register(int, lambda k: 9))


@program
def operator_attrgetter():

    class A:
        k = 2

    g = operator.attrgetter("k")
    return (lambda x: x * g(A), (matrix(),), lambda: setattr(A, "k", 6))


class M(torch.nn.Module):
    def __init__(s):
        super().__init__()
        s.l = torch.nn.Linear(3, 3)
        s.k = 2
        s.register_buffer("b", torch.ones(3))

    def forward(s, x):
        return s.l(x) * s.k + s.b


def mod(change, train=None, inside=False, cls=None):
    torch.manual_seed(0)
    if cls is None:

        class MM(M):
            pass
    else:
        MM = cls
    m = MM()
    f = (lambda x: m(x)) if inside else m
    return (f, (matrix(),), lambda: change(m))


def of_module(name, change, **k):
    for inside in (False, True):
        PROGRAMS.append((f"{name}{('_inside' if inside else '')}", functools.partial(mod, change, inside=inside, **k)))


of_module("mod_attr", lambda m: setattr(m, "k", 5))
of_module("mod_forward_class", lambda m: setattr(type(m), "forward", lambda s, x: x - 50))
of_module("mod_forward_instance", lambda m: setattr(m, "forward", lambda x: x - 50))
of_module("mod_sub_forward_class", lambda m: setattr(m.l, "forward", lambda x: x - 50))
of_module("mod_sub_replaced", lambda m: setattr(m, "l", torch.nn.Linear(3, 3, bias=False)))
of_module("mod_sub_replaced_other", lambda m: setattr(m, "l", torch.nn.Identity()))
of_module("mod_fwd_hook", lambda m: m.register_forward_hook(lambda m, a, o: o * 100))
of_module("mod_fwd_pre_hook", lambda m: m.register_forward_pre_hook(lambda m, a: (a[0] * 100,)))
of_module("mod_sub_hook", lambda m: m.l.register_forward_hook(lambda m, a, o: o * 100))
of_module("mod_param_data", lambda m: setattr(m.l.weight, "data", torch.ones(3, 3)))
of_module("mod_param_dtype", lambda m: m.double())
of_module("mod_param_inplace", lambda m: m.l.weight.detach().fill_(3))
of_module("mod_requires_grad", lambda m: m.requires_grad_(False))
of_module("mod_buffer", lambda m: setattr(m, "b", torch.zeros(3)))
of_module("mod_buffer_shape", lambda m: setattr(m, "b", torch.full((1, 3), 4.0)))
of_module("mod_eval", lambda m: (m.eval(), setattr(m, "k", 3)))
of_module("mod_class", lambda m: setattr(m, "__class__", type("Z", (M,), {"forward": lambda s, x: x * 9})))
of_module(
    "mod_sub_class", lambda m: setattr(m.l, "__class__", type("Z", (torch.nn.Linear,), {"forward": lambda s, x: x * 9}))
)
of_module(
    "mod_parametrize",
    lambda m: (
        torch.nn.utils.parametrize.register_parametrization(m.l, "weight", torch.nn.Identity())
        or m.l.parametrizations.weight.original.detach().fill_(2)
    ),
)
of_module(
    "mod_parametrize2", lambda m: torch.nn.utils.parametrize.register_parametrization(m.l, "weight", torch.nn.Tanh())
)
of_module("mod_spectral", lambda m: torch.nn.utils.parametrizations.weight_norm(m.l))
of_module("mod_bias_none", lambda m: setattr(m.l, "bias", None))
of_module("mod_tied", lambda m: setattr(m.l, "bias", torch.nn.Parameter(torch.zeros(3))))
of_module("mod_dict_replaced", lambda m: setattr(m, "__dict__", {**m.__dict__, "k": 9}))
of_module("mod_params_dict_entry", lambda m: m.l._parameters.__setitem__("weight", torch.nn.Parameter(torch.eye(3))))
of_module("mod_modules_dict_entry", lambda m: m._modules.__setitem__("l", torch.nn.Identity()))
of_module("mod_buffers_dict_entry", lambda m: m._buffers.__setitem__("b", torch.zeros(3)))
of_module("mod_getattr_class", lambda m: setattr(type(m), "k", property(lambda s: 8)))
of_module("mod_call_class", lambda m: setattr(type(m), "__call__", lambda s, x: x * 1000))
of_module("mod_call_impl", lambda m: setattr(type(m), "_call_impl", lambda s, x: x * 1000))
of_module("mod_load_state", lambda m: m.load_state_dict({k: v + 1 for k, v in m.state_dict().items()}))
of_module(
    "mod_load_state_assign",
    lambda m: m.load_state_dict({k: v.double() for k, v in m.state_dict().items()}, assign=True),
)


def ghook(m):
    h = torch.nn.modules.module.register_module_forward_hook(lambda m, a, o: o * 100)
    UNDO.append(h.remove)


UNDO = []
of_module("mod_global_hook", ghook)


def Fpatch(m):
    old = torch.nn.functional.linear
    torch.nn.functional.linear = lambda x, w, b=None: x * 1000
    UNDO.append(lambda: setattr(torch.nn.functional, "linear", old))


of_module("F_linear_patched", Fpatch)


def tpatch(m):
    old = torch.nn.Linear.forward
    torch.nn.Linear.forward = lambda s, x: x * 1000
    UNDO.append(lambda: setattr(torch.nn.Linear, "forward", old))


of_module("Linear_forward_patched", tpatch)


def tpatch2(m):
    torch.Tensor.zork = 5


@program
def torch_sin_patched():

    def f(x):
        return torch.sin(x)

    def ch():
        old = torch.sin
        torch.sin = torch.cos
        UNDO.append(lambda: setattr(torch, "sin", old))

    return (f, (matrix(),), ch)


@program
def tensor_method_patched():

    def f(x):
        return x.sin()

    def ch():
        old = torch.Tensor.sin
        torch.Tensor.sin = lambda s: s * 50
        UNDO.append(lambda: delattr(torch.Tensor, "sin"))

    return (f, (matrix(),), ch)


@program
def tensor_add_patched():

    def f(x):
        return x + 1

    def ch():
        old = torch.Tensor.__add__
        torch.Tensor.__add__ = lambda s, o: s * 50
        UNDO.append(lambda: setattr(torch.Tensor, "__add__", old))

    return (f, (matrix(),), ch)


@program
def tensor_attr():
    t = matrix()
    t.k = 2
    return (lambda x: x * t.k, (matrix(),), lambda: setattr(t, "k", 9))


@program
def arg_tensor_attr():
    t = matrix()
    t.k = 2
    return (lambda x: x * x.k, (t,), lambda: setattr(t, "k", 9))


@program
def tensor_class():

    class S(torch.Tensor):
        @classmethod
        def __torch_function__(c, f, t, a=(), k=None):
            with torch._C.DisableTorchFunctionSubclass():
                return f(*a, **k or {}) * 10

    t = matrix()
    return (lambda x: t.sin(), (matrix(),), lambda: setattr(t, "__class__", S))


@program
def closure_tensor_resized():
    t = torch.ones(3)
    return (lambda x: x + t.numel(), (matrix(),), lambda: t.resize_(5))


@program
def closure_tensor_dtype():
    t = torch.ones(3)
    return (lambda x: x + t, (matrix(),), lambda: setattr(t, "data", torch.ones(3, dtype=torch.float64)))


@program
def closure_tensor_set():
    t = torch.ones(3)
    return (lambda x: x + t, (matrix(),), lambda: t.set_(torch.full((3,), 5.0)))


@program
def closure_tensor_grad():
    t = torch.ones(3, requires_grad=True)
    return (lambda x: x * 2 if t.grad is None else x, (matrix(),), lambda: t.sum().backward())


@program
def closure_tensor_rg():
    t = torch.ones(3)
    return (lambda x: x * t, (matrix(),), lambda: t.requires_grad_())


@program
def closure_tensor_item():
    t = torch.tensor(3)
    return (lambda x: x * t.item(), (matrix(),), lambda: t.fill_(7))


@program
def closure_tensor_branch():
    t = torch.tensor(3)
    return (lambda x: x * 2 if t > 5 else x, (matrix(),), lambda: t.fill_(7))


@program
def default_dtype():

    def ch():
        torch.set_default_dtype(torch.float64)
        UNDO.append(lambda: torch.set_default_dtype(torch.float32))

    return (lambda x: torch.ones(3), (matrix(),), ch)


@program
def default_device():

    def ch():
        torch.set_default_device("meta")
        UNDO.append(lambda: torch.set_default_device(None))

    return (lambda x: torch.ones(3), (matrix(),), ch)


@program
def default_dtype_read():

    def ch():
        torch.set_default_dtype(torch.float64)
        UNDO.append(lambda: torch.set_default_dtype(torch.float32))

    return (lambda x: x * 2 if torch.get_default_dtype() == torch.float64 else x, (matrix(),), ch)


@program
def grad_mode():
    w = torch.ones(3, requires_grad=True)

    def ch():
        torch.set_grad_enabled(False)
        UNDO.append(lambda: torch.set_grad_enabled(True))

    return (lambda x: x * w, (matrix(),), ch)


@program
def grad_mode_read():

    def ch():
        torch.set_grad_enabled(False)
        UNDO.append(lambda: torch.set_grad_enabled(True))

    return (lambda x: x * 2 if torch.is_grad_enabled() else x, (matrix(),), ch)


@program
def deterministic():

    def ch():
        torch.use_deterministic_algorithms(True)
        UNDO.append(lambda: torch.use_deterministic_algorithms(False))

    return (lambda x: x * 2 if torch.are_deterministic_algorithms_enabled() else x, (matrix(),), ch)


@program
def autocast():
    w = torch.ones(3, 3)

    def ch():
        c = torch.autocast("cpu", dtype=torch.bfloat16)
        c.__enter__()
        UNDO.append(lambda: c.__exit__(None, None, None))

    return (lambda x: x @ w, (matrix(),), ch)


@program
def autocast_dtype():
    w = torch.ones(3, 3)
    c0 = torch.autocast("cpu", dtype=torch.bfloat16)

    def f(x):
        with torch.autocast("cpu"):
            return x @ w

    def ch():
        torch.set_autocast_dtype("cpu", torch.float16)
        UNDO.append(lambda: torch.set_autocast_dtype("cpu", torch.bfloat16))

    return (f, (matrix(),), ch)


@program
def num_threads():

    def ch():
        n = torch.get_num_threads()
        torch.set_num_threads(2)
        UNDO.append(lambda: torch.set_num_threads(n))

    return (lambda x: x * torch.get_num_threads(), (matrix(),), ch)


@program
def inference_mode():

    def ch():
        c = torch.inference_mode()
        c.__enter__()
        UNDO.append(lambda: c.__exit__(None, None, None))

    return (lambda x: x * 2 if torch.is_inference_mode_enabled() else x, (matrix(),), ch)


@program
def tf_mode():

    class Md(torch.overrides.TorchFunctionMode):
        def __torch_function__(s, f, t, a=(), k=None):
            return f(*a, **k or {})

    class Mul(torch.overrides.TorchFunctionMode):
        def __torch_function__(s, f, t, a=(), k=None):
            r = f(*a, **k or {})
            return r * 10 if f is torch.sin else r

    def ch():
        c = Mul()
        c.__enter__()
        UNDO.append(lambda: c.__exit__(None, None, None))

    return (lambda x: torch.sin(x), (matrix(),), ch)


@program
def dispatch_mode():
    class Doubling(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            return result * 2 if function is torch.ops.aten.sin.default else result

    def change():
        mode = Doubling()
        mode.__enter__()
        UNDO.append(lambda: mode.__exit__(None, None, None))

    return (lambda x: x.sin()), (matrix(),), change


@program
def backend_flag():

    def ch():
        torch.backends.cudnn.benchmark = True
        UNDO.append(lambda: setattr(torch.backends.cudnn, "benchmark", False))

    return (lambda x: x * 2 if torch.backends.cudnn.benchmark else x, (matrix(),), ch)


@program
def mm_precision():

    def ch():
        torch.set_float32_matmul_precision("medium")
        UNDO.append(lambda: torch.set_float32_matmul_precision("highest"))

    return (lambda x: x * len(torch.get_float32_matmul_precision()), (matrix(),), ch)


@program
def printoptions():

    def ch():
        torch.set_printoptions(precision=2)
        UNDO.append(lambda: torch.set_printoptions(profile="default"))

    return (lambda x: x * len(str(torch.tensor([1.23456]))), (matrix(),), ch)


@program
def rng():
    return (lambda x: x * torch.rand(3), (matrix(),), lambda: torch.manual_seed(7))


@program
def generator_rng():
    g = torch.Generator().manual_seed(3)
    return (lambda x: x * torch.rand(3, generator=g), (matrix(),), lambda: g.manual_seed(9))


@program
def initial_seed():
    return (lambda x: x * (torch.initial_seed() % 97), (matrix(),), lambda: torch.manual_seed(1234))


@program
def modulelist():
    ml = torch.nn.ModuleList([torch.nn.Identity(), torch.nn.Tanh()])

    def f(x):
        for m in ml:
            x = m(x)
        return x

    return (f, (matrix(),), lambda: ml.append(torch.nn.ReLU()) or ml.insert(0, torch.nn.Sigmoid()))


@program
def sequential_item():
    ml = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Tanh())
    return (ml, (matrix(),), lambda: ml.__setitem__(0, torch.nn.Sigmoid()))


@program
def moduledict_order():
    ml = torch.nn.ModuleDict({"a": torch.nn.Tanh(), "b": torch.nn.Threshold(0.5, 3.0)})

    def f(x):
        for m in ml.values():
            x = m(x)
        return x

    return (f, (matrix() / 9,), lambda: ml._modules.__setitem__("a", ml._modules.pop("a")))


@program
def paramlist():
    ml = torch.nn.ParameterList([torch.ones(3)])

    def f(x):
        for m in ml:
            x = x * 2 * m
        return x

    return (f, (matrix(),), lambda: ml.append(torch.ones(3) * 3))


@program
def named_parameters_order():
    m = M()

    def f(x):
        for n, p in m.named_parameters():
            x = x + len(n) * p.sum()
        return x

    return (f, (matrix(),), lambda: m.register_parameter("zz", torch.nn.Parameter(torch.ones(1))))


@program
def bn_momentum():
    m = torch.nn.BatchNorm1d(3)
    return (m, (matrix(),), lambda: (m.eval(), setattr(m, "eps", 3.0)))


@program
def dropout_p():
    m = torch.nn.Dropout(0.0)
    return (m, (matrix(),), lambda: setattr(m, "p", 1.0))


@program
def dropout_eval():
    m = torch.nn.Dropout(1.0)
    return (m, (matrix(),), lambda: m.eval())


@program
def no_grad_decorated():
    w = torch.ones(3, requires_grad=True)

    @torch.no_grad()
    def h(x):
        return x * w

    return (lambda x: h(x) * 1, (matrix(),), lambda: setattr(h, "__wrapped__", None))


@program
def thread_local():
    l = threading.local()
    l.k = 2
    return (lambda x: x * l.k, (matrix(),), lambda: setattr(l, "k", 5))


@program
def custom_op():
    return (lambda x: torch.ops.aten.sin(x), (matrix(),), lambda: None)


@program
def descriptor_get():

    class D:
        def __get__(s, o, c):
            return 2

    class A:
        k = D()

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(D, "__get__", lambda s, o, c: 8))


@program
def descriptor_becomes_data():

    class D:
        def __get__(s, o, c):
            return 2

    class A:
        k = D()

    a = A()
    a.__dict__["k"] = 5
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(D, "__set__", lambda s, o, v: None))


@program
def descriptor_state():

    class D:
        v = 2

        def __get__(s, o, c):
            return s.v

    d = D()

    class A:
        k = d

    a = A()
    return (lambda x: x * a.k, (matrix(),), lambda: setattr(d, "v", 8))


@program
def type_of_global_instance_method_via_map():

    class A:
        def m(s, x):
            return x * 2

    a = A()
    return (lambda x: list(map(a.m, [x]))[0], (matrix(),), lambda: setattr(A, "m", lambda s, x: x * 9))


@program
def sort_key():

    class A:
        def __init__(s, k):
            s.k = k

        def __lt__(s, o):
            return s.k < o.k

    l = [A(1), A(2)]
    return (lambda x: x * sorted(l)[0].k, (matrix(),), lambda: setattr(A, "__lt__", lambda s, o: s.k > o.k))


@program
def str_of_list():
    l = [1, 2]
    return (lambda x: x * len(str(l)), (matrix(),), lambda: l.append(3))


@program
def any_all():
    l = [0, 0]
    return (lambda x: x * 2 if any(l) else x, (matrix(),), lambda: l.__setitem__(1, 1))


@program
def list_eq():
    l = [0, 0]
    q = [0, 0]
    return (lambda x: x * 2 if l == q else x, (matrix(),), lambda: l.__setitem__(1, 1))


@program
def dict_eq():
    l = {1: 0}
    q = {1: 0}
    return (lambda x: x * 2 if l == q else x, (matrix(),), lambda: l.__setitem__(1, 1))


@program
def max_of_dict():
    d = {"a": 1, "b": 5}
    return (lambda x: x * len(max(d, key=d.get) * d[max(d, key=d.get)]), (matrix(),), lambda: d.__setitem__("a", 50))


@program
def zip_lists():
    a = [1, 2]
    b = [3, 4]
    return (lambda x: x * sum((p * q for p, q in zip(a, b))), (matrix(),), lambda: b.append(3) or a.append(4))


@program
def args_list_mutated():
    l = [2, 3]
    return (lambda x, l: x * l[0] + len(l), (matrix(), l), lambda: l.insert(0, 9))


@program
def args_obj_mutated():

    class A:
        pass

    a = A()
    a.k = 2
    return (lambda x, a: x * a.k, (matrix(), a), lambda: setattr(a, "k", 9))


def same(left, right):
    if isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor):
        kinds = [(type(one), one.dtype, one.device, one.shape, one.requires_grad) for one in (left, right)]
        return kinds[0] == kinds[1] and (left.is_meta or torch.allclose(left, right, equal_nan=True))
    return type(left) is type(right) and left == right


def outcome(function, args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__, str(error)


def outcomes(make, lift):
    """Return the outcomes of two calls before the change and two after it."""
    torch.manual_seed(0)
    random.seed(4)
    UNDO.clear()
    function, args, change = make()
    called = lift(function)
    try:
        before = [outcome(called, args), outcome(called, args)]
        change()
        return [*before, outcome(called, args), outcome(called, args)]
    finally:
        for undo in UNDO:
            undo()


@pytest.mark.parametrize("make", [make for _, make in PROGRAMS], ids=[name for name, _ in PROGRAMS])
@pytest.mark.filterwarnings("ignore")
def test_the_call_after_a_change_is_eagers(make):
    expected = outcomes(make, lambda function: function)
    found = outcomes(make, functools.partial(framelift.compile, backend="eager"))
    assert all(map(same, found, expected)), (found, expected)
