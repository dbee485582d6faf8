"""`y = comptime(fn)`: what a comptime function may give to the program, and what it may not."""

from __future__ import annotations

import collections
import functools

import pytest
import torch
from capturing import captured, ran

from framelift_comptime import ComptimeArgumentError, comptime


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -2.5, 1j, "a'b\n", b"x", ..., (), (1, ("a", None)), [1, [2.0]], {"a": [1], 2: (3,)},
        torch.float16, torch.device("cpu"), torch.strided, torch.channels_last, torch.Size([2, 3]), range(3),
        frozenset({1}),
    ],
)  # fmt: skip
def test_constants_reach_the_program(value):
    def f(x):
        given = comptime(lambda ctx: value)
        return x + 1, given

    given = ran(f, torch.ones(2))[1]
    assert given == value
    assert type(given) is type(value)


def test_a_variable_is_the_value_itself():
    def f(x):
        items = [x]
        same = comptime(lambda ctx: ctx.get_local("items"))
        same.append(1)
        return items is same, len(items), comptime(lambda ctx: (ctx.get_local("x"), {"n": ctx.get_local("items")}))

    x = torch.ones(2)
    identical, size, (given, names) = ran(f, x)
    assert (identical, size, names) == (True, 2, {"n": [x, 1]})
    assert given is x


def test_sizes_stay_symbolic():
    def f(x):
        n = comptime(lambda ctx: ctx.get_local("x").size(0))
        return x * n, n * 2

    result, _ = captured(f, dynamic=True)
    assert [node.op for node in result.graph.graph.nodes].count("placeholder") == 2
    assert ran(f, torch.ones(3), dynamic=True)[1] == 6


def test_emitted_calls_are_used():
    def f(x):
        y = comptime(lambda ctx: ctx.emit(torch.sin, ctx.get_local("x")), lambda: torch.sin(x))
        return y + comptime.emit(torch.mul, x, 3)

    x = torch.rand(3)
    assert torch.equal(ran(f, x), f(x))


def test_as_an_operand_and_in_a_condition():
    def f(x):
        if comptime(lambda ctx: ctx.get_local("x").size(0) == 2):
            return x + 1 + comptime(lambda ctx: 10)
        return x

    assert ran(f, torch.zeros(2)).tolist() == [11.0, 11.0]


def test_a_decorated_function_becomes_its_result():
    def f(x):
        @comptime
        def size(ctx):
            return ctx.get_local("x").size(1)

        return size

    assert ran(f, torch.ones(2, 5)) == 5


class Looks:
    def __init__(self, name):
        self.name = name

    def __call__(self, ctx):
        return ctx.get_local(self.name).size(0)

    def look(self, ctx):
        return ctx.get_local(self.name).size(0)

    @staticmethod
    def static(ctx):
        return 7

    @classmethod
    def of_class(cls, ctx):
        return cls.__name__


LOOKS = Looks("x")


def _at(name, ctx):
    return ctx.get_local(name).size(0)


def _named(ctx, name):
    return ctx.get_local(name).size(0)


def test_every_kind_of_callable():
    def f(x):
        own = functools.partial(_at, "x")
        return (
            comptime(LOOKS), comptime(LOOKS.look), comptime(Looks.static), comptime(Looks.of_class),
            comptime(fn=lambda ctx: 8), comptime(own), comptime(functools.partial(_named, name="x"), fallback_fn=list),
        )  # fmt: skip

    assert ran(f, torch.ones(4)) == (4, 4, 7, "Looks", 8, 4, 4)


def test_free_variables_and_defaults_are_those_of_the_frame():
    def f(x, k):
        y, scale = x * 2, 3

        def look(ctx, scale=scale, *, y=y):
            return (k, scale, y.size(0), y)

        return comptime(look)

    k, scale, size, y = ran(f, torch.ones(2), 5)
    assert (k, scale, size, y.tolist()) == (5, 3, 2, [2.0, 2.0])


def test_the_function_is_guarded_where_its_result_is_used():
    def f(x, look):
        return comptime(look)

    def g(x, look):
        comptime(look)
        return x

    def one(ctx):
        return 1

    used, _ = captured(f, x=torch.ones(2), look=one)
    dropped, _ = captured(g, x=torch.ones(2), look=one)
    assert "L['look']" in [guard.name for guard in used.guards if guard.kind == "ID_MATCH"]
    assert "L['look']" not in [guard.name for guard in dropped.guards if guard.kind == "ID_MATCH"]


CYCLIC = []
CYCLIC.append(CYCLIC)
Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), "an object"), (torch.ones(1), "a Tensor"), (len, "a builtin_function_or_method"),
        (lambda: 1, "a function"), (CYCLIC, "a list"), ([object()], "an object"), ({"a": object()}, "an object"),
        (Point(1, 2), "a Point"), (int, "a type"), (iter([]), "a list_iterator"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_name(value, kind):
    def f(x):
        y = comptime(lambda ctx: value)
        return y

    with pytest.raises(
        ComptimeArgumentError, match=f"must give a ComptimeVar or a Python constant, but is giving {kind}"
    ):
        captured(f)


def test_proxies_fakes_and_contexts_are_refused_with_a_remedy():
    def proxy(x):
        return comptime(lambda ctx: ctx.get_local("x").as_proxy() + 1)

    def fake(x):
        return comptime(lambda ctx: ctx.get_local("x").as_fake())

    def context(x):
        return comptime(lambda ctx: ctx)

    with pytest.raises(ComptimeArgumentError, match=r"giving a Proxy; put the call into the graph by ctx\.emit"):
        captured(proxy)
    with pytest.raises(ComptimeArgumentError, match="giving a FakeTensor; give the ComptimeVar itself"):
        captured(fake)
    with pytest.raises(ComptimeArgumentError, match="giving a ComptimeContext"):
        captured(context)


def test_a_statement_may_return_whatever_it_likes():
    def f(x):
        comptime(lambda ctx: ctx)
        comptime(lambda ctx: object())
        comptime(lambda ctx: ctx.get_local("x").as_proxy() + 1)
        return x + 1

    assert captured(f)[0].break_ is None


def test_a_variable_of_another_capture_is_refused():
    kept = []

    def f(x):
        comptime(lambda ctx: kept.append(ctx.get_local("x")))
        return x

    def g(x):
        return comptime(lambda ctx: kept[0])

    captured(f)
    with pytest.raises(ComptimeArgumentError, match="takes a ComptimeVar of this capture, but is given one of another"):
        captured(g)


def test_notes_are_values_too():
    def f(x):
        origin = comptime(lambda ctx: ctx.origin_of(ctx.get_local("x")))
        notes = comptime.guards_of(x)
        return origin, origin.kind, comptime.origin_of(x) == origin, len(notes), x + 1

    origin, kind, same, count, _ = ran(f, torch.ones(2))
    assert (kind, same, count) == ("argument", True, 0)
    assert str(origin).startswith("argument L['x'], first read at test_expression_position.py:")
