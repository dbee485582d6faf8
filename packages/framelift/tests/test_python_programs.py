"""Programs of the language and its standard library: all that is seen of them is what eager execution shows."""
# The programs are odd on purpose:
# ruff: noqa: F507, F524, F601, F821, FLY002, ICN001, PLC3002, PLE0305, PLE0643, PLE1307, PTH118, SLOT000, SLOT001

from __future__ import annotations

import abc
import bisect
import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import heapq
import inspect
import itertools
import json
import math
import numbers
import operator
import os
import pathlib
import re
import statistics
import string
import textwrap
import types
import typing
import weakref

import pytest
import torch
from observation import compare

import framelift

X = torch.arange(6.0).reshape(2, 3)
PROGRAMS = []


def program(*arguments, broken=False):
    """Add a program with its arguments; `broken`: it takes more than one graph, or none."""

    def add(function):
        PROGRAMS.append(pytest.param(function, arguments, broken, id=function.__name__))
        return function

    return add


def reset():
    global GN
    GN = 0
    GL[:] = [1]
    Obj.cls = 3


@dataclasses.dataclass
class DC:
    a: object
    b: int = 2
    c: list = dataclasses.field(default_factory=list)

    def __post_init__(s):
        s.d = s.b * 2


@dataclasses.dataclass(frozen=True, order=True)
class FZ:
    a: int
    b: int = 3


@dataclasses.dataclass(slots=True, kw_only=True)
class SL:
    a: object = 1


class NT(typing.NamedTuple):
    x: object
    y: int = 3

    def s(self):
        return self.x * self.y


class E(enum.Enum):
    A = 1
    B = 2


class IE(enum.IntEnum):
    A = 1
    B = 2


class FL(enum.Flag):
    A = 1
    B = 2


class SE(str, enum.Enum):
    A = "a"


@program(X)
def dcs(x):
    d = DC(x)
    e = dataclasses.replace(d, b=5)
    d.c.append(1)
    return (
        d,
        e,
        d.d,
        dataclasses.asdict(DC(1)),
        dataclasses.astuple(DC(1, c=[2])),
        [f.name for f in dataclasses.fields(d)],
        DC(1) == DC(1),
        repr(DC(1)),
        FZ(1) < FZ(2),
        hash(FZ(1)) == hash(FZ(1)),
        {FZ(1): 3}[FZ(1)],
        SL(a=x).a,
        dataclasses.is_dataclass(d),
    )


@program(X)
def frozen(x):
    f = FZ(1)
    try:
        f.a = 2
    except dataclasses.FrozenInstanceError as e:
        return x + 1, str(e)


@program(X, broken=True)
def nts(x):
    n = NT(x)
    m = n._replace(y=4)
    a, b = m
    return (
        n,
        m,
        n.s(),
        b,
        n._fields,
        n._asdict(),
        m[0],
        NT._make([1, 2]),
        n == n,
        isinstance(n, tuple),
        NT.__annotations__.keys(),
    )


@program(X)
def enums(x):
    r = (
        [e.name for e in E],
        E.A.value,
        E("x"[:0] or 1),
        E["B"],
        IE.A + 1,
        IE.B > IE.A,
        FL.A | FL.B,
        FL.A in (FL.A | FL.B),
        SE.A == "a",
        SE.A.upper(),
        E.A is E.A,
        {E.A: 1}[E.A],
        str(E.A),
        repr(E.B),
        f"{IE.A}",
        f"{SE.A}",
        E.A == E.B,
        len(E),
        isinstance(E.A, E),
        E.__members__.keys(),
        hash(E.A) == hash(E.A),
        type(E.A),
    )
    return x * IE.B, r


@program(X, broken=True)
def fstr(x):
    a = 3
    b = 2.5
    s = "q"
    return (
        x + 1,
        f"{a:03d}|{b:.2f}|{s!r:>5}|{a=}|{x.shape}|{x.dtype}|{a + b:{a}}",
        "%s %d %5.1f" % (s, a, b),
        "{} {k}".format(a, k=b),
        string.Template("$a").substitute(a=a),
        s.join("ab"),
        "a,b".split(","),
        "{0[k]}".format({"k": 1}),
        s.center(5, "*"),
        "aB".swapcase(),
        str(x.device),
        f"{x.size(0)}",
        f"{None} {True} {[1, (2,)]} {{}}",
    )


