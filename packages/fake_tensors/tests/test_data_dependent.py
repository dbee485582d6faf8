"""Results whose size only data can tell: all else about them is that of the real result."""

import contextlib

import pytest
import torch

from framelift_fake_tensors import DataAccessError, DataDependentError, FakeMode, PropagationError
from framelift_symbolic_shapes import ShapeEnv


def fake_of(real):
    mode = FakeMode(ShapeEnv(), unbacked=True)
    return mode, mode.fake(real)


@pytest.mark.parametrize("function", [torch.unique, torch.unique_consecutive])
@pytest.mark.parametrize(
    ("shape", "dim"), [((5, 3, 4), 0), ((5, 3, 4), 1), ((5, 3, 4), -1), ((4, 3), 1), ((0, 3), 0), ((4, 1, 3, 2), 1)]
)
def test_slices_that_are_unique_lie_one_after_the_other(function, shape, dim):
    real = torch.zeros(shape).bernoulli()
    mode, fake = fake_of(real)
    expected = function(torch.arange(real.numel()).reshape(shape), dim=dim)  # all are unique: the greatest result
    result = mode.propagate(function, (fake,), {"dim": dim})
    others = [place for place in range(len(shape)) if place != dim % len(shape)]
    assert [result.shape[place] for place in others] == [shape[place] for place in others]
    assert result.stride() == expected.stride()


@pytest.mark.parametrize("function", [torch.unique, torch.unique_consecutive])
def test_there_are_no_unique_slices_of_nothing(function):
    real = torch.zeros(0, 3)
    mode, fake = fake_of(real)
    with pytest.raises(RuntimeError, match="0 sized dimensions, and they aren't selected") as expected:
        function(real, dim=1)
    with pytest.raises(PropagationError, match="0 sized dimensions") as raised:
        mode.propagate(function, (fake,), {"dim": 1})
    assert str(raised.value.__cause__) == str(expected.value).split("\n")[0]


@pytest.mark.parametrize("entered", [False, True])
@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x.tolist(),
        lambda x: x.numpy(),
        lambda x: x.sum().item(),
        lambda x: bool(x.sum()),
        lambda x: x.data_ptr(),
        lambda x: x.nonzero(),
    ],
)
def test_an_error_says_which_line_asked(ask, entered):
    mode = FakeMode()
    fake = mode.fake(torch.ones(3))
    with mode if entered else contextlib.nullcontext(), pytest.raises((DataAccessError, DataDependentError)) as raised:
        ask(fake)
    assert raised.value.where == f"{__file__}:{ask.__code__.co_firstlineno}"
    assert raised.value.where in str(raised.value)
