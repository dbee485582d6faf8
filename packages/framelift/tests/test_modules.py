"""A lifted module is the module: by class, by state, by copies, by training."""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
import weakref

import torch
from torch import nn

import framelift
from framelift.testing import CompileCounter


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.norm = nn.LayerNorm(8)
        self.rest = nn.Sequential(nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, 2))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x, scale=1.0):
        if self.training:
            x = x * 2
        return self.rest(self.norm(self.first(x))) * scale


def test_equal_to_eager_in_one_graph():
    net, counter = Net(), CompileCounter()
    lifted = framelift.compile(net, backend=counter, fullgraph=True)
    x = torch.randn(3, 4)
    for _ in range(2):
        torch.testing.assert_close(lifted(x), net(x))
    assert counter.frame_count == 1
    lifted.eval()
    torch.testing.assert_close(lifted(x, scale=3.0), net(x, scale=3.0))
    assert counter.frame_count == 2


def test_it_is_the_module():
    net = Net()
    lifted = framelift.compile(net, backend="eager")
    assert isinstance(lifted, Net)
    assert list(lifted.state_dict()) == list(net.state_dict())
    assert all(a is b for a, b in zip(lifted.parameters(), net.parameters(), strict=True))
    lifted.eval()
    assert not net.training
    assert not net.first.training
    seen = []
    handle = net.register_forward_hook(lambda *_: seen.append(1))
    lifted(torch.randn(2, 4))
    assert seen == [1]
    handle.remove()
    lifted(torch.randn(2, 4))
    assert seen == [1]


def test_copies_and_pickles_are_lifted_and_apart():
    lifted = framelift.compile(Net(), backend="eager")
    x = torch.randn(2, 4)
    for other in (copy.deepcopy(lifted), pickle.loads(pickle.dumps(lifted))):
        torch.testing.assert_close(other(x), lifted(x))
        assert other.framelift is not lifted.framelift
        assert other.first.weight is not lifted.first.weight


def test_training_gives_eager_gradients():
    torch.manual_seed(0)
    net = Net()
    twin = copy.deepcopy(net)
    lifted = framelift.compile(net, backend="eager")
    optimiser = torch.optim.SGD(lifted.parameters(), lr=0.1)
    other = torch.optim.SGD(twin.parameters(), lr=0.1)
    for _ in range(3):
        x = torch.randn(5, 4)
        for model, optim in ((lifted, optimiser), (twin, other)):
            optim.zero_grad()
            model(x).square().mean().backward()
            optim.step()
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_replaced_parameters_and_children_are_seen():
    net = Net()
    lifted = framelift.compile(net, backend="eager")
    x = torch.randn(2, 4)
    lifted(x)
    net.first.weight = nn.Parameter(torch.zeros(8, 4))
    torch.testing.assert_close(lifted(x), net(x))
    net.rest[0] = nn.Tanh()
    torch.testing.assert_close(lifted(x), net(x))


def test_in_place_compile_of_a_module():
    net = Net()
    x = torch.randn(2, 4)
    expected = net(x)
    net._compiled_call_impl = framelift.compile(net._call_impl, backend="eager")
    torch.testing.assert_close(net(x), expected)


def test_a_dropped_model_is_freed():
    net = Net()
    lifted = framelift.compile(net, backend="eager")
    lifted(torch.randn(2, 4))
    reference, weight = weakref.ref(net), weakref.ref(net.first.weight)
    del net, lifted
    gc.collect()
    assert reference() is None
    assert weight() is None


def test_a_module_called_by_a_lifted_function():
    net = Net()

    @framelift.compile(backend="eager", fullgraph=True)
    def loss(x):
        return net(x).sum()

    x = torch.randn(2, 4)
    torch.testing.assert_close(loss(x), net(x).sum())


def test_grad_modes():
    @framelift.compile(backend="eager", fullgraph=True)
    def f(x):
        with torch.no_grad():
            y = x * 2
        return y, x * 3, torch.is_grad_enabled()

    x = torch.ones(2, requires_grad=True)
    y, z, enabled = f(x)
    assert not y.requires_grad
    assert z.requires_grad
    assert enabled
    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert not f(x)[1].requires_grad


def test_modules_are_made_in_a_graph_where_dynamo_counts_them():
    importlib.import_module("torch._dynamo")  # as Inductor does; it replaces `Module.__init__`
    layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(4)])

    def some(x):
        for layer in layers[:3]:
            x = layer(x)
        return nn.Sequential(nn.ReLU(), nn.Identity())(x)

    counter = CompileCounter()
    lifted = framelift.compile(some, backend=counter, fullgraph=True)
    for _ in range(3):
        torch.testing.assert_close(lifted(torch.ones(2, 2)), some(torch.ones(2, 2)))
    assert counter.frame_count == 1
