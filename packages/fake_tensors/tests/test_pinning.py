"""Code that nobody wrote for symbols: sizes become numbers, with guards, and results are eager's."""

import pytest
import torch
from metadata import describe

from framelift_fake_tensors import FakeMode
from framelift_symbolic_shapes import ShapeEnv

X = torch.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "function",
    [
        getattr(torch, "hash_tensor", torch.sum),
        torch.linalg.pinv,
        lambda x: torch.nn.functional.interpolate(x, scale_factor=1.7, recompute_scale_factor=False),
        lambda x: torch.nn.functional.bilinear(x, x, x.new_ones(5, 4, 4)),
        lambda x: x.new_ones(1).resize_as_(x),
    ],
)
def test_results_are_as_eager_and_the_guards_say_so(function):
    env = ShapeEnv()
    mode = FakeMode(env)
    fake = mode.propagate(function, (mode.fake(X, dynamic=True),), {})
    assert describe(fake, []) == describe(function(X), [])
    assert {str(guard).split()[-1] for guard in env.guards if "==" in str(guard)} <= {"2", "3", "4", "5"}
