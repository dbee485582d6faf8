"""Every way to read a module, times every way to change it, its classes or what all modules share."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody writes it
import torch.nn.modules.module as shared
from changes_in_place import replaced, stale
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

X = torch.linspace(-1, 1, 6).reshape(2, 3)


class Double(nn.Module):
    def forward(self, x):
        return x * 2


class Times(nn.Linear):
    def forward(self, x):
        return super().forward(x) * 5


class Sub(torch.Tensor):
    """A tensor of a class of its own."""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
        self.b.weight = self.a.weight
        self.norm, self.drop = nn.BatchNorm1d(3), nn.Dropout(0.0)
        self.listed = nn.ModuleList([nn.ReLU(), nn.Tanh()])
        self.named = nn.ModuleDict({"x": nn.ReLU(), "y": nn.Tanh()})
        self.row = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
        self.numbers = nn.ParameterList([nn.Parameter(torch.ones(3) * i) for i in (1, 2)])
        self.words = nn.ParameterDict({"u": nn.Parameter(torch.ones(3))})
        self.register_buffer("mask", torch.ones(3))
        self.factor, self.activation = 2, F.relu

    def forward(self, x):
        return self.row(self.drop(self.norm(self.b(self.a(x))))) + self.mask * self.factor


READS = {
    "call": lambda m, x: m(x),
    "call of a layer": lambda m, x: m.a(x),
    "forward": lambda m, x: m.a.forward(x),
    "weight": lambda m, x: F.linear(x, m.a.weight, m.a.bias),
    "tie": lambda m, x: (x * (m.a.weight is m.b.weight), (x @ m.a.weight) @ m.b.weight),
    "memory": lambda m, x: x * (m.a.weight.data_ptr() == m.b.weight.data_ptr()),
    "norm": lambda m, x: m.norm(x),
    "names": lambda m, x: (x * 1, [name for name, _ in m.named_parameters()]),
    "modules": lambda m, x: (x * 1, [type(one).__name__ for one in m.modules()]),
    "training": lambda m, x: x * m.training,
    "sum over parameters": lambda m, x: sum((one * x for one in m.numbers), x),
    "dictionary of parameters": lambda m, x: (x * sum(one.sum() for one in m.words.values()), list(m.words)),
    "list": lambda m, x: [layer(x) for layer in m.listed],
    "dictionary": lambda m, x: {name: layer(x) for name, layer in m.named.items()},
    "row": lambda m, x: m.row(x),
    "first of a row": lambda m, x: m.row[0](x),
    "plain attribute": lambda m, x: x * m.factor,
    "absent": lambda m, x: x + hasattr(m, "late"),
    "activation": lambda m, x: m.activation(x),
    "metadata": lambda m, x: (x * m.a.weight.stride(0), m.a.weight.shape, m.a.weight.dtype, m.a.weight.requires_grad),
    "history": lambda m, x: (x * m.a.weight.is_leaf, m.a.weight.grad is None, type(m.a.weight).__name__),
    "fields": lambda m, x: (x * 1, len(vars(m)), len(m.a._forward_hooks)),
}


def no_grad(change):
    def changed(net):
        with torch.no_grad():
            change(net)

    return changed


def removed(register):
    return lambda net: register(net).remove


def add_one(module, args, output):
    return output + 1


def twice(module, args):
    return (args[0] * 2,)


ONES = {"weight": torch.ones(3, 3), "bias": torch.ones(3)}
CHANGES = {
    "a hook": removed(lambda net: net.a.register_forward_hook(add_one)),
    "a hook of the whole": removed(lambda net: net.register_forward_hook(add_one, prepend=True)),
    "a hook with keywords": removed(
        lambda net: net.a.register_forward_hook(lambda module, args, named, output: output + 2, with_kwargs=True)
    ),
    "a hook before": removed(lambda net: net.a.register_forward_pre_hook(twice)),
    "a hook on gradients": removed(lambda net: net.a.register_full_backward_hook(lambda *seen: None)),
    "a hook on a parameter": removed(lambda net: net.a.weight.register_hook(lambda gradient: gradient * 2)),
    "a hook of all modules": removed(lambda net: shared.register_module_forward_hook(add_one)),
    "a hook before all modules": removed(lambda net: shared.register_module_forward_pre_hook(twice)),
    "another table of hooks": lambda net: setattr(net.a, "_forward_hooks", {1: add_one}),
    "a hook past its registration": lambda net: net.a._forward_hooks.__setitem__(7, add_one),
    "eval": lambda net: net.eval(),
    "eval of a layer": lambda net: net.norm.eval(),
    "rate": lambda net: setattr(net.drop, "p", 1.0),
    "momentum": lambda net: setattr(net.norm, "momentum", 0.9),
    "no momentum": lambda net: setattr(net.norm, "momentum", None),
    "statistics": lambda net: net.norm.running_mean.fill_(3),
    "no statistics": lambda net: setattr(net.norm, "running_mean", None),
    "a buffer": lambda net: setattr(net, "mask", torch.zeros(3)),
    "a buffer that is not kept": lambda net: net.register_buffer("mask", torch.zeros(3), persistent=False),
    "no buffer": lambda net: delattr(net, "mask"),
    "another buffer": lambda net: net.register_buffer("late", torch.zeros(3)),
    "a parameter more in a list": lambda net: net.numbers.append(nn.Parameter(torch.ones(3))),
    "a parameter of a list": lambda net: net.numbers.__setitem__(1, nn.Parameter(torch.zeros(3))),
    "a parameter more by name": lambda net: net.words.update({"v": nn.Parameter(torch.ones(3))}),
    "a parameter less by name": lambda net: net.words.pop("u"),
    "a module more in a list": lambda net: net.listed.append(nn.Sigmoid()),
    "a module of a list": lambda net: net.listed.__setitem__(0, Double()),
    "a module less in a list": lambda net: net.listed.pop(0),
    "a module by name": lambda net: net.named.update({"x": Double()}),
    "a module less by name": lambda net: net.named.pop("y"),
    "the order of names": lambda net: net.named._modules.__setitem__("x", net.named._modules.pop("x")),
    "a layer of the row": lambda net: net.row.__setitem__(0, Double()),
    "a layer more in the row": lambda net: net.row.append(Double()),
    "a layer less in the row": lambda net: net.row.__delitem__(0),
    "a late module": lambda net: net.add_module("late", Double()),
    "a number": lambda net: setattr(net, "factor", 5),
    "a float": lambda net: setattr(net, "factor", 2.0),
    "a tensor": lambda net: setattr(net, "factor", torch.ones(3) * 4),
    "no number": lambda net: delattr(net, "factor"),
    "a property": lambda net: replaced(Net, "factor", property(lambda self: 99)),
    "another activation": lambda net: setattr(net, "activation", F.silu),
    "a module for an activation": lambda net: setattr(net, "activation", nn.Tanh()),
    "a patched activation": lambda net: replaced(F, "relu", lambda x, inplace=False: x * 9),
    "another layer": lambda net: setattr(net, "a", nn.Identity()),
    "no layer": lambda net: setattr(net, "a", None),
    "untied": lambda net: setattr(net.b, "weight", nn.Parameter(net.a.weight.detach().clone())),
    "other data": lambda net: setattr(net.a.weight, "data", torch.ones(3, 3)),
    "data of another size": lambda net: setattr(net.a.weight, "data", torch.ones(4, 3)),
    "data of other strides": lambda net: setattr(net.a.weight, "data", torch.arange(9.0).reshape(3, 3).t()),
    "double": lambda net: net.double() and None,
    "half a layer": lambda net: net.a.to(torch.bfloat16) and None,
    "frozen": lambda net: net.a.requires_grad_(requires_grad=False) and None,
    "a gradient": lambda net: setattr(net.a.weight, "grad", torch.ones(3, 3)),
    "a plain tensor": lambda net: (delattr(net.a, "weight"), setattr(net.a, "weight", torch.ones(3, 3)))[0],
    "no bias": lambda net: setattr(net.a, "bias", None),
    "in place": no_grad(lambda net: net.a.weight.mul_(2)),
    "set": no_grad(lambda net: net.a.weight.set_(torch.ones(3, 3))),
    "transposed": no_grad(lambda net: net.a.weight.t_()),
    "another class of tensor": lambda net: setattr(net.a.weight, "__class__", Sub),
    "swapped": lambda net: torch.utils.swap_tensors(net.a.weight, nn.Parameter(torch.ones(3, 3))),
    "loaded": lambda net: net.a.load_state_dict(ONES) and None,
    "loaded by assignment": lambda net: net.a.load_state_dict(ONES, assign=True) and None,
    "parametrized": lambda net: parametrize.register_parametrization(net.a, "weight", Double()) and None,
    "weight norm": lambda net: parametrizations.weight_norm(net.a) and None,
    "pruned": lambda net: prune.l1_unstructured(net.a, "weight", 0.5) and None,
    "another class of layer": lambda net: setattr(net.a, "__class__", Times),
    "a forward of the instance": lambda net: setattr(net.a, "forward", lambda x: x * 9),
    "a forward of the class": lambda net: replaced(nn.Linear, "forward", lambda self, x: x * 9),
    "a call of the class": lambda net: replaced(nn.Linear, "__call__", lambda self, x: x * 9),
    "a call of all modules": lambda net: replaced(nn.Module, "__call__", lambda self, x: x * 9),
    "how modules are called": lambda net: replaced(nn.Module, "_call_impl", lambda self, x: x * 9),
    "what modules do without an attribute": lambda net: replaced(nn.Linear, "__getattr__", lambda self, name: None),
    "a function of torch": lambda net: replaced(F, "linear", lambda x, weight, bias=None: x * 9),
    "a function below": lambda net: replaced(torch, "batch_norm", lambda x, *more: x * 9),
    "a method of containers": lambda net: replaced(nn.ModuleList, "__iter__", lambda self: iter([])),
    "other modules": lambda net: setattr(net, "_modules", dict(net._modules, a=Double())),
    "other parameters": lambda net: setattr(net.a, "_parameters", {"weight": nn.Parameter(torch.eye(3)), "bias": None}),
    "no buffers": lambda net: setattr(net, "_buffers", {}),
    "the order of parameters": lambda net: net.a._parameters.__setitem__("weight", net.a._parameters.pop("weight")),
    "a field over a module": lambda net: net.__dict__.__setitem__("a", Double()),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("read", READS)
def test_the_call_after_any_change(read):
    wrong, mattered = stale(READS[read], CHANGES, Net, X)
    assert wrong == []
    assert mattered
