"""What a program reads in a roundabout way, and a change after which the next call is what it is eagerly."""

from __future__ import annotations

import abc
import collections
import contextvars
import dataclasses
import enum
import functools
import itertools
import operator
import random
import types
import weakref

import pytest
import torch

import framelift

PROGRAMS = []


def program(make):
    PROGRAMS.append(make)
    return make


@program
def closure_of_closure():
    n = 2

    def a():
        def b():
            return n

        return b

    b = a()

    def ch():
        nonlocal n
        n = 5

    return (lambda x: x * b()), ch


@program
def super_chain():
    class A:
        k = 2

        def m(self, x):
            return x * self.k

    class B(A):
        def m(self, x):
            return super().m(x) + 1

    class C(B):
        def m(self, x):
            return super().m(x) * 2

    o = C()
    return (lambda x: o.m(x)), lambda: setattr(A, "m", lambda self, x: x - 9)


@program
def super_attr_prop():
    class A:
        v = 3

        @property
        def q(self):
            return self.v

    class B(A):
        @property
        def q(self):
            return super().q + 1

    o = B()
    return (lambda x: x * o.q), lambda: setattr(A, "v", 8)


@program
def descriptor_state():
    class D:
        def __init__(s):
            s.n = 2

        def __get__(s, o, t):
            return s.n

    d = D()

    class A:
        a = d

    o = A()
    return (lambda x: x * o.a), lambda: setattr(d, "n", 7)


@program
def descriptor_becomes_data():
    class D:
        def __get__(s, o, t):
            return 2

    class A:
        a = D()

    o = A()
    o.__dict__["a"] = 5
    return (lambda x: x * o.a), lambda: setattr(D, "__set__", lambda s, o, v: None)


@program
def getattr_fallback_removed():
    class A:
        def __getattr__(s, n):
            return 3

    o = A()
    return (lambda x: x * o.zz), lambda: setattr(A, "zz", 9)


@program
def getattr_base_base():
    class A:
        pass

    class B(A):
        pass

    class C(B):
        def __getattr__(s, n):
            return 3

    o = C()
    return (lambda x: x * o.zz), lambda: setattr(A, "zz", 9)


@program
def getattribute_added():
    class A:
        v = 2

    o = A()
    return (lambda x: x * o.v), lambda: setattr(A, "__getattribute__", lambda s, n: 11)


@program
def partial_in_dict():
    d = {"f": functools.partial(torch.add, other=2)}
    return (lambda x: d["f"](x)), lambda: d["f"].keywords.__setitem__("other", 9)


@program
def partial_setstate():
    q = functools.partial(lambda n, x: x * n, 2)
    return (lambda x: q(x)), lambda: q.__setstate__((lambda n, x: x - n, (4,), {}, None))


@program
def partialmethod():
    class A:
        def m(s, x, n):
            return x * n

        t = functools.partialmethod(m, n=2)

    o = A()
    return (lambda x: o.t(x)), lambda: setattr(A, "t", functools.partialmethod(A.m, n=6))


@program
def default_list():
    def f(x, things=[1]):
        return x * len(things) + things[-1]

    return f, lambda: f.__defaults__[0].append(4)


@program
def base_base_attr():
    class A:
        k = 1

    class B(A):
        pass

    class C(B):
        pass

    return (lambda x: x * C.k), lambda: setattr(A, "k", 4)


@program
def middle_shadow():
    class A:
        k = 1

    class B(A):
        pass

    class C(B):
        pass

    return (lambda x: x * C().k), lambda: setattr(B, "k", 4)


@program
def bases_assigned():
    class R:
        pass

    class A(R):
        k = 1

    class A2(R):
        k = 6

    class C(A):
        pass

    o = C()
    return (lambda x: x * o.k), lambda: setattr(C, "__bases__", (A2,))


@program
def metaclass_attr():
    class M(type):
        k = 2

    class A(metaclass=M):
        pass

    return (lambda x: x * A.k), lambda: setattr(M, "k", 3)


@program
def metaclass_property():
    class M(type):
        @property
        def k(c):
            return c._k

    class A(metaclass=M):
        _k = 2

    return (lambda x: x * A.k), lambda: setattr(A, "_k", 9)


