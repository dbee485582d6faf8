"""Parameters and other leaves of autograd that a program makes: part of its graph, and leaves under every backend."""

from __future__ import annotations

import copy

import pytest
import torch
from observation import describe
from torch import nn
from torch.utils._pytree import tree_leaves

import framelift

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's compilers are not free of warnings

X = torch.arange(6.0).reshape(2, 3) / 7 + 0.1
LEAF = (torch.arange(6.0).reshape(2, 3) / 7).requires_grad_()


def parameter(x):
    weight = nn.Parameter(torch.ones(3))
    return (x * weight).sum(), weight


def parameter_of_an_input(x):
    weight = nn.Parameter(x)
    return (x * weight).sum(), weight, weight is x


def parameter_that_learns_nothing(x):
    weight = nn.Parameter(x * 2, requires_grad=False)
    return weight + 1, weight, isinstance(weight, nn.Parameter), type(weight)


def parameter_of_integers(x):
    return nn.Parameter(x.long(), False)


def empty_parameter(x):
    return nn.Parameter().shape, x + 1


def buffer(x):
    made = nn.Buffer(x * 2)
    return made + 1, isinstance(made, nn.Buffer), made


def between_two_uses(x):
    first = x * 2
    x.requires_grad_()
    return first, x * 3


def as_attribute(x):
    x.requires_grad = True
    return x * 3, x.requires_grad, x.is_leaf


def frozen(x):
    x.requires_grad_(False)
    return x * 3, x.requires_grad


def cut_off(x):
    y = (x * 2).detach().requires_grad_()
    return y.sin(), y


def kept_gradient(x):
    y = x * 2
    y.retain_grad()
    return y.sin(), y, y.retains_grad


def made_without_gradients(x):
    with torch.no_grad():
        weight = torch.ones(3, requires_grad=True)
        y = weight * 2
    return y, weight, weight * x


def view_of_an_input(x):
    y = x[0]
    y.requires_grad_()
    return y * 2, x * 2


def written_to(x):
    y = torch.zeros(3).requires_grad_()
    with torch.no_grad():
        y.add_(1)
    return y * x, y


def own_history(x):
    return x.grad_fn, x + 1


def observed(function, given):
    x = copy.deepcopy(given)
    result = function(x)
    losses = [one.sum() for one in tree_leaves(result) if isinstance(one, torch.Tensor) and one.grad_fn is not None]
    if losses:
        torch.stack(losses).sum().backward()
    kept = [one.grad.tolist() for one in tree_leaves(result) if isinstance(one, torch.Tensor) and one.retains_grad]
    return describe([result, x]), kept


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize(
    ("function", "given"),
    [
        (parameter, X),
        (parameter_of_an_input, X),
        (parameter_that_learns_nothing, X),
        (parameter_of_integers, X),
        (empty_parameter, X),
        (buffer, X),
        (between_two_uses, X),
        (as_attribute, X),
        (frozen, LEAF),
        (cut_off, LEAF),
        (kept_gradient, LEAF),
        (made_without_gradients, X),
        (view_of_an_input, X),
        (written_to, X),
        (own_history, X),
    ],
)
def test_one_graph_and_as_eager(function, given, backend):
    lifted = framelift.compile(function, backend=backend, fullgraph=True)
    for _ in range(3):
        assert observed(lifted, given) == observed(function, given)
    assert not lifted.framelift.capture_errors


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_model_is_frozen_and_thawed(backend):
    def function(model, x):
        for one in model.parameters():
            one.requires_grad_(False)
        first = model(x)
        for one in model.parameters():
            one.requires_grad_(True)
        return first, model(x)

    lifted = framelift.compile(function, backend=backend, fullgraph=True)
    model = nn.Linear(3, 3)
    for _ in range(3):
        first, second = lifted(model, X)
        assert (first.requires_grad, second.requires_grad) == (False, True)
        assert first.tolist() == second.tolist() == model(X).tolist()
        second.sum().backward()
        assert model.bias.grad.tolist() == [2.0, 2.0, 2.0]
        model.zero_grad()


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_new_parameter_takes_the_place_of_the_old(backend):
    def function(model, x):
        model.weight = nn.Parameter(model.weight.detach() * 2)
        return model(x)

    torch.manual_seed(0)
    ours = nn.Linear(3, 3)
    theirs = copy.deepcopy(ours)
    lifted = framelift.compile(function, backend=backend, fullgraph=True)
    for _ in range(3):
        torch.testing.assert_close(lifted(ours, X), function(theirs, X))
        torch.testing.assert_close(ours.weight, theirs.weight)
        assert type(ours.weight) is nn.Parameter
        assert dict(ours.named_parameters())["weight"] is ours.weight