class Err(Exception):
    def __init__(s, a):
        super().__init__(a, "z")
        s.a = a


@program(X, broken=True)
def excs(x):
    out = []
    try:
        try:
            raise Err(3)
        except Err as e:
            out.append((e.a, e.args, str(e)))
            raise ValueError("v") from e
        else:
            out.append("no")
        finally:
            out.append("fin")
    except (KeyError, ValueError) as e:
        out.append((type(e).__name__, type(e.__cause__).__name__, e.__context__ is e.__cause__, e.__suppress_context__))
    try:
        assert x.shape[0] == 5, f"bad {x.shape[0]}"
    except AssertionError as e:
        out.append(str(e))
    for c in (
        lambda: {}["k"],
        lambda: [][1],
        lambda: 1 / 0,
        lambda: int("z"),
        lambda: None.q,
        lambda: undefined,
        lambda: (1, 2) + [3],
        lambda: next(iter([])),
        lambda: float("x"),
        lambda: {}.pop("z"),
        lambda: [].pop(),
        lambda: [].remove(1),
        lambda: "a".index("z"),
        lambda: len(3),
        lambda: "a" + 1,
        lambda: [1] < ["a"],
        lambda: {[]},
        lambda: dcs(1, 2, 3),
        lambda: x.nope,
        lambda: x[5],
        lambda: torch.ones(2) + torch.ones(3),
        lambda: getattr(3, "z"),
        lambda: setattr(3, "z", 1),
        lambda: math.sqrt(-1),
        lambda: chr(-1),
        lambda: ord("ab"),
        lambda: range(1.5),
        lambda: abs("a"),
        lambda: sum(["a"]),
        lambda: max([]),
        lambda: sorted([1, "a"]),
        lambda: int([]),
        lambda: (lambda a: a)(),
        lambda: (lambda: 0)(1),
        lambda: (lambda *, k: 0)(),
        lambda: iter(3),
        lambda: list(zip([1], [1, 2], strict=True)),
        lambda: [*3],
        lambda: {**3},
        lambda: "x" % (1,),
        lambda: "%d" % "a",
        lambda: "{}".format(),
        lambda: f"{3:zz}",
        lambda: isinstance(1, 3),
        lambda: object().z,
        lambda: super(),
        lambda: 1 in 3,
        lambda: del_(),
    ):
        try:
            out.append(c())
        except Exception as e:
            out.append((type(e).__name__, str(e)[:60]))
    return x + 1, out


def del_():
    a = 1
    del a
    return a


@program(X)
def raise1(x):
    raise Err(x.shape[0])


@program(X)
def raise2(x):
    y = x + 1
    try:
        raise KeyError("a")
    finally:
        x.add_(1)


@program(X, broken=True)
def raise3(x):
    x.mul_(2)
    if x.shape[0] == 2:
        raise ValueError(f"{x.shape}")


class Cm:
    def __init__(s, l, sup=False):
        s.l = l
        s.sup = sup

    def __enter__(s):
        s.l.append("in")
        return s

    def __exit__(s, t, v, tb):
        s.l.append(("out", t and t.__name__, str(v)))
        return s.sup


@contextlib.contextmanager
def gcm(l):
    l.append("gin")
    try:
        yield len(l)
    except ValueError as e:
        l.append("caught %s" % e)
    finally:
        l.append("gout")


