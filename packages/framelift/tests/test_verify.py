"""`verify=True` runs eagerly beside the capture, finds every kind of difference, and disturbs nothing."""

from __future__ import annotations

import random
import threading
import types

import pytest
import torch

import framelift
from framelift import errors
from framelift.comparison import Comparison

X = torch.ones(3)
TOTAL = [0]
COUNT = 0


def verifying(fn, backend="eager"):
    return framelift.compile(fn, backend=backend, verify=True)


def wrong(gm, inputs):
    """A backend whose graphs are off by one."""
    return lambda *args: tuple([value + 1 for value in gm(*args)])


def twice(f, *args):
    return [f(*args), f(*args)]


# ---- what is right passes, and is done once --------------------------------------------------------------------------


def helper(x):
    global COUNT
    COUNT += 1
    TOTAL[0] += 1
    return x + COUNT


def test_globals_of_the_module_are_changed_once():
    global COUNT
    COUNT, TOTAL[0] = 0, 0
    results = twice(verifying(lambda x: helper(x) * 2), X)
    assert [result[0].item() for result in results] == [4, 6]
    assert (COUNT, TOTAL) == (2, [2])


def test_arguments_closures_and_objects_are_changed_once():
    calls, seen = 0, []

    def f(x, items, thing):
        nonlocal calls
        calls += 1
        seen.append(calls)
        items.append(x)
        thing.n = len(items)
        x.add_(1)
        framelift.graph_break()
        return items, x * calls

    items, thing, x = [], types.SimpleNamespace(n=0), torch.zeros(2)
    lifted = verifying(f)
    found, _ = lifted(x, items, thing)
    assert found is items
    assert items[0] is x
    lifted(x, items, thing)
    assert (calls, seen, len(items), thing.n, x[0].item()) == (2, [1, 2], 2, 2, 2)


def test_random_numbers_are_those_of_one_run():
    def f(x):
        return x + torch.rand(3) + random.random()  # the second breaks: it is Python's

    torch.manual_seed(0), random.seed(0)
    expected = twice(f, X)
    torch.manual_seed(0), random.seed(0)
    assert all(map(torch.equal, twice(verifying(f), X), expected))


def test_a_module_with_state_and_gradients():
    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)
            self.norm = torch.nn.BatchNorm1d(3)
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return self.norm(self.linear(x)).relu()

    module = Counting()
    lifted = verifying(module)
    x = torch.randn(4, 3, requires_grad=True) * 2  # not a leaf
    lifted(x).sum().backward(), lifted(x.detach()).sum().backward()
    assert module.calls == 2
    assert module.norm.num_batches_tracked == 2
    assert module.linear.weight.grad is not None


def test_errors_that_are_the_same_pass():
    def f(x, items):
        items.append(1)
        raise KeyError(x.shape[0])

    items = []
    with pytest.raises(KeyError, match="3"):
        verifying(f)(X, items)
    assert items == [1]


def test_recursion_and_other_lifted_functions():
    @framelift.compile(backend="eager", verify=True)
    def power(x, n):
        return x if n == 0 else power(x, n - 1) * x

    assert power(X * 2, 3)[0] == 16


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_another_backend():
    assert twice(verifying(lambda x: (x * 2).sum().item() + 0.1, "inductor"), X)[1] == pytest.approx(6.1)


# ---- what is wrong is found ------------------------------------------------------------------------------------------


def found(fn, *args, backend=wrong):
    with pytest.raises(errors.VerificationError, match="must do what it does eagerly") as caught:
        verifying(fn, backend)(*args)
    assert __file__ in str(caught.value)
    return str(caught.value)


def test_a_wrong_result():
    assert "the result: Tensor-likes are not close" in found(lambda x: x * 2, X)
    assert "the result['a'][1]" in found(lambda x: {"a": (x, x * 2)}, X)


