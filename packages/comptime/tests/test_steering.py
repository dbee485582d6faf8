"""Calls that change what is captured: guards, graph calls, breaks, specialisation."""

from __future__ import annotations

import pytest
import torch
from capturing import OUT, captured, ran

from framelift_comptime import ComptimeArgumentError, ComptimeError, comptime
from framelift_guards import PredicateError, Scope


def custom(found):
    return [str(guard) for guard in found.guards if guard.kind == "LAMBDA_GUARD"]


def is_small(n):
    return n < 10


# ---- add_guard ------------------------------------------------------------------------------------------------------


def test_a_predicate_becomes_a_guard_with_the_users_line():
    def f(x, n):
        comptime.add_guard(n, is_small, "small")
        return x + n

    found, _ = captured(f, x=torch.ones(2), n=3)
    (guard,) = [one for one in found.guards if one.kind == "LAMBDA_GUARD"]
    assert str(guard) == "small(L['n'])"
    line = f.__code__.co_firstlineno + 1
    assert str(guard.failure(Scope({"n": 30}))) == (
        f"n satisfied small, now it is 30 (test_steering.py:{line} relies on it); "
        "pass a value that satisfies small, or lift a function for each answer"
    )
    assert guard.check(Scope({"n": 9}))


def test_what_it_tells_now_is_what_is_guarded():
    def f(x, n):
        comptime.add_guard(n, is_small, "small")
        return x + n

    found, _ = captured(f, x=torch.ones(2), n=30)
    assert custom(found) == ["not small(L['n'])"]


class Holder:
    def __init__(self):
        self.size = 4
        self.items = [1, 2]


HOLDER = Holder()


def test_on_whatever_existed_before(capsys):
    outer = 5

    def f(x, h, *rest, **named):
        size, item = h.size, h.items[1]
        first, word, free = rest[0], named["word"], outer
        here = HOLDER.size
        comptime.add_guard(size, bool, "p")
        comptime.add_guard(item, bool, "p")
        comptime.add_guard(first, bool, "p")
        comptime.add_guard(word, bool, "p")
        comptime.add_guard(free, bool, "p")
        comptime.add_guard(here, bool, "p")
        comptime.add_guard(h, bool, "p")
        comptime.add_guard(x, lambda t: t.ndim == 1, "p")
        return x + 1

    found, _ = captured(f, x=torch.ones(2), h=Holder(), rest=(7,), named={"word": "w"})
    assert custom(found) == [
        "p(L['h'].size)", "p(L['h'].items[1])", "p(L['rest'][0])", "p(L['named']['word'])", "p(L['outer'])",
        "p(G['HOLDER'].size)", "p(L['h'])", "p(L['x'])",
    ]  # fmt: skip


def test_on_a_symbolic_size_and_a_symbolic_number():
    def f(x, n):
        rows = x.size(0)
        comptime.add_guard(rows, lambda n: n % 2 == 0, "even")
        comptime.add_guard(n, is_small, "small")
        return x * rows * n

    found, _ = captured(f, dynamic=True, x=torch.ones(4), n=3)
    assert custom(found) == ["even(L['x'].size()[0])", "small(L['n'])"]


def test_on_what_the_program_made_it_is_an_error():
    def f(x):
        y = x * 2
        comptime.add_guard(y, bool)
        return y

    def g(x):
        comptime.add_guard(3, bool)
        return x

    for function in (f, g):
        with pytest.raises(ComptimeError, match="needs a value that existed before the capture"):
            captured(function)


def test_a_predicate_that_raises_is_named():
    def inverse(n):
        return 1 / n

    def f(x, n):
        comptime.add_guard(n, inverse)
        return x + 1

    with pytest.raises(
        ComptimeError, match=r"the predicate 'inverse' \(test_steering.py:\d+\).*ZeroDivision"
    ) as raised:
        captured(f, x=torch.ones(2), n=0)
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    found, _ = captured(f, x=torch.ones(2), n=1)
    (guard,) = [one for one in found.guards if one.kind == "LAMBDA_GUARD"]
    with pytest.raises(PredicateError, match="inverse"):
        guard.check(Scope({"n": 0}))


def test_a_predicate_over_compile_time_values_is_refused():
    def f(x):
        y = x * 2
        comptime.add_guard(x, lambda t: t.shape == y.shape)
        return y

    def g(x):
        def look(ctx):
            size = ctx.get_local("x")
            ctx.add_guard(ctx.get_local("x"), lambda t, size=size: size is t)

        comptime(look)
        return x

    with pytest.raises(ComptimeArgumentError, match="takes a predicate over run-time values, but is using y, a Compt"):
        captured(f)
    with pytest.raises(ComptimeArgumentError, match="using as a default value, a ComptimeVar"):
        captured(g)


def test_what_is_no_predicate_is_refused():
    def f(x):
        comptime.add_guard(x, 3)
        return x

    def g(x):
        comptime(lambda ctx: ctx.add_guard(3, bool))
        return x

    with pytest.raises(ComptimeArgumentError, match="takes a function, but is an int"):
        captured(f)
    with pytest.raises(ComptimeArgumentError, match="takes a ComptimeVar, but is given an int"):
        captured(g)


