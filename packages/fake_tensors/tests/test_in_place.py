"""Calls in place: what would have to make their argument larger is refused; views in place have eager's metadata."""

import pytest
import torch
from metadata import describe

from framelift_fake_tensors import FakeMode, PropagationCache
from framelift_symbolic_shapes import ShapeEnv

ELEMENTWISE = (
    "add_", "clamp_max_", "atan2_", "copysign_", "eq_", "floor_divide_", "fmod_", "heaviside_", "hypot_", "lt_", "pow_",
    "nextafter_", "igamma_", "remainder_", "true_divide_",
)  # fmt: skip
VIEWS = {
    "squeeze_ all": lambda x: x.squeeze_(),
    "squeeze_ what stays": lambda x: x.squeeze_(2),
    "squeeze_ one": lambda x: x.squeeze_(1),
    "squeeze_ two": lambda x: x.squeeze_((1, 3)),
    "unsqueeze_": lambda x: x.unsqueeze_(-1),
    "t_": lambda x: x[:, 0, :, 0].t_(),
    "transpose_": lambda x: x.transpose_(0, 3),
    "swapaxes_": lambda x: x.swapaxes_(0, 2),
    "as_strided_": lambda x: x.as_strided_((x.shape[0],), (1,)),
}


def attempt(function, *args):
    try:
        return function(*args)
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_argument_is_not_made_larger(name, dynamic):
    function = getattr(torch.Tensor, name)
    mode = FakeMode(ShapeEnv(), cache=PropagationCache())
    for mine, other in (((5, 1), (5,)), ((4,), (3, 4)), ((), (2,)), ((3, 4), (4,)), ((3, 4), (1, 1)), ((0, 4), (1,))):
        real = attempt(function, torch.ones(mine), torch.ones(other))
        x = mode.fake(torch.ones(mine), dynamic=dynamic)
        y = mode.fake(torch.ones(other), dynamic=dynamic)
        with mode:
            fake = attempt(function, x, y)
        assert (fake if isinstance(real, str) else describe(fake, ())) == (
            real if isinstance(real, str) else describe(real, ())
        )
        assert [int(extent) for extent in x.shape] == list(mine)


def test_it_is_refused_on_every_device_and_whatever_its_size():
    with FakeMode():
        for device in ("cpu", "cuda"):
            x, y = torch.ones(10**6, 1, device=device), torch.ones(10**6, device=device)
            with pytest.raises(RuntimeError, match=r"output with shape \[1000000, 1\] doesn't match the broadcast"):
                x.atan2_(y)
            assert x.shape == (10**6, 1)


def test_a_kernel_of_another_kind_is_asked():
    for call in (
        lambda: torch.ones(()).addr_(torch.ones(5), torch.ones(10)),
        lambda: torch.ones(5).masked_scatter_(torch.ones(5, 5) > 0, torch.ones(5, 5)),
    ):
        real = attempt(call)
        assert isinstance(real, str)
        with FakeMode():
            assert attempt(call) == real


@pytest.mark.parametrize("dynamic", [(), (0, 2)])
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_in_place_is_as_eager_s(name, dynamic):
    mode = FakeMode(ShapeEnv(), cache=PropagationCache())
    x = mode.fake(torch.ones(4, 1, 4, 1), dynamic=dynamic)
    with mode:
        fake = VIEWS[name](x)
    assert describe(fake, ()) == describe(VIEWS[name](torch.ones(4, 1, 4, 1)), ())
