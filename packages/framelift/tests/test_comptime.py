"""comptime under `framelift.compile`: breaks, recompilations, errors, lifetimes, and eager beside captured."""

from __future__ import annotations

import gc
import io
import weakref

import pytest
import torch

import framelift
from framelift import comptime
from framelift.errors import GraphBreakError
from framelift.testing import CompileCounter
from framelift_comptime import ComptimeAssertionError, ComptimeError, ComptimeWarning, UnknownLocalError
from framelift_guards import PredicateError

OUT = io.StringIO()


@pytest.fixture(autouse=True)
def _empty_output():
    OUT.seek(0)
    OUT.truncate()


def lifted(function, **options):
    counter = CompileCounter()
    return framelift.compile(function, backend=counter, **options), counter


# ---- a function that raises -----------------------------------------------------------------------------------------


def test_a_raising_function_costs_a_graph_and_nothing_else():
    def f(x):
        y = x + 1

        @comptime
        def look(ctx):
            raise ValueError("boom")

        return y * 2

    function, counter = lifted(f)
    with pytest.warns(ComptimeWarning, match=r"\[FL407\] the comptime function .*look raised ValueError: boom"):
        assert torch.equal(function(torch.ones(2)), f(torch.ones(2)))
    assert torch.equal(function(torch.ones(2)), f(torch.ones(2)))  # nothing is captured again, so nothing is reported
    assert counter.frame_count == 2
    (record,) = function.framelift.breaks
    assert (record.code, record.where[0]) == ("FL407", __file__)


