"""Differential: what propagation says of a call is what the call does."""

import pytest
import torch
from calls import CALLS
from metadata import describe, fake_arguments, real_arguments, tensors

from framelift_fake_tensors import FakeMode, PropagationCache
from framelift_symbolic_shapes import ShapeEnv


def eager(call):
    with torch.random.fork_rng():
        arguments = real_arguments(call.make())
        result = call.function(*arguments, **call.kwargs)
        given = list(tensors(arguments))
        return describe(result, given), describe(given, given)


def faked(mode, call, dynamic):
    arguments, _keep = fake_arguments(mode, real_arguments(call.make()), dynamic)
    result = mode.propagate(call.function, arguments, call.kwargs)
    given = list(tensors(arguments))
    return describe(result, given), describe(given, given)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_static(call):
    mode = FakeMode(cache=PropagationCache())
    expected = eager(call)
    assert faked(mode, call, False) == expected
    # Again, from the cache where it keeps the call: nothing about the result may differ.
    assert faked(mode, call, False) == expected


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_symbolic(call):
    mode = FakeMode(ShapeEnv(), cache=PropagationCache())
    expected = eager(call)
    assert faked(mode, call, True) == expected
    assert faked(mode, call, True) == expected


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_without_grad(call):
    mode = FakeMode(cache=PropagationCache())
    with torch.no_grad():
        expected = eager(call)
        assert faked(mode, call, False) == expected
        assert faked(mode, call, False) == expected


def test_there_are_enough_calls():
    assert len(CALLS) > 200
