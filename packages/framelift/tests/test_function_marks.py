"""What a program says of its functions is honoured, in framelift's words and in torch's."""

from __future__ import annotations

import functools
import warnings

import pytest
import torch

import framelift
from framelift import errors
from framelift.testing import CompileCounter

X = torch.ones(3)


def test_is_compiling_in_a_capture_and_outside():
    def f(x):
        return x + framelift.is_compiling() + 10 * torch.compiler.is_compiling()

    assert f(X)[0] == 1
    assert framelift.compile(f, backend="eager")(X)[0] == 12


# ---- allow_in_graph --------------------------------------------------------------------------------------------------


def nodes(lifted):
    return [node.name for graph in lifted.framelift.graphs for node in graph.graph.nodes]


def test_an_allowed_function_is_one_node():
    seen = []

    @framelift.allow_in_graph
    def pair(x, y, *, by=1):
        seen.append(type(x) is torch.Tensor)
        return x + y * by, x - y

    lifted = framelift.compile(lambda x, y: pair(x, y, by=2)[0] + 1, backend="eager", fullgraph=True)
    assert lifted(X, X)[0] == 4
    assert "pair" in nodes(lifted)
    assert seen == [False, True]
    assert pair(X, X)[0][0] == 2


def test_allowing_several_at_once():
    def f(x):
        return x + 1

    def g(x):
        return x * 2

    assert framelift.allow_in_graph([f, g]) == [f, g]
    lifted = framelift.compile(lambda x: f(x) + g(x), backend="eager")
    assert lifted(X)[0] == 4
    assert nodes(lifted)[1:3] == ["f", "g"]


def test_an_allowed_function_is_guarded():
    def maker(n):
        @framelift.allow_in_graph
        def add(x):
            return x + n

        return add

    lifted = framelift.compile(lambda x, f: f(x), backend="eager")
    one, two = maker(1), maker(2)
    assert [lifted(X, f)[0].item() for f in (one, two, one)] == [2, 3, 2]


def test_an_allowed_function_that_takes_something_else_breaks():
    @framelift.allow_in_graph
    def f(x, thing):
        return x + 1

    lifted = framelift.compile(lambda x: f(x, object()) + 1, backend="eager")
    assert lifted(X)[0] == 3
    assert "FL113" in [broke.code for broke in lifted.framelift.breaks]


# ---- assume_constant_result ------------------------------------------------------------------------------------------


def test_a_constant_result_is_asked_for_once():
    calls = []

    @framelift.assume_constant_result
    def table(key, *, scale=1):
        calls.append(key)
        return {"a": torch.full((3,), 2.0 * scale), "n": 5}

    @framelift.compile(backend="eager", fullgraph=True)
    def f(x):
        found = table("a", scale=3)
        return x + found["a"] + found["n"]

    assert [f(X)[0].item() for _ in range(3)] == [12, 12, 12]
    assert calls == ["a"]


def test_a_constant_method_is_constant_for_its_object():
    class Config:
        def __init__(self, n):
            self.n = n

        @framelift.assume_constant_result
        def number(self):
            return self.n

    lifted = framelift.compile(lambda x, config: x + config.number(), backend="eager", fullgraph=True)
    one, two = Config(1), Config(2)
    assert [lifted(X, config)[0].item() for config in (one, two, one)] == [2, 3, 2]
    one.n = 7
    assert lifted(X, one)[0] == 2  # as was assumed


def test_a_constant_function_of_what_is_not_known_runs_for_real():
    calls = []

    @framelift.assume_constant_result
    def number(x):
        calls.append(1)
        return x.sum().item()

    lifted = framelift.compile(lambda x: x + number(x * 2), backend="eager")
    assert [lifted(X)[0].item() for _ in range(2)] == [7, 7]
    assert len(calls) == 2


def test_a_constant_function_of_a_tensor_that_the_call_was_given():
    calls = []

    @framelift.assume_constant_result
    def first_is_one(x):
        calls.append(1)
        return x[0].item() == 1

    lifted = framelift.compile(lambda x: x + 1 if first_is_one(x) else x - 1, backend="eager", fullgraph=True)
    assert [lifted(x)[0].item() for x in (X, X * 5)] == [2, 6]  # the same is assumed of what looks the same
    assert calls == [1]


def test_a_constant_function_of_a_tensor_that_the_call_has_changed_runs_for_real():
    @framelift.assume_constant_result
    def first(x):
        return x[0].item()

    @framelift.compile(backend="eager")
    def f(x):
        x.add_(1)
        return x * first(x)

    assert [f(torch.ones(2))[0].item(), f(torch.zeros(2))[0].item()] == [4, 1]


def test_a_constant_function_that_raises_raises_in_the_program():
    @framelift.assume_constant_result
    def number():
        raise KeyError("no")

    @framelift.compile(backend="eager")
    def f(x):
        try:
            return x + number()
        except KeyError:
            return x - 1

    assert f(X)[0] == 0


# ---- disable ---------------------------------------------------------------------------------------------------------


