"""A break below containers of modules: what follows is captured again, as few graphs as there are pieces."""

from __future__ import annotations

import torch
from torch import nn

import framelift
from framelift.testing import CompileCounter

X = torch.ones(2, 4)


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        x = self.linear(x)
        framelift.graph_break()
        return self.linear(x)


def test_children_after_a_broken_one_are_in_one_graph():
    module = nn.Sequential(nn.ReLU(), Broken(), nn.Tanh(), nn.Linear(4, 4))
    counter = CompileCounter()
    lifted = framelift.compile(module, backend=counter)
    for _ in range(2):
        assert torch.allclose(lifted(X), module(X))
    assert counter.frame_count == 2


def test_a_child_that_is_replaced_is_noticed_after_a_break():
    module = nn.Sequential(Broken(), nn.Tanh())
    lifted = framelift.compile(module, backend="eager")
    assert torch.allclose(lifted(X), module(X))
    module[1] = nn.Sigmoid()
    assert torch.allclose(lifted(X), module(X))
    module.append(nn.ReLU())
    assert torch.allclose(lifted(X), module(X))


def test_a_module_with_a_hook_is_one_graph():
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    module[0].register_forward_hook(lambda child, arguments, result: result * 2)
    lifted = framelift.compile(module, backend="eager", fullgraph=True)
    assert torch.allclose(lifted(X), module(X))