def test_print_guards_lists_it():
    def f(x, n):
        comptime.add_guard(n, is_small)
        comptime.print_guards(file=OUT)
        return x + n

    assert "local \"L['n']\" LAMBDA_GUARD" in captured(f, x=torch.ones(2), n=3)[1]


# ---- emit -----------------------------------------------------------------------------------------------------------


def test_emitted_calls_are_in_the_graph():
    def f(x):
        def act(ctx):
            x = ctx.get_local("x")
            y = ctx.emit(torch.add, x, x, alpha=2)
            OUT.write(f"{y!r} {y.size(0)} {y.python_type().__name__}\n")
            ctx.print_graph(verbose=False, file=OUT)
            return y

        return comptime(act)

    text = captured(f, x=torch.ones(2))[1]
    assert text.splitlines() == [
        "FakeTensor(..., size=(2,)) 2 Tensor",
        "def forward(self, L_x_ : torch.Tensor):",
        "    l_x_ = L_x_",
        "    add = torch.add(l_x_, l_x_, alpha = 2);  l_x_ = add = None",
    ]
    assert ran(f, torch.ones(2)).tolist() == [3.0, 3.0]


def test_a_function_of_the_users_is_one_call_of_the_graph():
    seen = []

    def log(t, label):
        seen.append((label, type(t).__name__))

    def scaled(t, k):
        return t * k

    def f(x):
        comptime.emit(log, x, "here")
        return (
            comptime.emit(scaled, x, k=3) + comptime(lambda ctx: ctx.emit(torch.Tensor.split, ctx.get_local("x"), 1))[0]
        )

    found, _ = captured(f, x=torch.ones(2))
    assert [getattr(node.target, "__name__", node.target) for node in found.graph.graph.nodes][1:3] == ["log", "scaled"]
    del seen[:]
    assert ran(f, torch.ones(2)).tolist() == [4.0, 4.0]
    assert ("here", "Tensor") in seen


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda ctx: ctx.emit(torch.sin, 3),
            r"emit\(sin, ...\) must be a call that the graph can.*must be Tensor",
        ),
        (lambda ctx: ctx.emit(3), r"emit\(fn, \*vals\) takes a function first, but is an int"),
        (
            lambda ctx: ctx.emit(torch.sin, object()),
            "must give a ComptimeVar or a Python constant, but is giving an obj",
        ),
        (lambda ctx: ctx.emit(torch.mm, ctx.get_local("x"), ctx.get_local("x")), "mm could not be propagated"),
        (lambda ctx: ctx.emit(torch.Tensor.item, ctx.get_local("x")), "must be a call that the graph can hold"),
        (lambda ctx: ctx.emit(len, ctx.get_local("x")), "it gives neither a tensor nor None"),
    ],
)
def test_calls_that_cannot_be_emitted(make, why):
    def f(x):
        comptime(make)
        return x + 1

    with pytest.raises(ComptimeError, match=why):
        captured(f)


# ---- force_static, graph_break --------------------------------------------------------------------------------------


def test_force_static_settles_numbers_and_what_is_made_of_them():
    def f(x, n):
        m = n * 2
        comptime.print(m, file=OUT)
        comptime.force_static(n)
        comptime.print(m, file=OUT)
        comptime.assert_static(m)
        comptime(lambda ctx: OUT.write(f"{ctx.get_local('n').is_dynamic()} {ctx.get_local('n')!r}\n"))
        comptime.force_static(x)
        comptime.assert_static(x)
        return x * m

    found, text = captured(f, dynamic=True, x=torch.ones(3), n=5)
    assert text.splitlines() == ["2*s86", "10", "False 5"]
    guards = [str(guard) for guard in found.guards]
    assert "L['n'] == 5" in guards
    assert "L['x'].size()[0] == 3" in guards


def test_force_static_of_constants_and_of_what_it_cannot_be():
    def f(x):
        comptime.force_static(3)
        comptime.force_static([1, "a"])
        comptime.force_static(x)
        return x + 1

    def g(x):
        comptime.force_static(object)
        items = [x]
        comptime.force_static(items)
        return x

    assert captured(f)[0].break_ is None
    with pytest.raises(ComptimeError, match=r"force_static\(\) is for numbers, tensors and constants"):
        captured(g)


def test_a_break_with_and_without_a_message():
    def f(x):
        y = x + 1
        comptime.graph_break()
        return y

    def g(x):
        y = x + 1
        comptime(lambda ctx: ctx.graph_break(msg="look here"))
        return y

    def h(x):
        comptime.graph_break(3)
        return x

    for function, text in ((f, "graph_break()"), (g, "graph_break('look here')")):
        record = captured(function)[0].break_
        assert (record.code, record.explanation) == ("FL115", f"comptime's {text} asks for a graph break")
        assert record.where == (__file__, function.__code__.co_firstlineno + 2)
    with pytest.raises(ComptimeArgumentError, match="takes a text, but is an int"):
        captured(h)


def test_a_break_cannot_be_caught_by_the_comptime_function():
    def f(x):
        def act(ctx):
            try:
                ctx.graph_break()
            except Exception:
                OUT.write("caught")

        comptime(act)
        return x + 1

    found, text = captured(f)
    assert found.break_ is not None
    assert text == ""
