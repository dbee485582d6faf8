"""What a program does to tensors beside computing with them: attributes, gradients, inference mode."""

from __future__ import annotations

import pytest
import torch
from observation import compare
from torch import nn

import framelift

X = torch.arange(6.0).reshape(2, 3) / 3
PROGRAMS = []


def program(*arguments, broken=False):
    """Add a program with its arguments; `broken`: it does not become one graph."""

    def add(function):
        PROGRAMS.append(pytest.param(function, arguments, broken, id=function.__name__))
        return function

    return add


XG = (torch.arange(6.0).reshape(2, 3) / 3).requires_grad_()


@program(XG, broken=True)
def rt(x):
    y = x * 2
    y.retain_grad()
    y.sum().backward()
    return y.grad


@program(XG, broken=True)
def rt2(x):
    y = x * 2
    print(1)
    return y.grad


@program(X)
def ta(x):
    x.foo = 3
    return x + x.foo


@program(X)
def ta2(x):
    y = x + 1
    y.tag = "a"
    return y, y.tag, hasattr(y, "tag"), getattr(y, "q", 3)


@program(X)
def ta3(x):
    x.foo = x + 1
    del x.foo
    return hasattr(x, "foo"), x


@program(X)
def r_ta4(x):
    del x.foo
    return x


@program(X, broken=True)
def ta5(x):
    y = x * 2
    y.cache = {"a": y.sum()}
    y.self_ = y
    print("a")
    return y.cache["a"], y


@program(XG)
def g1(x):
    x.grad = None
    return x + 1


@program(XG)
def g2(x):
    x.grad = torch.ones_like(x)
    z = x.grad * 2
    return z


@program(XG, broken=True)
def r_g3(x):
    x.grad = torch.ones(5)
    return x


@program(X, broken=True)
def r_ro(x):
    x.shape = 3


@program(X)
def rgs(x):
    x.requires_grad = True
    return x


@program(X, broken=True)
def dat(x):
    x.data = x + 1
    return x


@program(nn.Linear(3, 3), X)
def optg(m, x):
    for q in m.parameters():
        q.grad = q.detach() * 2
    with torch.no_grad():
        for q in m.parameters():
            q -= q.grad
    for q in m.parameters():
        q.grad = None
    return m(x)


@program(XG, broken=True)
def im(x):
    with torch.inference_mode():
        y = x + 1
        z = y.view(-1)
        s = (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            y.is_inference(),
            x.view(-1).is_inference(),
            y.requires_grad,
        )
    return y.is_inference(), y.requires_grad, z.requires_grad, s, torch.is_grad_enabled()


@torch.inference_mode()
def imf(x):
    return x + 1


@program(XG)
def im2(x):
    return imf(x).requires_grad


@program(XG, broken=True)
def im3(x):
    with torch.inference_mode():
        with torch.inference_mode(False):
            z = x * 2
        y = x + 1
        print(3)
    return y.requires_grad, z


@program(XG)
def im4(x):
    with torch.inference_mode():
        try:
            with torch.inference_mode():
                raise ValueError
        except ValueError:
            pass
        y = x + 1
    return y.requires_grad, x * 2


@program(XG, broken=True)
def r_im5(x):
    with torch.inference_mode():
        y = x @ x
    return y


@program(XG)
def r_im6(x):
    with torch.inference_mode():
        y = x + 1
    return y * x


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize(("function", "arguments", "broken"), PROGRAMS)
def test_as_eager(function, arguments, broken, dynamic):
    lifted, _ = compare(function, arguments, dynamic=dynamic, reset=lambda: None)
    assert bool(lifted.framelift.breaks) is broken or dynamic


class Keeps(nn.Module):
    """Reads what its last call kept."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.kept = None

    def forward(self, x):
        x = x + self.table.weight.sum()
        x = x + (self.kept.detach().mean() if self.kept is not None else 0)
        x = torch.cat([x, x], -1)[..., ::2]
        self.kept = x
        return x * 2


def test_in_inference_mode_a_tensor_that_was_kept_before_is_read():
    def history(lift):
        torch.manual_seed(0)
        called, told = lift(Keeps()), []
        for rows, region in ((4, torch.enable_grad), (3, torch.enable_grad), (5, torch.inference_mode)):
            with region():
                y = called(torch.ones(rows, 3))
            told.append((y.tolist(), y.requires_grad, y.is_inference()))
        return told, called

    expected, _ = history(lambda module: module)
    found, lifted = history(lambda module: framelift.compile(module, backend="eager", dynamic=True))
    assert found == expected
    assert not lifted.framelift.capture_errors
