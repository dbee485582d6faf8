"""Hostile objects, odd names and keys, huge and cyclic containers: two calls, each equal to eager."""

from __future__ import annotations

import pytest
import torch

import framelift

X = torch.ones(3)


def programs():
    """Return the programs with their arguments.

    The objects are in here, and not in the module, where tools that collect tests would ask them for attributes.
    """
    found = []

    def program(name, function, *args):
        found.append(pytest.param(function, args, id=name))

    class H:
        def __eq__(s, o):
            raise RuntimeError("eq")

        def __hash__(s):
            raise RuntimeError("hash")

        def __getattr__(s, n):
            raise RuntimeError("getattr " + n)

        def __repr__(s):
            raise RuntimeError("repr")

        def __bool__(s):
            raise RuntimeError("bool")

        def __len__(s):
            raise RuntimeError("len")

    class Liar:
        @property
        def __class__(s):
            return torch.Tensor

    class M(type):
        def __eq__(c, o):
            raise RuntimeError("meta eq")

        def __hash__(c):
            return 1

        def __instancecheck__(c, o):
            raise RuntimeError("ic")

        def __getattribute__(c, n):
            if n in ("__mro__",):
                raise RuntimeError("mro")
            return type.__getattribute__(c, n)

    class MM(metaclass=M):
        k = 2

    h = H()
    program("hostile arg unused", lambda x, h: x + 1, X, h)
    program("hostile closure", lambda x: x + 1 if h is not None else x, X)
    program("hostile in list", lambda x: x * len([h, h]), X)
    program("hostile eq", lambda x: x if h == 3 else x, X)
    program("hostile in", lambda x: x if h in [1, 2] else x, X)
    program("hostile key", lambda x: {h: 1}, X)
    program("hostile attr", lambda x: h.foo, X)
    program("hostile truth", lambda x: x if h else x, X)
    l = Liar()
    program("liar", lambda x, l: x if isinstance(l, torch.Tensor) else x + 1, X, l)
    mm = MM()
    program("meta", lambda x: x * mm.k, X)
    program("meta2", lambda x: x * MM.k, X)
    d = {"a'b": 2, 'q"\n': 3, "\ud800": 4, "\\": 5, "{x}": 6, "%s": 7, b"\x00'": 8, None: 9, 3.5: 10, (1, "'"): 11}
    program(
        "keys",
        lambda x: sum((x * v for v in d.values()), x) + d["\ud800"] + d['q"\n'] + d["a'b"] + d[b"\x00'"] + d[1, "'"],
        X,
    )

    class K:
        pass

    k = K()
    setattr(k, "class", 3)
    setattr(k, "a b\n'", 4)
    setattr(k, "None", 5)
    setattr(k, "\ud800", 6)
    program(
        "attrs", lambda x: x * getattr(k, "class") * getattr(k, "a b\n'") * getattr(k, "None") * getattr(k, "\ud800"), X
    )
    setattr(k, "class", 9)
    ns = {}
    big = {f"k{i}": i for i in range(10000)}
    program("big dict one", lambda x: x * big["k77"], X)
    program("big dict sum", lambda x: x * sum(big.values()), X)
    cyc = [1]
    cyc.append(cyc)
    program("cyclic list", lambda x: x * cyc[1][1][0] + len(cyc), X)
    cd = {}
    cd["me"] = cd
    cd["k"] = 2
    program("cyclic dict", lambda x: x * cd["me"]["me"]["k"], X)

    class N:
        pass

    n = N()
    n.n = n
    n.k = 3
    program("cyclic obj", lambda x: x * n.n.n.k, X)
    program("cyclic repr", lambda x: (x, repr(cyc)), X)

    def entry_1(x, entry=1, miss=2, run=3, G=4, original=5, code=6, changed=7, DEFAULT=8, torch_state=9, graph=10):
        return x * entry + miss + run + G + original + code + changed + DEFAULT + torch_state + graph

    program("clash", entry_1, X)
    program("lambda default hostile", lambda x, hh=h: x, X)
    gl = {"torch": torch}
    exec("def f(x, /, __builtins__=3, __debug=4): return x*__builtins__", gl)
    program("builtins name", gl["f"], X)
    program("surrogate arg", lambda x, s: x * len(s), X, "\ud800'\"\n")
    program("huge int", lambda x, n: (x, len(hex(n + 1))), X, 10**5000)
    program("nan key", lambda x: x * {float("nan"): 1}.get(float("nan"), 5), X)

    class SubStr(str):  # noqa: SLOT000
        def __eq__(s, o):
            raise RuntimeError("eq")

        __hash__ = str.__hash__

    ss = SubStr("a")
    dd = {ss: 1}
    program("substr key", lambda x: x * dd["a"], X)
    program("substr arg", lambda x, s: x if s == "b" else x + 1, X, ss)

    class BadInt(int):
        def __add__(s, o):
            raise RuntimeError("add")

    program("badint", lambda x, i: x + i, X, BadInt(3))

    class G_:
        def __getattribute__(s, n):
            raise RuntimeError("ga " + n)

    g_ = G_()
    program("getattribute", lambda x, g: (x, type(g) is G_), X, g_)
    program("getattribute2", lambda x, g: g.foo, X, g_)

    class D:
        @property
        def __dict__(s):
            raise RuntimeError("dict")

    dd_ = D()
    program("dict prop", lambda x, g: x * g.k if hasattr(g, "k") else x, X, dd_)
    return found


def outcome(function, args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize(("function", "args"), programs())
def test_it_is_eagers(function, args):
    lifted = framelift.compile(function, backend="eager")
    for _ in range(2):
        expected, found = outcome(function, args), outcome(lifted, args)
        if isinstance(expected, torch.Tensor):
            assert torch.equal(found, expected)
        else:
            assert repr(found) == repr(expected)


def test_keyword_arguments_whose_names_are_no_names():
    lifted = framelift.compile(lambda x, **named: x * named["a b"] * named["class"], backend="eager")
    assert torch.equal(lifted(X, **{"a b": 2, "class": 3}), X * 6)


@pytest.mark.parametrize("cls", [set, dict.fromkeys], ids=["set", "dict"])
def test_a_new_container_of_objects_that_hash_in_python_is_copied(cls):
    class Key:
        def __hash__(self):
            return 1

    class Set(set):
        pass

    def program(x, other):
        made = Set(Key() for _ in range(3))
        framelift.graph_break()
        return x + len(made) + len(made & set(other))

    lifted = framelift.compile(program, backend="eager")
    other = cls(Key() for _ in range(2))
    for _ in range(2):
        assert torch.equal(lifted(X, other), X + 3)
    assert not lifted.framelift.capture_errors
