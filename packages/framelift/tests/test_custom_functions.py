"""`torch.autograd.Function`: values, gradients, what `forward` reads, changes and prints."""

from __future__ import annotations

import pytest
import torch

import framelift
from framelift.testing import CompileCounter, same

COUNTS = []
SCALE = 3.0


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, k):
        ctx.save_for_backward(x)
        ctx.k = k
        return x * x * k

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 2 * x * ctx.k + 100, None


class Apart(torch.autograd.Function):
    @staticmethod
    def forward(x, y):
        return x * y, x + y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx, first, second):
        x, y = ctx.saved_tensors
        return first * y * 7, first * x


class Itself(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * 5


class InPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * SCALE

    @staticmethod
    def backward(ctx, grad):
        return grad * SCALE


class Needs(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y if ctx.needs_input_grad[0] else x - y

    @staticmethod
    def backward(ctx, grad):
        return grad, None


class Counting(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        COUNTS.append(1)
        return x + len(COUNTS)

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


class Looking(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.total = x.sum().item()
        return x * ctx.total

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.total


class Raising(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        raise ValueError("never")


def square(x, y):
    return Square.apply(x, 3) * 2


def nested(x, y):
    return Square.apply(Square.apply(x, 2), 3).sum()


def without_gradients(x, y):
    with torch.no_grad():
        return Square.apply(x, 2)


def apart(x, y):
    product, total = Apart.apply(x, y)
    return product + 1, total


def itself(x, y):
    return Itself.apply(x) * 2


def in_place(x, y):
    z = x * 1
    return InPlace.apply(z) + 1, z


def scaled(x, y):
    return Scaled.apply(x)


def scaled_after_a_change(x, y):
    global SCALE
    SCALE += 1
    return Scaled.apply(x)


def needs(x, y):
    return Needs.apply(x, y) + Needs.apply(y.detach(), x)


def counting(x, y):
    return Counting.apply(x * 2)


def looking(x, y):
    return Looking.apply(x + 1) * 2


def raising(x, y):
    try:
        return Raising.apply(x)
    except ValueError as error:
        return x * len(str(error))


CASES = [
    (square, 1), (nested, 1), (without_gradients, 1), (apart, 1), (itself, 1), (in_place, 1), (scaled, 2), (needs, 1),
    (scaled_after_a_change, None), (counting, None), (looking, None), (raising, None),
]  # fmt: skip


def history(called):
    """Return the results and gradients of three calls, a global changing before the last."""
    global SCALE
    SCALE = 3.0
    COUNTS.clear()
    seen = []
    for number in range(3):
        if number == 2:
            SCALE = 11.0
        x, y = [torch.arange(6.0).reshape(2, 3).add(start).requires_grad_() for start in (0, 1)]
        result = called(x, y)
        outputs = result if isinstance(result, tuple) else (result,)
        losses = [output.sum() for output in outputs if output.requires_grad]
        if losses:
            sum(losses).backward()
        seen.append([[output.detach() for output in outputs], [output.requires_grad for output in outputs]])
        seen.append([x.grad, y.grad, SCALE, len(COUNTS)])
    return seen


@pytest.mark.parametrize(("function", "graphs"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_values_and_gradients(function, graphs):
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter, dynamic=False)
    assert same(history(lifted), history(function))
    assert not lifted.framelift.capture_errors
    if graphs is not None:
        assert counter.frame_count == graphs, [str(one) for one in lifted.framelift.breaks]


@pytest.mark.parametrize("function", [square, apart, itself, in_place, nested])
def test_torch_compilers_take_them(function):
    assert same(history(framelift.compile(function, backend="aot_eager", dynamic=False)), history(function))
