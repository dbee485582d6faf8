"""Results whose size only data can tell: all else about them is that of the real result."""

import pytest
import torch

from framelift_fake_tensors import FakeMode, PropagationError
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