@program
def metaclass_getattr():
    class M(type):
        def __getattr__(c, n):
            return 2

    class A(metaclass=M):
        pass

    return (lambda x: x * A.q), lambda: setattr(A, "q", 5)


@program
def metaclass_len():
    class M(type):
        def __len__(c):
            return 2

    class A(metaclass=M):
        pass

    return (lambda x: x * len(A)), lambda: setattr(M, "__len__", lambda c: 7)


@program
def metaclass_call():
    class M(type):
        pass

    class A(metaclass=M):
        def __init__(s):
            s.v = 2

    return (lambda x: x * A().v), lambda: setattr(M, "__call__", lambda c: types.SimpleNamespace(v=8))


@program
def metaclass_instancecheck():
    class M(type):
        def __instancecheck__(c, o):
            return True

    class A(metaclass=M):
        pass

    return (lambda x: x * 2 if isinstance(3, A) else x), lambda: setattr(M, "__instancecheck__", lambda c, o: False)


@program
def chainmap_shadow():
    a, b = {}, {"k": 2}
    c = collections.ChainMap(a, b)
    return (lambda x: x * c["k"]), lambda: a.__setitem__("k", 5)


@program
def chainmap_maps():
    c = collections.ChainMap({}, {"k": 2})
    return (lambda x: x * c["k"]), lambda: c.maps.insert(0, {"k": 7})


@program
def chainmap_len():
    b = {"k": 2}
    c = collections.ChainMap({}, b)
    return (lambda x: x * len(c)), lambda: b.__setitem__("z", 7)


@program
def weakref_dead():
    class A:
        v = 3

    o = [A()]
    r = weakref.ref(o[0])
    return (lambda x: x * r().v if r() is not None else x - 1), lambda: o.clear()


@program
def weakref_attr():
    class A:
        pass

    o = A()
    o.v = 2
    r = weakref.ref(o)
    f = lambda x: x * r().v
    f.keep = o
    return f, lambda: setattr(o, "v", 5)


@program
def weakvalue():
    class A:
        pass

    o = [A()]
    d = weakref.WeakValueDictionary(k=o[0])
    return (lambda x: x * 2 if "k" in d else x - 1), lambda: o.clear()


@program
def weakproxy():
    class A:
        pass

    o = A()
    o.v = 2
    r = weakref.proxy(o)
    f = lambda x: x * r.v
    f.keep = o
    return f, lambda: setattr(o, "v", 4)


@program
def ctxvar():
    c = contextvars.ContextVar("c", default=2)
    return (lambda x: x * c.get()), lambda: c.set(5)


@program
def ctxvar_list():
    c = contextvars.ContextVar("c")
    things = [2]
    c.set(things)
    return (lambda x: x * c.get()[0]), lambda: things.__setitem__(0, 9)


@program
def ctxvar_arg_default():
    c = contextvars.ContextVar("c2")
    return (lambda x: x * c.get(2)), lambda: c.set(5)


@program
def module_getattr():
    m = types.ModuleType("mm")
    m.__getattr__ = lambda n: 2
    return (lambda x: x * m.zed), lambda: setattr(m, "__getattr__", lambda n: 6)


@program
def module_getattr_then_real():
    m = types.ModuleType("mm")
    m.__getattr__ = lambda n: 2
    return (lambda x: x * m.zed), lambda: setattr(m, "zed", 6)


@program
def module_class():
    m = types.ModuleType("mm")
    m.zed = 2

    class M(types.ModuleType):
        @property
        def zed(s):
            return 9

    return (lambda x: x * m.zed), lambda: setattr(m, "__class__", M)


@program
def iterator_list():
    it = iter([1, 2, 3, 4, 5, 6])
    return (lambda x: x * next(it)), None


@program
def iterator_count():
    it = itertools.count(2, 3)
    return (lambda x: x * next(it)), lambda: next(it)


@program
def iterator_cycle():
    it = itertools.cycle([1, 2, 3])
    return (lambda x: x * next(it)), None


@program
def iterator_gen():
    def g():
        n = 1
        while True:
            n += 1
            yield n

    it = g()
    return (lambda x: x * next(it)), lambda: next(it)


@program
def iterator_zip():
    things = [1, 2, 3, 4, 5]
    it = zip(things, things)
    return (lambda x: x * next(it)[0]), lambda: things.__setitem__(2, 9)