def test_a_wrong_mutation():
    def f(x, items):
        items.append(x * 2)

    assert "items[0]" in found(f, X, [])


def test_a_wrong_global_and_a_wrong_cell():
    def f(x):
        TOTAL[0] = x * 2

    def g(x):
        nonlocal cell
        cell = x * 2

    cell = None
    assert "the global TOTAL[0]" in found(f, X)
    assert "the variable cell" in found(g, X)
    TOTAL[0] = 0


def test_an_error_in_one_run_only():
    def f(x):
        if not framelift.is_compiling():
            raise ValueError
        return x * 2

    assert "it returns, and eagerly it raises ValueError" in found(f, X, backend="eager")


def test_hits_are_verified_too():
    state = []

    def backend(gm, inputs):
        return lambda *args: wrong(gm, inputs)(*args) if state else gm(*args)

    lifted = verifying(lambda x: x * 2, backend)
    lifted(X)
    state.append(1)
    with pytest.raises(errors.VerificationError):
        lifted(X)


# ---- what cannot be verified -----------------------------------------------------------------------------------------


def test_what_cannot_be_copied_is_said():
    lifted = verifying(lambda x, lock: x * 2)
    with pytest.warns(RuntimeWarning, match=r"was not verified: lock, <lock>: TypeError, cannot be copied"):
        assert lifted(X, threading.Lock())[0] == 2


def test_what_copies_itself_in_part_is_not_compared_and_this_is_said():
    class Partial:
        def __init__(self, n):
            self.n, self.notes = n, []

        def __deepcopy__(self, memo):
            made = Partial(self.n)
            del made.notes
            return made

    lifted = verifying(lambda x, thing: x * thing.n)
    with pytest.warns(RuntimeWarning, match=r"does to thing is not verified, since a copy differs from the outset"):
        assert lifted(X, Partial(3))[0] == 3


def test_verify_must_be_a_bool():
    with pytest.raises(errors.ConfigurationError, match="verify must be True or False"):
        framelift.compile(lambda x: x, backend="eager", verify=1)


# ---- the comparison --------------------------------------------------------------------------------------------------


class Thing:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __eq__(self, other):
        raise RuntimeError("hostile")


def cyclic():
    items = [1]
    items.append(items)
    return items


EQUAL = [
    (1.0, 1.0 + 1e-9),
    (float("nan"), float("nan")),
    ([1, (2, {"a": {3}})], [1, (2, {"a": {3}})]),
    (Thing(1, [2]), Thing(1, [2])),
    (cyclic(), cyclic()),
    (torch.tensor([float("nan")]), torch.tensor([float("nan")])),
    (KeyError(1), KeyError(1)),
    (len, len),
]
DIFFERENT = [
    (1, True),
    (1, 1.0),
    ("a", "b"),
    ([1], [1, 2]),
    ((1,), [1]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1}, {2}),
    (Thing(1, 2), Thing(1, 3)),
    (torch.ones(1), torch.ones(1, dtype=torch.double)),
    (torch.ones(1), torch.ones(1, requires_grad=True)),
    (torch.ones(1), torch.ones(2)),
    (types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)),
    (types.SimpleNamespace(a=1), types.SimpleNamespace(b=1)),
    (KeyError(1), KeyError(2)),
    (None, 0),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal(one, other):
    assert Comparison().difference(one, other, "it") is None


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    assert "it" in Comparison().difference(one, other, "it")
    assert "it" in Comparison().difference([other], [one], "it")


def test_the_same_object_must_be_the_same_object():
    a, b = [1], [1]
    assert Comparison().difference([a, a], [b, b], "it") is None
    assert "met before" in Comparison().difference([a, a], [b, [1]], "it")
    assert "met before" in Comparison().difference([a, [1]], [b, b], "it")


def test_a_deep_structure():
    def deep():
        items = []
        for _ in range(20_000):
            items = [items]
        return items

    assert Comparison().difference(deep(), deep(), "it") is None