def test_in_expression_position_the_fallback_gives_the_value():
    def f(x):
        scale = comptime(lambda ctx: 1 // 0, lambda: 7)
        return x * scale

    function, _ = lifted(f)
    with pytest.warns(ComptimeWarning, match="ZeroDivisionError"):
        assert function(torch.ones(2)).tolist() == [7.0, 7.0]


@pytest.mark.filterwarnings("error::framelift_comptime.ComptimeWarning")
def test_where_warnings_are_errors_it_is_one_of_the_callers():
    def f(x):
        comptime(lambda ctx: 1 // 0)
        return x + 1

    function, _ = lifted(f)
    with pytest.raises(ComptimeWarning, match="FL407") as raised:
        function(torch.ones(2))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_under_fullgraph_it_raises():
    def f(x):
        comptime(lambda ctx: 1 // 0)
        return x

    function, _ = lifted(f, fullgraph=True)
    with pytest.warns(ComptimeWarning), pytest.raises(GraphBreakError, match=r"broken: \[FL407\].*ZeroDivisionError"):
        function(torch.ones(2))


def test_where_a_frame_cannot_be_left_the_call_runs_eagerly():
    def numbers(x):
        yield x
        comptime(lambda ctx: 1 // 0)
        yield x + 1

    def f(x):
        total = x
        for item in numbers(x):
            total = total + item
        return total

    function, _ = lifted(f)
    with pytest.warns(ComptimeWarning):
        assert torch.equal(function(torch.ones(2)), f(torch.ones(2)))


def test_assertions_of_the_users_reach_the_caller():
    def f(x):
        @comptime
        def _(ctx):
            assert ctx.get_local("x").size(0) == 3, "three rows"

        return x + 1

    function, counter = lifted(f)
    with pytest.raises(AssertionError, match="three rows"):
        function(torch.ones(2))
    assert function(torch.ones(3)).tolist() == [2.0] * 3
    assert counter.frame_count == 1


def test_deliberate_failures_reach_the_caller_each_time():
    def f(x):
        comptime.assert_dynamic(x)
        return x + 1

    def g(x):
        comptime.assert_no_break()
        return x + x.sum().item()

    def h(x):
        comptime(lambda ctx: ctx.get_local("why"))
        return x

    for function, kind in ((f, ComptimeAssertionError), (g, ComptimeAssertionError), (h, UnknownLocalError)):
        for _ in range(2):
            with pytest.raises(kind):
                lifted(function)[0](torch.ones(2))
    assert lifted(f, dynamic=True)[0](torch.ones(2)).tolist() == [2.0, 2.0]


# ---- add_guard ------------------------------------------------------------------------------------------------------


def is_positive(x):
    return (x > 0).all()


def test_a_predicate_tells_two_specialisations_apart():
    def f(x):
        comptime.add_guard(x, is_positive, "is_positive")
        return x.abs() + 1

    function, counter = lifted(f)
    for value, frames in ((1.0, 1), (2.0, 1), (-1.0, 2), (-3.0, 2), (5.0, 2)):
        assert torch.equal(function(torch.full((2,), value)), f(torch.full((2,), value)))
        assert counter.frame_count == frames
    (recompilation,) = function.framelift.recompilations
    line = f.__code__.co_firstlineno + 1
    assert str(recompilation.failure) == (
        f"x satisfied is_positive, now it is <Tensor> (test_comptime.py:{line} relies on it); "
        "pass a value that satisfies is_positive, or lift a function for each answer"
    )


def test_a_predicate_that_raises_later_is_an_error_that_names_it():
    def f(x, n):
        comptime.add_guard(n, lambda n: 6 / n > 1, "six over n")
        return x + 1

    function, _ = lifted(f, dynamic=False)
    function(torch.ones(2), 2)
    # The number itself is guarded too, and fails first: the predicate never sees another.
    with pytest.raises(ComptimeError, match="the predicate 'six over n' of a guard must answer for <int> 0"):
        function(torch.ones(2), 0)
    function, _ = lifted(f, dynamic=True)
    function(torch.ones(2), 2)
    function(torch.ones(2), 3)

    def g(x):
        comptime.add_guard(x, lambda x: 6 / int(x[0]), "six over x")
        return x + 1

    function, _ = lifted(g)
    function(torch.ones(2))
    with pytest.raises(
        PredicateError, match="the predicate 'six over x' of a guard must answer for <Tensor>"
    ) as raised:
        function(torch.zeros(2))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert function(torch.ones(2)).tolist() == [2.0, 2.0]


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 2)
        self.depth = 2

    def forward(self, x):
        comptime.add_guard(self.depth, lambda depth: depth < 5, "shallow")
        for _ in range(self.depth):
            x = self.linear(x)
        comptime(self.look)
        return x

    def look(self, ctx):
        ctx.print_locals(file=OUT)
        ctx.print_bt(file=OUT)


def test_in_a_module():
    torch.manual_seed(0)
    model = Model()
    compiled = framelift.compile(model, backend="eager", fullgraph=True)
    x = torch.ones(1, 2)
    assert torch.equal(compiled(x), model(x))
    text = OUT.getvalue()
    assert text.startswith(
        "self = UnspecializedNNModuleVariable(Model)\nx = FakeTensor(..., size=(1, 2), requires_grad=True)\n"
    )
    assert "in forward\n    comptime(self.look)" in text


# ---- values ---------------------------------------------------------------------------------------------------------


def test_eager_and_captured_agree_where_fallbacks_say_the_same():
    def f(x, scale):
        n = comptime(lambda ctx: ctx.get_local("x").size(0), lambda: x.size(0))
        y = comptime.emit(torch.mul, x, scale)
        kept = comptime.print_value_stack_and_return(y + 1, file=OUT)
        if comptime(lambda ctx: ctx.get_local("n").as_python_constant() > 2, lambda: n > 2):
            kept = kept * n
        return kept, n

    function, counter = lifted(f, fullgraph=True, dynamic=False)
    for size in (2, 3, 4):
        assert framelift.testing.same(function(torch.rand(size).fill_(0.5), 2.0), f(torch.rand(size).fill_(0.5), 2.0))
    assert counter.frame_count == 3


def test_emit_runs_at_each_call():
    seen = []

    def note(t):
        seen.append(t.sum().item() if not t.is_meta else None)

    def f(x):
        comptime.emit(torch.Tensor.add_, x, 1)
        return x * 2

    function, _ = lifted(f, fullgraph=True)
    x = torch.zeros(2)
    for _ in range(3):
        function(x)
    assert x.tolist() == [3.0, 3.0]


def test_a_lifted_function_may_be_called_by_a_comptime_function():
    inner = framelift.compile(lambda x: x + 1, backend="eager")
    seen = []

    def f(x):
        comptime(lambda ctx: seen.append(inner(torch.ones(1)).item()))
        return x * 2

    function, _ = lifted(f, fullgraph=True)
    assert function(torch.ones(2)).tolist() == [2.0, 2.0]
    assert seen == [2.0]


# ---- lifetimes ------------------------------------------------------------------------------------------------------


def test_nothing_is_kept_alive():
    class Thing:
        def __init__(self):
            self.size = 3

    def f(x, thing):
        y = x * thing.size
        comptime.print_locals(file=OUT)
        comptime(
            lambda ctx: (ctx.get_local("y"), ctx.get_local("thing"), ctx.graph(), ctx.origin_of(ctx.get_local("y")))
        )
        comptime.assert_no_break()
        return y

    function, _ = lifted(f)
    x, thing = torch.ones(2), Thing()
    gone = weakref.ref(x), weakref.ref(thing)
    function(x, thing)
    del x, thing
    gc.collect()
    assert [one() for one in gone] == [None, None]


def test_nor_when_the_comptime_function_raised():
    def f(x):
        comptime(lambda ctx: ctx.get_local("x").nothing)
        return x + 1

    function, _ = lifted(f)
    x = torch.ones(2)
    gone = weakref.ref(x)
    with pytest.warns(ComptimeWarning) as warned:
        function(x)
    del x, warned
    gc.collect()
    assert gone() is None
