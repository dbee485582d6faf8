"""A graph that raises: the error, its handlers and its line are those of the user's code."""

from __future__ import annotations

import traceback
import warnings

import pytest
import torch

from framelift_graph_capture import FunctionCall, capture, default_registry
from framelift_guards import Dispatcher


def lifted(f, *examples):
    dispatcher = Dispatcher.for_parameters(FunctionCall(f).parameters, lambda values: "miss")
    values = dict(zip(FunctionCall(f).parameters, examples, strict=True))
    found = capture(FunctionCall(f), values, registry=default_registry(), dynamic=None)
    dispatcher.add(
        found.guards,
        found.entry(found.graph.forward, lambda point: point.run_positionally),
        found.sources,
        found.together,
    )
    return dispatcher.function


def lines(error):
    return [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]


def test_the_error_is_raised_at_the_users_line():
    def inner(x, i):
        return (x * 2)[i]

    def f(x, i):
        return inner(x, i) + 1

    run = lifted(f, torch.ones(3), torch.tensor([1]))
    assert run(torch.ones(3), torch.tensor([2])).tolist() == [3.0]
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 3") as raised:
        run(torch.ones(3), torch.tensor([5]))
    assert lines(raised.value)[-2:] == ["return inner(x, i) + 1", "return (x * 2)[i]"]
    assert raised.value.__context__ is None


def test_handlers_around_the_operation_see_the_error():
    def f(x, i):
        try:
            return x[i] + 1
        except IndexError as error:
            return type(error)

    run = lifted(f, torch.ones(3), torch.tensor([1]))
    with pytest.warns(RuntimeWarning, match="the graph of f raised IndexError"):
        assert run(torch.ones(3), torch.tensor([5])) is IndexError


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.add_(1),
        lambda x: x.data.add_(1),
        lambda x: x[0].add_(1),
        lambda x: torch.nn.functional.batch_norm(torch.ones(4, 3), x, torch.ones(3), training=True),
    ],
)
def test_what_writes_to_its_inputs_is_not_run_twice(write):
    def f(x, i):
        write(x)
        return x[i]

    run = lifted(f, torch.zeros(3), torch.tensor([1]))
    x, expected = torch.zeros(3), torch.zeros(3)
    write(expected)
    with pytest.raises(IndexError, match="index 5 is out of bounds") as raised:
        run(x, torch.tensor([5]))
    assert torch.equal(x, expected)
    assert "return x[i]" in raised.value.__notes__[-1]


def test_a_graph_that_fails_where_eager_does_not_says_so():
    def f(x):
        return x + 1

    found = capture(FunctionCall(f), {"x": torch.ones(2)}, registry=default_registry(), dynamic=None)

    def fails(*inputs):
        raise OSError("compiled code is gone")

    entry = found.entry(fails, lambda point: point.run_positionally)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert entry(torch.ones(2)).tolist() == [2.0, 2.0]
    assert "the graph of f raised OSError: compiled code is gone" in str(said[0].message)