def test_disable_with_and_without_arguments():
    @framelift.disable(reason="it prints")
    def f(x):
        return x + 1

    counter = CompileCounter()
    lifted = framelift.compile(lambda x: f(x * 2) * 2, backend=counter)
    assert lifted(X)[0] == 6
    assert counter.frame_count == 2
    (broke,) = lifted.framelift.breaks
    assert broke.explanation == "framelift.disable (it prints) asks for a graph break"
    assert framelift.disable(f)(X)[0] == 2


def test_lifting_a_disabled_function():
    lifted = framelift.compile(framelift.disable(lambda x: x + 1), backend="eager")
    assert lifted(X)[0] == 2
    assert lifted.framelift.graphs == []


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: framelift.disable(torch.nn.Linear(1, 1)),
        lambda: framelift.disable(3),
        lambda: framelift.disable(lambda: 1, recursive=False),
        lambda: framelift.disable(lambda: 1, reason=3),
        lambda: framelift.allow_in_graph(len),
        lambda: framelift.allow_in_graph([3]),
        lambda: framelift.assume_constant_result(int),
    ],
)
def test_misuse(misuse):
    with pytest.raises(errors.ConfigurationError):
        misuse()


# ---- wrappers --------------------------------------------------------------------------------------------------------


def test_a_wrapper_of_a_lifted_function_is_a_function_of_its_own():
    lifted = framelift.compile(lambda x: x + 1, backend="eager")

    @functools.wraps(lifted)
    def wrapper(x):
        return lifted(x) * 10

    assert framelift.compile(lambda x: wrapper(x), backend="eager")(X)[0] == 20
    assert framelift.compile(wrapper, backend="eager")(X)[0] == 20
    assert framelift.explain(wrapper)(X).result()[0] == 20


def test_a_wrapper_of_a_marked_function_is_not_marked():
    @framelift.assume_constant_result
    def number():
        return 1

    @functools.wraps(number)
    def wrapper():
        calls.append(1)
        return number() + 1

    calls = []
    lifted = framelift.compile(lambda x: x + wrapper(), backend="eager")
    assert [lifted(X)[0].item() for _ in range(2)] == [3, 3]
    assert len(calls) == 2


# ---- torch's marks ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiler():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch._dynamo warns of when it is imported is not the subject
        torch.compiler.disable(lambda: None)
    return torch.compiler


def test_torch_s_disable(compiler):
    seen = []

    @compiler.disable
    def f(x):
        seen.append(compiler.is_compiling())
        return x + 1

    lifted = framelift.compile(lambda x: f(x * 2) * 2, backend="eager")
    assert lifted(X)[0] == 6
    assert [broke.code for broke in lifted.framelift.breaks] == ["FL115"]
    alone = framelift.compile(f, backend="eager")
    assert alone(X)[0] == 2
    assert alone.framelift.graphs == []
    assert seen == [False, False]


def test_torch_s_allow_in_graph(compiler):
    @compiler.allow_in_graph
    def twice(x):
        return x + x

    lifted = framelift.compile(lambda x: twice(x) + 1, backend="eager", fullgraph=True)
    assert lifted(X)[0] == 3
    assert "twice" in nodes(lifted)


def test_torch_s_assume_constant_result(compiler):
    calls = []

    @compiler.assume_constant_result
    def number():
        calls.append(1)
        return 4

    lifted = framelift.compile(lambda x: x + number(), backend="eager", fullgraph=True)
    assert [lifted(X)[0].item() for _ in range(2)] == [5, 5]
    assert calls == [1]


def test_torch_s_graph_break(compiler):
    @framelift.compile(backend="eager")
    def f(x):
        y = x + 1
        torch._dynamo.graph_break()
        return y * 2

    assert f(X)[0] == 4
    assert len(f.framelift.graphs) == 2


# ---- framelift itself ------------------------------------------------------------------------------------------------


def lifts(x):
    return framelift.compile(lambda y: y * 3, backend="eager")(x + 1) + 1


def explains(x):
    return framelift.explain(lambda y: y * 3)(x + 1).result() + 1


def resets(x):
    y = x + 1
    framelift.reset()
    return y * 3 + 1


def takes_a_stance(x):
    y = x + 1
    with framelift.set_stance("force_eager"):
        y = y * 3
    return y + 1


def marks(x):
    disabled, allowed = framelift.disable(lambda y: y + 1), framelift.allow_in_graph(lambda y: y * 3)
    return allowed(disabled(x)) + 1


def looks(x):
    inner = framelift.compile(lambda y: y + 1, backend="eager")
    y = inner(x)
    inner.framelift.clear()
    return y * (3 + len(inner.framelift.breaks)) + 1


@pytest.mark.parametrize("f", [lifts, explains, resets, takes_a_stance, marks, looks])
def test_framelift_in_a_captured_function_runs_for_real(f):
    lifted = framelift.compile(f, backend="eager")
    assert [lifted(X)[0].item() for _ in range(2)] == [7, 7]
    own = [line for broke in lifted.framelift.breaks for line in broke.stack.splitlines() if "/src/framelift" in line]
    assert own == []  # its insides are not captured
