"""Lifted functions and modules are ordinary ones to a capture that meets them."""

from __future__ import annotations

import torch
from torch import nn

import framelift
from framelift.testing import CompileCounter

X = torch.ones(2, 4)


def test_a_lifted_function_is_inlined():
    inner = framelift.compile(lambda x: x * 2, backend="eager")
    counter = CompileCounter()
    outer = framelift.compile(lambda x: inner(x) + 1, backend=counter, fullgraph=True)
    assert torch.equal(outer(X), X * 2 + 1)
    assert counter.frame_count == 1
    assert counter.op_count == 2


def test_a_lifted_module_is_inlined():
    plain = nn.Linear(4, 4)
    module = framelift.compile(plain, backend="eager")
    counter = CompileCounter()
    outer = framelift.compile(lambda x: module(x) + 1, backend=counter, fullgraph=True)
    assert torch.equal(outer(X), plain(X) + 1)
    assert counter.frame_count == 1
    plain.register_forward_hook(lambda *call: call[2] * 3)
    assert torch.equal(outer(X), plain(X) + 1)


def test_recursion_through_the_lifted_name():
    @framelift.compile(backend="eager", fullgraph=True)
    def again(x, n):
        return x if n == 0 else again(x + 1, n - 1) * 2

    assert torch.equal(again(X, 3), (X + 3) * 8)


def test_recursion_captures_each_depth_once():
    @framelift.compile(backend="eager", dynamic=False)
    def again(x, n):
        return x if n == 0 else again(x + 1, n - 1) * 2

    for n in (3, 2, 3, 2):
        assert torch.equal(again(X, n), (X + n) * 2**n)
    assert len(again.framelift.specialisations) == 2


class Doubled(nn.Module):
    def __call__(self, x, times=2):
        return super().__call__(x) * times

    def forward(self, x):
        return x + 1


def test_a_module_with_a_call_of_its_own():
    module = Doubled()
    lifted = framelift.compile(module, backend="eager")
    assert torch.equal(lifted(X), module(X))
    assert torch.equal(lifted(X, times=3), module(X, times=3))