@program
def iterator_map():
    things = [1, 2, 3, 4, 5]
    it = map(lambda v: v * 2, things)
    return (lambda x: x * next(it)), lambda: next(it)


@program
def iterator_enum():
    it = enumerate("abcdef")
    return (lambda x: x * next(it)[0]), lambda: next(it)


@program
def iterator_rev():
    things = [1, 2, 3, 4, 5, 6]
    it = reversed(things)
    return (lambda x: x * next(it)), lambda: next(it)


@program
def iterator_dict():
    it = iter({1: 2, 3: 4, 5: 6, 7: 8})
    return (lambda x: x * next(it)), lambda: next(it)


@program
def iterator_setattr():
    it = itertools.islice(itertools.count(), 2, 99)
    return (lambda x: x * next(it)), lambda: next(it)


@program
def rnd_obj():
    r = random.Random(3)
    return (lambda x: x * r.random()), None


@program
def rnd_seed():
    r = random.Random(3)
    return (lambda x: x * r.randint(1, 100)), lambda: r.seed(7)


@program
def rnd_choice():
    r = random.Random(3)
    return (lambda x: x * r.choice([1, 2, 3, 4, 5, 6, 7])), lambda: r.setstate(random.Random(9).getstate())


@program
def rnd_shuffle():
    r = random.Random(3)

    def f(x):
        things = list(range(9))
        r.shuffle(things)
        return x * things[0]

    return f, None


@program
def rnd_in_class():
    class A:
        r = random.Random(5)

    return (lambda x: x * A.r.gauss(0, 1)), None


@program
def enum_attr():
    class E(enum.Enum):
        A = 1

        def f(s):
            return s.value

    return (lambda x: x * E.A.f()), lambda: setattr(E, "f", lambda s: 7)


@program
def enum_value():
    class E(enum.Enum):
        A = 1
        B = 2

    h = {"e": E.A}
    return (lambda x: x * h["e"].value), lambda: h.__setitem__("e", E.B)


@program
def enum_member_attr():
    class E(enum.Enum):
        A = 1

    E.A.w = 2
    return (lambda x: x * E.A.w), lambda: setattr(E.A, "w", 5)


@program
def enum_value_hidden():
    class E(enum.Enum):
        A = 1

    return (lambda x: x * E.A.value), lambda: setattr(E.A, "_value_", 5)


@program
def enum_iter():
    class E(enum.Flag):
        A = 1
        B = 2
        C = 4

    h = [E.A | E.B]
    return (lambda x: x * len(list(h[0]))), lambda: h.__setitem__(0, E.A)


@program
def dc_field():
    @dataclasses.dataclass
    class D:
        n: int = 2

    d = D()
    return (lambda x: x * d.n), lambda: setattr(d, "n", 4)


@program
def dc_default():
    @dataclasses.dataclass
    class D:
        n: int = 2

    return (lambda x: x * D().n), lambda: setattr(D.__init__, "__defaults__", (5,))


@program
def dc_frozen():
    @dataclasses.dataclass(frozen=True)
    class D:
        n: int = 2

    d = D()
    return (lambda x: x * d.n), lambda: object.__setattr__(d, "n", 4)


@program
def dc_slots():
    @dataclasses.dataclass(slots=True)
    class D:
        n: int = 2

    d = D()
    return (lambda x: x * d.n), lambda: setattr(d, "n", 4)


@program
def dc_eq():
    @dataclasses.dataclass
    class D:
        n: int = 2

    a, b = D(), D()
    return (lambda x: x * 2 if a == b else x), lambda: setattr(b, "n", 4)


@program
def dc_post():
    @dataclasses.dataclass
    class D:
        n: int = 2

        def __post_init__(s):
            s.m = s.n * 2

    return (lambda x: x * D().m), lambda: setattr(D, "__post_init__", lambda s: setattr(s, "m", 9))


@program
def dc_replace():
    @dataclasses.dataclass
    class D:
        n: int = 2
        m: int = 3

    d = D()
    return (lambda x: x * dataclasses.replace(d, n=5).m), lambda: setattr(d, "m", 4)