@program(X)
def cms(x):
    l = []
    with Cm(l) as c, gcm(l) as n:
        x = x + n
    with Cm(l, True):
        raise KeyError("k")
    with gcm(l):
        raise ValueError("vv")
    with contextlib.ExitStack() as st:
        st.enter_context(Cm(l))
        st.enter_context(gcm(l))
        st.callback(l.append, "cb")
        x = x * 2
    with contextlib.suppress(KeyError):
        {}["z"]
    with contextlib.nullcontext(5) as q:
        x = x + q

    @gcm(l)
    def deco(v):
        return v + 1

    try:
        with Cm(l):
            x.view(-1)
            raise IndexError("i")
    except IndexError:
        l.append("ie")
    for i in range(3):
        with Cm(l):
            if i == 1:
                continue
            if i == 2:
                break

    def ret():
        with Cm(l):
            return 5

    return x, l, ret(), c is not None


@program(X)
def closures(x):
    n = 0
    fs = []

    def inc(k=1):
        nonlocal n
        n += k
        return n

    for i in range(3):
        fs.append(lambda j=i: (i, j))
    inc()
    inc(5)

    def mk():
        v = x

        def g():
            nonlocal v
            v = v + 1
            return v

        return g

    g = mk()
    g()
    return g(), n, [f() for f in fs], inc.__defaults__, (lambda *a, k=3, **kw: (a, k, kw))(1, 2, z=3)


GL = [1]
GN = 0


@program(X)
def globs(x):
    global GN
    GN += 1
    GL.append(GN)
    return x * GN, list(GL)


@program(X, broken=True)
def gens(x):
    def g(n):
        r = yield n
        while r:
            r = yield r * 2
        return "done"

    def d():
        v = yield from g(3)
        yield v

    it = d()
    a = [next(it)]
    a.append(it.send(4))
    a.append(next(it))
    gg = (i * i for i in range(4) if i % 2)

    def cl():
        try:
            yield 1
        finally:
            a.append("closed")

    c = cl()
    next(c)
    c.close()

    def th():
        try:
            yield 1
        except ValueError as e:
            yield str(e)

    t = th()
    next(t)
    a.append(t.throw(ValueError("tt")))
    return x + sum(gg), a, list(map(lambda q: q + 1, [1, 2])), [*zip("ab", [1, 2])], dict(zip("ab", range(2)))


@program(X, broken=True)
def iters(x):
    l = [3, 1, 2]
    return (
        x * len(l),
        sorted(l, key=lambda v: -v),
        sorted(l, reverse=True),
        list(reversed(l)),
        list(enumerate(l, 1)),
        list(filter(None, [0, 1])),
        list(map(max, [1, 2], [3, 0])),
        any(v > 2 for v in l),
        all(l),
        sum(l, 10),
        min(l, key=lambda v: abs(v - 2)),
        max("a", "b"),
        list(itertools.chain([1], [2])),
        list(itertools.islice(itertools.count(5, 2), 3)),
        list(itertools.product([1, 2], "a")),
        list(itertools.permutations([1, 2, 3], 2))[:3],
        list(itertools.combinations([1, 2, 3], 2)),
        list(itertools.accumulate([1, 2, 3])),
        list(itertools.zip_longest([1], [2, 3], fillvalue=0)),
        list(itertools.starmap(pow, [(2, 3)])),
        list(itertools.takewhile(lambda v: v < 3, [1, 2, 3, 1])),
        list(itertools.dropwhile(lambda v: v < 3, [1, 2, 3, 1])),
        list(itertools.repeat(1, 2)),
        [list(g) for k, g in itertools.groupby([1, 1, 2])],
        list(itertools.compress("abc", [1, 0, 1])),
        list(itertools.pairwise([1, 2, 3])),
        functools.reduce(operator.add, [1, 2, 3]),
        next(iter([]), 7),
        list(iter([1, 2, 3])),
        list(itertools.chain.from_iterable([[1], [2]])),
        list(itertools.tee([1, 2])[1]),
        list(itertools.filterfalse(None, [0, 1])),
    )


