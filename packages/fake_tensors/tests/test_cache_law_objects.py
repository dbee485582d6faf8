"""Law: what a tensor tells of itself does not depend on what other tensors left in the cache, whatever their state."""

import pytest
import torch
from torch import nn

from framelift_fake_tensors import FakeMode, FakeTensor, FakeTensorError, PropagationCache


def square():
    return torch.ones(2, 2)


def with_grad():
    leaf = square().requires_grad_()
    leaf.grad = square()
    return leaf


STATES = [
    square,
    lambda: torch.ones(4).view(2, 2),
    lambda: square().requires_grad_(),
    lambda: square().requires_grad_() * 2,
    lambda: (torch.ones(4, requires_grad=True) * 2).view(2, 2),
    lambda: nn.Parameter(square()),
    lambda: (square().requires_grad_() * 2).detach(),
    lambda: square().add_(1),
    with_grad,
]
# Addresses, counts of writes, and the node of a result, which is another one where the cache gave the result.
OTHER = {
    "_version",
    "__weakref__",
    "_cdata",
    "_grad_fn",
    "grad_fn",
    "grad_dtype",
    "__hash__",
    "__dir__",
    "__sizeof__",
    "backward",
}
NAMES = sorted(set(dir(torch.Tensor)) - OTHER)


def told(value, x):
    if isinstance(value, (tuple, list)):
        return [told(item, x) for item in value]
    if isinstance(value, FakeTensor):
        return (
            value.shape, value.stride(), value.storage_offset(), value.dtype, value.requires_grad, value.is_leaf,
            value._is_view(), value is x, value.memory is x.memory,
        )  # fmt: skip
    plain = (int, bool, str, float, type(None), torch.dtype, torch.device, torch.layout)
    return value if isinstance(value, plain) else type(value)


def answer(cache, make, name):
    with FakeMode(cache=cache):
        x = make()
        try:
            found = getattr(x, name)
            return told(found() if callable(found) else found, x), told(x, x)
        except (RuntimeError, TypeError, ValueError, AttributeError, FakeTensorError) as error:
            return type(error), str(error)[:60]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", "_abcdefghijklmnopqrstuvwxyz")
def test_what_a_tensor_tells_does_not_depend_on_others(first):
    shared = PropagationCache()
    for name in NAMES:
        if name.lstrip("_")[:1] == first or (first == "_" and name[:2] == "__"):
            for make in (*STATES, *STATES):
                computed = answer(PropagationCache(maxsize=0), make, name)
                assert answer(shared, make, name) == computed, (name, STATES.index(make))
