"""Operators without a meta kernel: tried for real where that is safe, and refused by name where it is not."""

import pytest
import torch
from metadata import describe

from framelift_fake_tensors import FakeMode, NoMetaKernelError, UnsupportedTensorError
from framelift_symbolic_shapes import ShapeEnv

X = torch.arange(12.0).reshape(4, 3)


def propagated(function, *tensors, dynamic=False):
    mode = FakeMode(ShapeEnv())
    return mode.propagate(function, tuple(mode.fake(tensor, dynamic=dynamic) for tensor in tensors), {})


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(
    "function",
    [
        torch.geqrf,
        lambda x: torch.histogram(x, 7),
        lambda x: torch.histogram(x, torch.tensor([0.0, 1.0, 2.0])),
        lambda x: torch.histogramdd(x, [2, 3, 4])[0],
    ],
)
def test_a_trial_tells_what_the_kernel_does(function, dynamic):
    assert describe(propagated(function, X, dynamic=dynamic), []) == describe(function(X), [])


def test_a_large_trial_is_refused():
    with pytest.raises(NoMetaKernelError, match="histogram.bin_ct"):
        propagated(lambda x: torch.histogram(x, 10**9), X)


def test_the_kernel_of_another_device_is_not_guessed():
    mode = FakeMode()
    with mode, pytest.raises(NoMetaKernelError, match="geqrf"):
        torch.geqrf(torch.ones(3, 3, device="cuda"))


def test_a_custom_operator_is_never_run():
    ran = []

    @torch.library.custom_op("framelift_tests::without_fake", mutates_args=())
    def operator(x: torch.Tensor) -> torch.Tensor:
        ran.append(x)
        return x.clone()

    with pytest.raises(NoMetaKernelError, match=r"framelift_tests.without_fake.*torch\.library\.register_fake"):
        propagated(operator, X)
    assert not ran


def test_a_sparse_result_is_refused():
    with pytest.raises(UnsupportedTensorError, match="layout torch.sparse_coo"):
        propagated(torch.Tensor.to_sparse, X)


@pytest.mark.parametrize("tensor", [torch.ones(2, 3, dtype=torch.complex64).conj(), torch.ones(2, 3)._neg_view()])
@pytest.mark.parametrize("function", [torch.clone, torch.t, torch.resolve_conj, lambda x: x @ x.t(), torch.Tensor.neg])
@pytest.mark.parametrize("dynamic", [False, True])
def test_conjugated_and_negated_tensors_have_fakes(tensor, function, dynamic):
    fake, real = propagated(function, tensor, dynamic=dynamic), function(tensor)
    assert (fake.is_conj(), fake.is_neg()) == (real.is_conj(), real.is_neg())
    assert describe(fake, []) == {**describe(real, []), "base": []}