@program(X)
def colls(x):
    c = collections.Counter("aab")
    c.update("b")
    od = collections.OrderedDict(a=1, b=2)
    od.move_to_end("a")
    dd = collections.defaultdict(list)
    dd["q"].append(x)
    dq = collections.deque([1, 2, 3], maxlen=3)
    dq.append(4)
    dq.rotate(1)
    cm = collections.ChainMap({"a": 1}, {"b": 2, "a": 3})
    ud = collections.UserDict(a=1)
    return (
        x + 1,
        c,
        c.most_common(1),
        c["z"],
        c + c,
        c - collections.Counter("a"),
        list(c.elements()),
        od,
        od.popitem(last=False),
        dd,
        dq,
        list(dq),
        cm["a"],
        dict(cm),
        cm.new_child({"z": 1})["z"],
        ud["a"],
        dq.popleft(),
        len(dq),
        sum(c.values()),
    )


@program(X)
def dicts(x):
    d = {"a": 1, "b": x}
    d["c"] = 3
    d |= {"z": 0}
    e = {**d, "a": 2}
    k = d.keys() & {"a", "q"}
    d2 = dict(a=1)
    d2.setdefault("b", []).append(1)
    p = d2.pop("a")
    del d["b"]
    return (
        x + 1,
        d,
        list(e),
        sorted(k),
        d2,
        p,
        d.get("zz"),
        d.items() >= {("a", 1)},
        {v: k for k, v in {"q": 1}.items()},
        "a" in d,
        len(d),
        dict.fromkeys("ab", 0),
        list(reversed(d)),
        d == {"a": 1, "c": 3, "z": 0},
        next(iter(d)),
        d.popitem(),
        [*d.values()],
        min(d),
        {1: "a", True: "b", 1.0: "c"},
    )


@program(X, broken=True)
def sets(x):
    s = {1, 2, 3}
    t = frozenset([2, 3, 4])
    s.add(5)
    s.discard(9)
    s -= {1}
    return (
        x + len(s),
        s | t,
        s & t,
        s ^ t,
        s - t,
        t >= {2},
        s.isdisjoint({9}),
        {1, 2} == {2, 1},
        s.union([7], [8]),
        sorted(s),
        {frozenset([1]): 1}[frozenset([1])],
        s.pop() in (2, 3, 5),
        {*"ab"} == {"a", "b"},
        t.issubset({2, 3, 4, 5}),
        len({1, True, 1.0}),
    )


@program(X)
def lists(x):
    l = [1, 2, 3]
    l[1:2] = [7, 8]
    l.insert(0, x)
    l.extend((4, 5))
    del l[-1]
    l *= 1
    m = l[:]
    m.reverse()
    a, *b, c = [1, 2, 3, 4]
    l2 = [3, 1]
    l2.sort()
    l3 = [[0] * 2 for _ in range(2)]
    l3[0][0] = 1
    l4 = [1, 2, 3, 4, 5]
    l4[::2] = [0, 0, 0]
    del l4[1:3]
    return (
        l,
        m,
        a,
        b,
        c,
        l2,
        l3,
        [1, 2] + [3],
        [1, 2] < [1, 3],
        l4,
        [1, 2, 3].index(2),
        [1, 1].count(1),
        (1, 2) * 2,
        (1,) + (2,),
        [i for i in range(10)][2:8:2],
        x + l[1],
        slice(1, 2).indices(5),
        l[-1],
        3 in l4,
    )


@program(X, 3)
def matchs(x, n):
    def m(v):
        match v:
            case 0:
                return "zero"
            case int(k) if k > 5:
                return k
            case [a, *r]:
                return ("seq", a, r)
            case {"k": v, **rest}:
                return v, rest
            case DC(a=1):
                return "dc"
            case NT(x, y):
                return y
            case "a" | "b":
                return "ab"
            case E.A:
                return "ea"
            case None:
                return "none"
            case str() as s:
                return s
            case _:
                return "other"

    return x * n, [
        m(v) for v in (0, 6, 3, [1, 2], (3,), {"k": 1, "j": 2}, DC(1), DC(2), NT(1, 2), "b", E.A, None, "zz", 2.5)
    ]


class Desc:
    def __set_name__(s, o, n):
        s.n = "_" + n

    def __get__(s, i, o=None):
        return s if i is None else getattr(i, s.n, 0) * 2

    def __set__(s, i, v):
        setattr(i, s.n, v + 1)


