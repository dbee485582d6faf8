"""Layouts that differ between devices: those of the fake's device, not of `meta`."""

import pytest
import torch

from framelift_fake_tensors import FakeMode
from framelift_symbolic_shapes import ShapeEnv

X = torch.arange(60.0).reshape(3, 4, 5)
SQUARE = torch.arange(25.0).reshape(5, 5)
CALLS = {
    "rfftn": lambda: (torch.fft.rfftn, X),
    "hfft2": lambda: (lambda x: torch.fft.hfft2(x, dim=(0, -1)), X),
    "eig": lambda: (torch.linalg.eig, SQUARE),
    "svd": lambda: (torch.linalg.svd, SQUARE),
    "nonzero_static": lambda: (lambda x: torch.nonzero_static(x, size=2), X),
    "batch_norm": lambda: (
        lambda x: torch.native_batch_norm(x, None, None, torch.ones(4), torch.ones(4), False, 0.1, 1e-5),
        X,
    ),
}


def described(result):
    return [(tuple(map(int, one.shape)), tuple(map(int, one.stride())), one.dtype) for one in result]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_on_the_cpu_layouts_are_the_cpus(name, dynamic):
    function, x = CALLS[name]()
    mode = FakeMode(ShapeEnv())
    fake, real = mode.propagate(function, (mode.fake(x, dynamic=dynamic),), {}), function(x)
    if isinstance(real, torch.Tensor):
        fake, real = [fake], [real]
    assert described(fake) == described(real)


def test_on_a_gpu_they_are_the_gpus():
    mode = FakeMode()
    with mode:
        vectors = torch.linalg.eig(torch.ones(5, 5, device="cuda")).eigenvectors
        statistics = torch.native_batch_norm(torch.ones(3, 4, 5, device="cuda"), *[None] * 4, True, 0.1, 1e-5)
    assert str(vectors.device) == "cuda:0"
    assert [one.shape for one in statistics[1:]] == [(4,), (4,)]
