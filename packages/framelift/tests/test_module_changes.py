"""Whatever changes in a module after capture, the next call sees it, and sees it again when it is changed back."""

from __future__ import annotations

import types

import pytest
import torch
from torch import nn

import framelift


class Fields(dict):
    """An instance dictionary of a class of its own."""


def parameter_replaced(net):
    net[0].weight = nn.Parameter(torch.zeros(4, 4))


def parameter_replaced_by_one_of_another_size(net):
    net[0] = nn.Linear(4, 4, bias=False)


def parameter_removed_and_shadowed(net):
    weight = net[0].weight.detach() * 2
    del net[0].weight
    net[0].weight = weight


def bias_taken_away(net):
    net[0].bias = None


def forward_patched_on_an_instance(net):
    net[1].forward = lambda x: x - 1


def forward_patched_on_the_module(net):
    net.forward = types.MethodType(lambda self, x: self[0](x), net)


def hook_added(net):
    net[2].register_forward_hook(lambda module, args, output: output + 1)


def pre_hook_added(net):
    net[2].register_forward_pre_hook(lambda module, args: (args[0] * 3,))


def hooks_replaced_by_a_dictionary_of_another_class(net):
    net[2]._forward_hooks = {1: lambda module, args, output: output - 2}


def layer_swapped(net):
    net[1] = nn.Tanh()


def layer_appended(net):
    net.append(nn.Sigmoid())


def layer_removed(net):
    del net[2]


def layers_reordered(net):
    net._modules["0"] = net._modules.pop("0")


def instance_dictionary_replaced(net):
    net[0].__dict__ = Fields(net[0].__dict__, in_features=4)
    net[0]._parameters["weight"] = nn.Parameter(torch.ones(4, 4))


CHANGES = [
    parameter_replaced, parameter_replaced_by_one_of_another_size, parameter_removed_and_shadowed, bias_taken_away,
    forward_patched_on_an_instance, forward_patched_on_the_module, hook_added, pre_hook_added,
    hooks_replaced_by_a_dictionary_of_another_class, layer_swapped, layer_appended, layer_removed, layers_reordered,
    instance_dictionary_replaced,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # some of it cannot be captured, and says so
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_the_next_call_sees_it(change):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))

    def call(x):
        return net(x)

    lifted = framelift.compile(call, backend="eager")
    x = torch.randn(2, 4)
    for _ in range(2):
        torch.testing.assert_close(lifted(x), net(x))
    before = net(x)
    change(net)
    expected = net(x)
    assert expected.shape != before.shape or not torch.equal(expected, before)
    for _ in range(2):
        torch.testing.assert_close(lifted(x), expected)


def test_a_patch_of_the_call_of_all_modules(monkeypatch):
    net, x = nn.Linear(4, 4), torch.randn(2, 4)
    lifted = framelift.compile(net, backend="eager")
    lifted(x)
    with monkeypatch.context() as patched:
        patched.setattr(nn.Module, "__call__", lambda self, x: x * 9)
        assert torch.equal(lifted(x), x * 9)
    assert torch.equal(lifted(x), net(x))


def test_parameters_can_be_swapped():
    net, x = nn.Linear(4, 4), torch.randn(2, 4)
    lifted = framelift.compile(net, backend="eager")
    lifted(x)
    torch.utils.swap_tensors(net.weight, nn.Parameter(torch.ones(4, 4)))
    assert torch.equal(lifted(x), net(x))