class Meta(type):
    def __new__(m, n, b, d):
        d["tag"] = n
        return super().__new__(m, n, b, d)

    def __call__(c, *a):
        o = super().__call__(*a)
        o.called = 1
        return o

    @property
    def mp(c):
        return c.tag + "!"


class Obj(metaclass=Meta):
    z = Desc()
    cls = 3

    def __init__(s, v):
        s.v = v

    def __getattr__(s, n):
        if n.startswith("dyn"):
            return n
        raise AttributeError(n)

    def __call__(s, q):
        return s.v * q

    def __add__(s, o):
        return Obj(s.v + (o.v if isinstance(o, Obj) else o))

    __radd__ = __add__

    def __eq__(s, o):
        return isinstance(o, Obj) and s.v is o.v

    def __hash__(s):
        return 7

    def __len__(s):
        return 4

    def __getitem__(s, i):
        return (i, s.v)

    def __contains__(s, i):
        return i == 3

    def __iter__(s):
        return iter([1, s.v])

    def __bool__(s):
        return False

    def __lt__(s, o):
        return True

    def __neg__(s):
        return Obj(-s.v)

    def __repr__(s):
        return "OBJ"

    def __format__(s, f):
        return "fmt" + f

    def __enter__(s):
        return s

    def __exit__(s, *a):
        return True

    def __matmul__(s, o):
        return "mm"

    def __index__(s):
        return 2

    def __setitem__(s, k, v):
        s.__dict__[k] = v

    def __delitem__(s, k):
        del s.__dict__[k]

    @property
    def pr(s):
        return s.v + 1

    @pr.setter
    def pr(s, v):
        s.v = v * 10

    @classmethod
    def mk(c, v):
        return c(v)

    @staticmethod
    def st(v):
        return v + 2


class Kid(Obj):
    def __init__(s, v):
        super().__init__(v)
        s.w = 1

    def __call__(s, q):
        return super().__call__(q) + 1

    @property
    def pr(s):
        return super().pr + 100


@program(X, broken=True)
def objs(x):
    o = Obj(x)
    k = Kid.mk(x + 1)
    o.z = 4
    o.pr = k.v
    o["item"] = 5
    r = [
        o.z,
        o.dyn1,
        hasattr(o, "nope"),
        getattr(o, "nope", 3),
        o(2),
        (o + 1).v,
        (1 + o).v,
        o == o,
        {o: 1}[o],
        len(o),
        o[2],
        3 in o,
        list(o),
        bool(o),
        o < k,
        (-o).v,
        repr(o),
        f"{o:zz}",
        o @ 1,
        [1, 2, 3][o],
        k.pr,
        k(3),
        o.called,
        Obj.tag,
        Kid.tag,
        Obj.mp,
        isinstance(k, Obj),
        issubclass(Kid, Obj),
        type(k).__mro__[1].__name__,
        Obj.st(1),
        o.cls,
        vars(o).keys(),
        o.item,
        callable(o),
        Kid.__name__,
        k.__class__ is Kid,
        o is not k,
    ]
    del o["item"]
    with o:
        raise ValueError
    return r, o, k


@program(X)
def setcls(x):
    Obj.cls += 1
    return x * Obj.cls


@program(X, broken=True)
def fnattrs(x):
    def f(a, b=2, *c, d=3, **e):
        "doc"
        return a

    f.k = 5
    p = functools.partial(f, 1, b=3)
    w = functools.wraps(f)(lambda: 0)
    return (
        x * f.k,
        f.__name__,
        f.__doc__,
        f.__defaults__,
        f.__kwdefaults__,
        p(),
        p.func is f,
        p.args,
        p.keywords,
        w.__name__,
        w.__wrapped__ is f,
        inspect.signature(f).parameters.keys() if 0 else 1,
        f.__code__.co_varnames,
        types.FunctionType is type(f),
        f.__module__,
        f.__qualname__,
    )


@functools.singledispatch
def sd(v):
    return "obj"


@sd.register
def _(v: int):
    return "int"


