"""Functions of torch that no capture gets through run for real, in one break each and not one for each piece."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn

import framelift
from framelift.testing import CompileCounter

LINEAR = nn.Linear(3, 3)
"""What programs copy; the name is read from the module, as in programs."""


def copied(x):
    y = x * 2
    made = copy.deepcopy({"a": y, "b": [y, 1]})
    return made["a"] + 1, made["a"] is made["b"][0], made["a"] is y


def copied_parameter(x):
    made = copy.deepcopy(LINEAR.weight)
    return x @ made, made.requires_grad, made is LINEAR.weight


def saved(x):
    file = io.BytesIO()
    torch.save({"x": x + 1}, file)
    file.seek(0)
    return torch.load(file)["x"] * 2


def differentiated(x):
    y = (x.detach() ** 3).requires_grad_()
    (grad,) = torch.autograd.grad((y * x).sum(), y)
    return grad * 2


def lazy(x):
    module = nn.LazyLinear(2)
    with torch.no_grad():
        shape = module(x).shape
    return x * 2, shape, type(module).__name__, [tuple(p.shape) for p in module.parameters()]


@pytest.mark.parametrize(
    ("program", "graphs"), [(copied, 2), (copied_parameter, 2), (saved, 2), (differentiated, 3), (lazy, 3)]
)
def test_one_break_each_and_the_values_of_eager(program, graphs):
    framelift.reset()
    counter = CompileCounter()
    lifted = framelift.compile(program, backend=counter)
    for seed in range(3):
        torch.manual_seed(seed)
        x = torch.randn(3, 3)
        expected, found = program(x), lifted(x)
        torch.testing.assert_close(found, expected) if isinstance(expected, torch.Tensor) else _same(found, expected)
        if seed == 0:
            assert counter.frame_count <= graphs


def _same(found, expected):
    torch.testing.assert_close(found[0], expected[0])
    assert found[1:] == expected[1:]