@program
def dc_asdict():
    @dataclasses.dataclass
    class D:
        n: int = 2
        m: list = dataclasses.field(default_factory=lambda: [1])

    d = D()
    return (lambda x: x * sum(dataclasses.asdict(d)["m"])), lambda: d.m.append(4)


@program
def nt_global():
    N = collections.namedtuple("N", "a b")
    h = [N(1, 2)]
    return (lambda x: x * h[0].b), lambda: h.__setitem__(0, N(3, 4))


@program
def nt_field():
    N = collections.namedtuple("N", "a b")
    h = N(1, 2)
    return (lambda x: x * h.b), lambda: setattr(N, "b", N.a)


@program
def nt_defaults():
    N = collections.namedtuple("N", "a b", defaults=(3,))
    return (lambda x: x * N(1).b), lambda: setattr(N.__new__, "__defaults__", (8,))


@program
def nt_inner():
    N = collections.namedtuple("N", "a b")
    h = N([1], 2)
    return (lambda x: x * h.a[0]), lambda: h.a.__setitem__(0, 7)


@program
def nt_sub():
    class N(collections.namedtuple("N", "a b")):
        __slots__ = ()

        k = 2

    h = N(1, 2)
    return (lambda x: x * h.k), lambda: setattr(N, "b", 5) or setattr(N, "k", 7)


@program
def singledispatch():
    @functools.singledispatch
    def g(v):
        return 2

    return (lambda x: x * g(3)), lambda: g.register(int, lambda v: 7)


@program
def lru():
    n = [2]

    @functools.lru_cache
    def g():
        return n[0]

    def ch():
        n[0] = 5
        g.cache_clear()

    return (lambda x: x * g()), ch


@program
def cached_prop():
    class A:
        n = 2

        @functools.cached_property
        def q(s):
            return s.n

    o = A()
    return (lambda x: x * o.q), lambda: o.__dict__.__setitem__("q", 9)


@program
def neg_zero():
    h = [0.0]
    return (lambda x: torch.copysign(x, torch.tensor(1.0)) * h[0] + (1 / torch.tensor(h[0]))), lambda: h.__setitem__(
        0, -0.0
    )


@program
def true_one():
    h = {"k": 1}
    return (lambda x: x * 2 if h["k"] is True else x), lambda: h.__setitem__("k", True)


@program
def dict_order():
    d = {"a": 2, "b": 3}

    def f(x):
        for v in d.values():
            x = x * 2 + v
        return x

    def ch():
        d["a"] = d.pop("a")

    return f, ch


@program
def odict_move():
    d = collections.OrderedDict(a=2, b=3)

    def f(x):
        for v in d.values():
            x = x * 2 + v
        return x

    return f, lambda: d.move_to_end("a")


@program
def counter_missing():
    c = collections.Counter(a=2)
    return (lambda x: x * (c["b"] + 1)), lambda: c.update(b=4)


@program
def defaultdict_factory():
    d = collections.defaultdict(lambda: 2)
    return (lambda x: x * d.get("q", 3)), lambda: d["q"]


@program
def missing_hook():
    class D(dict):
        def __missing__(s, k):
            return 2

    d = D()
    return (lambda x: x * d["k"]), lambda: setattr(D, "__missing__", lambda s, k: 6)


@program
def deque_len():
    d = collections.deque([1, 2], maxlen=2)
    return (lambda x: x * d[0]), lambda: d.append(7)


@program
def slots_attr():
    class A:
        __slots__ = ("v",)

    o = A()
    o.v = 2
    return (lambda x: x * o.v), lambda: setattr(o, "v", 3)


@program
def slot_deleted():
    class A:
        __slots__ = ("v",)

    o = A()
    o.v = 2
    return (lambda x: x * getattr(o, "v", 9)), lambda: delattr(o, "v")


@program
def class_assigned():
    class A:
        def m(s):
            return 2

    class B:
        def m(s):
            return 3

    o = A()
    return (lambda x: x * o.m()), lambda: setattr(o, "__class__", B)


@program
def dict_replaced():
    class A:
        pass

    o = A()
    o.v = 2
    return (lambda x: x * o.v), lambda: setattr(o, "__dict__", {"v": 5})


@program
def bound_method_self():
    class A:
        n = 2

        def m(s, x):
            return x * s.n

    o = A()
    h = o.m
    return (lambda x: h(x)), lambda: setattr(o, "n", 5)