@sd.register(list)
def _(v):
    return "list"


@program(X, broken=True)
def sdisp(x):
    return x + 1, sd(1), sd([]), sd("a"), sd(True)


class SDM:
    @functools.singledispatchmethod
    def m(s, v):
        return "o"

    @m.register
    def _(s, v: int):
        return "i"

    pm = functools.partialmethod(lambda s, a, b: (a, b), 1)


@program(X, broken=True)
def sdm(x):
    o = SDM()
    return x + 1, o.m(1), o.m("a"), o.pm(2)


class Ab(abc.ABC):
    @abc.abstractmethod
    def f(s): ...
    @classmethod
    def __subclasshook__(c, o):
        return NotImplemented


class Ac(Ab):
    def f(s):
        return 3


@program(X, broken=True)
def abcs(x):
    try:
        Ab()
    except TypeError as e:
        m = str(e)
    return (
        x * Ac().f(),
        m,
        isinstance(Ac(), Ab),
        isinstance([], collections.abc.Sequence),
        isinstance({}, collections.abc.Mapping),
        issubclass(int, numbers.Number),
        isinstance(3, typing.Hashable),
        callable(Ac),
    )


@program(X, broken=True)
def typs(x):
    T = typing.TypeVar("T")
    return (
        x + 1,
        typing.cast(int, 3),
        typing.get_origin(list[int]),
        typing.get_args(dict[str, int]),
        isinstance(3, int | str),
        typing.Optional[int],
        int | None,
        typing.TYPE_CHECKING,
    )


@program(X)
def maths(x):
    return (
        x * math.pi,
        math.floor(2.5),
        math.ceil(2.1),
        math.sqrt(4),
        math.prod([1, 2, 3]),
        math.gcd(4, 6),
        math.isnan(float("nan")),
        math.inf,
        math.log(8, 2),
        math.hypot(3, 4),
        round(2.567, 2),
        divmod(7, 3),
        pow(2, 3, 5),
        abs(-3),
        int("12"),
        float("1e3"),
        bin(5),
        hex(255),
        complex(1, 2),
        (3).bit_length(),
        (2.5).is_integer(),
        int.from_bytes(b"\x01", "big"),
        bool([]),
        hash("a") == hash("a"),
        chr(97),
        ord("a"),
        ascii("é"),
        sum([0.1] * 3),
        7 // 2,
        -7 // 2,
        -7 % 3,
        2**-1,
        1 << 3,
        ~5,
        True + 1,
        3 if x.dim() else 4,
        isinstance(True, int),
        round(2.5),
        format(3.14159, ".2f"),
        math.copysign(1, -0.0),
    )


@program(X, broken=True)
def opers(x):
    return (
        operator.add(x, 1),
        operator.itemgetter(1, 0)([1, 2]),
        operator.attrgetter("shape")(x),
        operator.methodcaller("sum")(x),
        operator.getitem([1, 2], 1),
        operator.contains([1], 1),
        operator.not_(0),
        operator.truth([1]),
        operator.index(3),
        operator.concat([1], [2]),
        operator.is_(x, x),
        operator.matmul(x, x.T),
        operator.neg(x),
        operator.iadd([1], [2]),
        operator.setitem({}, 1, 2),
        operator.length_hint([1, 2]),
        operator.countOf([1, 1], 1),
    )


@program(X, broken=True)
def strs(x):
    return (
        x + 1,
        "a b".title(),
        "abc".find("c"),
        "a-b".partition("-"),
        "abc"[::-1],
        "abc".encode(),
        b"ab".decode(),
        "x".isdigit(),
        "a" * 3,
        "abc".replace("b", "z"),
        "  a ".strip(),
        "a\nb".splitlines(),
        "abc".startswith(("a", "z")),
        "%".join(["1", "2"]),
        "aXb".lower(),
        re.sub("a", "b", "aa"),
        re.match(r"(\d+)", "12a").group(1),
        re.compile("a+").findall("aabaa"),
        "{:>4}".format("a"),
        "ab".zfill(4),
        "a" < "b",
        "abc".translate({97: "z"}),
        "é".casefold(),
        max("abc"),
        sorted("cab"),
        "a" in "abc",
        "abc".rsplit("b", 1),
        textwrap.dedent("  a"),
        json.dumps({"a": [1, None]}),
        str(1.0),
        repr("a'b"),
        "\t".expandtabs(),
    )


