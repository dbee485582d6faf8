"""Autocast of a device that need not be there: dtypes are those of a machine that has it."""

import threading

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from framelift_fake_tensors import FakeMode

LOWER = [torch.float16, torch.bfloat16]


@pytest.fixture
def mode():
    return FakeMode()


@pytest.mark.parametrize("dtype", LOWER)
@pytest.mark.parametrize(("call", "lowered"), [
    (lambda x: x @ x, True),
    (lambda x: F.linear(x, x), True),
    (lambda x: torch.mm(x, x.half()), True),
    (lambda x: F.conv1d(x[None], x[None]), True),
    (lambda x: F.scaled_dot_product_attention(x[None], x[None], x[None]), True),
    (lambda x: torch.softmax(x.half(), 0), False),
    (lambda x: torch.exp(x.half()), False),
    (lambda x: F.layer_norm(x.half(), (4,)), False),
    (lambda x: x + 1, False),
    (lambda x: nn.Linear(4, 4, device="cuda")(x), True),
])  # fmt: skip
def test_dtypes(mode, dtype, call, lowered):
    with mode, torch.autocast("cuda", dtype=dtype):
        x = torch.ones(4, 4, device="cuda")
        assert call(x).dtype is (dtype if lowered else torch.float32)
        assert call(x).dtype is (dtype if lowered else torch.float32)  # a hit of the cache
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32  # the CPU's is off
    with mode:
        assert torch.mm(x, x).dtype is torch.float32


def test_by_default_it_is_half_and_other_spellings_are_the_same(mode):
    with mode:
        x = torch.ones(4, 4, device="cuda")
        with torch.autocast("cuda"):
            assert (x @ x).dtype is torch.float16
            with torch.autocast("cuda", enabled=False):
                assert (x @ x).dtype is torch.float32
        with torch.amp.autocast_mode.autocast("cuda", torch.bfloat16):
            assert (x @ x).dtype is torch.bfloat16
        assert torch.autocast("cuda")(torch.mm)(x, x).dtype is torch.float16


@pytest.mark.parametrize("context", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_parameters_that_require_grad(mode, context):
    with mode, torch.autocast("cuda", dtype=torch.bfloat16):
        layer = nn.Linear(3, 2, device="cuda")
        x = torch.ones(5, 3, device="cuda", dtype=torch.float16)
        with context():
            result = layer(x)
        assert result.dtype is torch.bfloat16
        assert result.requires_grad is (context is torch.enable_grad)
    if result.requires_grad:
        with mode:
            result.sum().backward()
        assert layer.weight.grad.dtype is torch.float32


def test_propagate(mode):
    with mode:
        x = torch.ones(2, 3, device="cuda")
        casts = torch.autocast("cuda", dtype=torch.bfloat16)
    with casts:
        assert mode.propagate(torch.mm, (x, x.t()), {}).dtype is torch.bfloat16
    assert mode.propagate(torch.mm, (x, x.t()), {}).dtype is torch.float32

    def product(value):
        with torch.autocast("cuda"):
            return value @ value.t()

    assert mode.propagate(product, (x,), {}).dtype is torch.float16


def test_a_layer_with_attention(mode):
    with mode, torch.autocast("cuda", dtype=torch.bfloat16):
        attention = nn.MultiheadAttention(64, 4, batch_first=True, device="cuda")
        x = torch.ones(2, 5, 64, device="cuda")
        assert attention(x, x, x, need_weights=False)[0].dtype is torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="nothing warns where there is CUDA")
def test_outside_of_modes_torch_decides():
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert not torch.autocast("cuda")._enabled
    with FakeMode():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(torch.autocast("cuda", enabled=False)._enabled))
        thread.start()
        thread.join()
        assert seen == [False]
        assert torch.autocast("cuda")._enabled
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert not torch.autocast("cuda")._enabled