@program
def code_replaced_deep():
    def a(x):
        return x + 1

    def b(x):
        return x * 7

    class A:
        f = staticmethod(a)

    h = functools.partial(A.f)
    return (lambda x: h(x)), lambda: setattr(a, "__code__", b.__code__)


@program
def classmethod_attr():
    class A:
        k = 2

        @classmethod
        def m(c):
            return c.k

    class B(A):
        pass

    return (lambda x: x * B.m()), lambda: setattr(B, "k", 4)


@program
def simple_ns():
    n = types.SimpleNamespace(a=types.SimpleNamespace(b=2))
    return (lambda x: x * n.a.b), lambda: setattr(n.a, "b", 4)


@program
def mapping_proxy():
    d = {"a": 2}
    m = types.MappingProxyType(d)
    return (lambda x: x * m["a"]), lambda: d.__setitem__("a", 8)


@program
def dict_view():
    d = {"a": 2}
    v = d.values()
    return (lambda x: x * sum(v)), lambda: d.__setitem__("b", 8)


@program
def func_attr():
    def g():
        pass

    g.n = 2
    return (lambda x: x * g.n), lambda: setattr(g, "n", 3)


@program
def hook_class():
    things = torch.nn.Linear(2, 2)
    return (lambda x: things(x)), lambda: things.register_forward_hook(lambda m, i, o: o * 3)


@program
def module_fwd_patched():
    class L(torch.nn.Linear):
        pass

    things = L(2, 2)
    return (lambda x: things(x)), lambda: setattr(L, "forward", lambda s, x: x * 3)


@program
def hash_eq_key():
    class K:
        def __init__(s, n):
            s.n = n

        def __hash__(s):
            return 1

        def __eq__(s, o):
            return s.n == o.n

    k = K(1)
    d = {K(1): 2}
    return (lambda x: x * d.get(k, 9)), lambda: setattr(k, "n", 5)


@program
def bool_override():
    class A:
        def __bool__(s):
            return True

    o = A()
    return (lambda x: x * 2 if o else x), lambda: setattr(A, "__bool__", lambda s: False)


@program
def contains_override():
    class A:
        def __contains__(s, v):
            return True

    o = A()
    return (
        lambda x: x * 2 if 3 in o else x
    ), lambda: delattr(A, "__contains__") or setattr(A, "__iter__", lambda s: iter([1]))


@program
def index_override():
    class Index:
        n = 1

        def __index__(s):
            return s.n

    i = Index()
    things = [2, 3, 4]
    return (lambda x: x * things[i]), lambda: setattr(i, "n", 2)


@program
def userdict():
    d = collections.UserDict(a=2)
    return (lambda x: x * d["a"]), lambda: d.data.__setitem__("a", 6)


@program
def generator_closure():
    things = [1, 2, 3]
    return (lambda x: x * sum(v for v in things)), lambda: things.append(4)


@program
def operator_getter():
    g = operator.attrgetter("a.b")
    n = types.SimpleNamespace(a=types.SimpleNamespace(b=2))
    return (lambda x: x * g(n)), lambda: setattr(n, "a", types.SimpleNamespace(b=6))


@program
def abc_register():
    class A(abc.ABC):
        pass

    class B:
        pass

    b = B()
    return (lambda x: x * 2 if isinstance(b, A) else x), lambda: A.register(B)


def outcome(function, x):
    try:
        return "value", function(x).tolist()
    except Exception as error:
        return "raised", type(error)


# A program that reads a number which changes at each call meets the limit of specialisations, which warns.
@pytest.mark.filterwarnings("ignore:\\[FL103\\]:RuntimeWarning")
@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_the_call_after_a_change_is_eagers(make):
    x, outcomes = torch.tensor([1.5, -2.0]), []
    for lift in (lambda function: function, lambda function: framelift.compile(function, backend="eager")):
        torch.manual_seed(0)
        function, change = make()
        lifted = lift(function)
        outcomes.append([outcome(lifted, x) for _ in range(3)])
        if change is not None:
            change()
        outcomes[-1] += [outcome(lifted, x) for _ in range(2)]
    eager, captured = outcomes
    assert captured == eager
    assert eager[2] != eager[3]