@program(X, broken=True)
def weak(x):
    o = Ac()
    r = weakref.ref(o)
    d = weakref.WeakValueDictionary()
    return x + 1, r() is o, o.f()


@program(X)
def walrus(x):
    if (n := x.shape[0]) > 1:
        x = x * n
    l = [y := 1, y**2]
    while (k := len(l)) < 5:
        l.append(k)
    for i in range(5):
        if i == 3:
            break
    else:
        x = x + 100
    for j in []:
        pass
    else:
        x = x + 1000
    a = b = [1]
    b.append(2)
    c, (d, e) = 1, (2, 3)
    f = 1 if a else 2
    g = not a
    h = a and b
    i2 = None or 5
    del c
    return x, l, n, i, a is b, d, e, f, g, h, i2, 1 < 2 < 3, (lambda: 1)(), *[1, 2], {**{"a": 1}}, [*"ab"]


@program(X, [1, 2], {"a": 1}, Ac())
def mutargs(x, l, d, o):
    l.append(x.shape[0])
    l[0] = 9
    d["n"] = x * 2
    del d["a"]
    o.attr = l
    o.t = x + 1
    x.add_(1)
    l2 = l
    l2 += [4]
    d.update(q=l)
    return l is o.attr, len(l), d["n"] is d["n"]


@program(X, [X, X], {"a": [X]})
def alias(x, l, d):
    l[0].add_(1)
    d["a"][0].mul_(2)
    return l[0] is l[1], x, l[1] + 1


@program(X, broken=True)
def recur(x):
    def fact(n):
        return 1 if n < 2 else n * fact(n - 1)

    @functools.lru_cache
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    return x * fact(5), fib(10)


@program(X)
def loops(x):
    i = 0
    while True:
        i += 1
        if i % 2:
            continue
        if i > 6:
            break
        x = x + i
    for a, (b, c) in [(1, (2, 3))]:
        x = x * a + b - c
    for i in range(5, 0, -2):
        x = x + i
    for k, v in {"a": 1}.items():
        x = x + v
    for ch in "ab":
        x = x + ord(ch)
    for row in x:
        x = x + row
    return x, i


@program(X, broken=True)
def prints(x):
    print("a", x.shape, sep="-", end="!")
    y = x + 1
    print("b", 3)
    return y


@program(X, broken=True)
def classin(x):
    class L:
        k = 3

        def m(s):
            return x * s.k

    return L().m()


@program(X, broken=True)
def evals(x):
    return x * eval("1+2"), len(dir([])) > 3, sorted(locals())


@program(X, broken=True)
def heap(x):
    h = [3, 1, 2]
    heapq.heapify(h)
    heapq.heappush(h, 0)
    return (
        x * heapq.heappop(h),
        h,
        bisect.bisect([1, 2, 3], 2),
        statistics.mean([1, 2, 3]),
        heapq.nlargest(2, [1, 3, 2]),
    )


@program(X, broken=True)
def decs(x):
    return (
        x + 1,
        decimal.Decimal("1.1") + 1,
        fractions.Fraction(1, 3) * 3,
        datetime.date(2020, 1, 2).year,
        pathlib.PurePosixPath("a") / "b",
        os.path.join("a", "b"),
    )


@program(X)
def starcalls(x):
    def f(*a, **k):
        return a, k

    def g(a, /, b, *, c=1):
        return a, b, c

    return (
        x + 1,
        f(*[1], 2, *(3,), **{"a": 1}, b=2),
        g(1, b=2),
        g(*(1, 2), **{"c": 3}),
        (lambda a, *b: b)(*range(3)),
        print.__name__,
    )


@program(X)
def userlist(x):
    class_ = L1([x, 1])
    class_.append(2)
    return (
        class_,
        class_[0] + 1,
        class_.total(),
        isinstance(class_, list),
        L1([1]) + [2],
        D1(a=1)["zz"],
        D1(a=1),
        T1((1, 2)),
        T1((1, 2))[0],
        S1("ab").up(),
        I1(3) + 1,
        I1(3).dbl(),
        F1(2.5) * 2,
    )


class L1(list):
    def total(s):
        return len(s)


class D1(dict):
    def __missing__(s, k):
        return "miss"


class T1(tuple):
    pass


class S1(str):
    def up(s):
        return s.upper()


class I1(int):
    def dbl(s):
        return s * 2


class F1(float):
    pass


class GivesSubclasses:
    def __int__(s):
        return I1(3)

    def __float__(s):
        return F1(2.5)

    def __index__(s):
        return True


@program(X, broken=True)
def conversions_that_give_subclasses(x):
    g = GivesSubclasses()
    i, f, n = int(g), float(g), operator.index(g)
    return i, type(i), f, type(f), n, type(n), x + i + f + n


class PrintsIndex:
    def __index__(s):
        print("asked")
        return True


@program(X, broken=True)
def an_index_that_is_asked_once(x):
    return operator.index(PrintsIndex()), int(PrintsIndex()), float(PrintsIndex()), x + 1


@program(X, broken=True)
def texts_of_what_holds_itself(x):
    items, fields = [1], {}
    items.append(items)
    fields["self"] = fields
    pair = (items, fields, {3})
    fields["pair"] = pair
    return repr(items), repr(fields), str(pair), f"{fields!a}", x + 1


class Bare:
    __slots__ = ("k",)


class Guarded:
    read = property(lambda s: 1)
    written = property(None, lambda s, v: None)

    class Inner:
        read = property(lambda s: 1)


def what_is_missing(act):
    try:
        act()
    except (AttributeError, NameError) as error:
        return type(error), str(error), error.name, type(getattr(error, "obj", None)), error


@program(X, broken=True)
def errors_of_look_ups_tell_what_was_looked_up(x):
    y = x + 1
    told = [
        what_is_missing(lambda: Bare().nothing),
        what_is_missing(lambda: [y].nothing),
        what_is_missing(lambda: y.nothing),
        what_is_missing(lambda: math.nothing),
        what_is_missing(lambda: Bare.nothing),
        what_is_missing(lambda: getattr(3, "nothing")),  # noqa: B009
        what_is_missing(lambda: Bare().k),
        what_is_missing(lambda: no_such_name),
        what_is_missing(lambda: unbound),
        what_is_missing(lambda: delattr(Bare(), "k")),
        what_is_missing(lambda: setattr(Bare(), "z", 1)),
        what_is_missing(lambda: setattr(Guarded(), "read", 1)),
        what_is_missing(lambda: delattr(Guarded.Inner(), "read")),
        what_is_missing(lambda: Guarded().written),
    ]
    if y is None:
        unbound = 1
    return told, told[1][-1].name, told[2][-1].obj, told[7][-1].name


@program(X, broken=True)
def super_of_another(x):
    y = x + 1
    try:
        super(L1, 3).total()
    except TypeError as error:
        return str(error), y


@program(X)
def an_attribute_error_that_leaves(x):
    return (x + 1).nothing


def test_an_error_that_leaves_tells_what_was_looked_up():
    def missing(x):
        return [x + 1].nothing

    lifted = framelift.compile(missing, backend="eager")
    with pytest.raises(AttributeError) as raised:
        lifted(X)
    assert raised.value.name == "nothing"
    assert torch.equal(raised.value.obj[0], X + 1)


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize(("function", "arguments", "broken"), PROGRAMS)
def test_all_that_is_seen(function, arguments, broken, dynamic):
    lifted, counter = compare(function, arguments, dynamic=dynamic, reset=reset)
    if not broken and dynamic is None:
        assert not lifted.framelift.breaks, [str(one) for one in lifted.framelift.breaks]
