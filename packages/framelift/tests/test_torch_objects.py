"""Programs that copy modules, ask what is a view, or compute gradients in forward mode."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from observation import compare
from torch import nn
from torch.autograd import forward_ad

X = torch.arange(6.0).reshape(2, 3)


def forward_gradient(x):
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, torch.ones_like(x))
        return forward_ad.unpack_dual(dual.sin()).tangent


def view(x):
    row = x[0]
    return x + 1, row._is_view(), row.clone()._is_view()


def copied(x, module):
    other = copy.deepcopy(module)
    return other(x) + module(x), other.weight is module.weight


def copied_fields(x, module):
    fields = vars(module).copy()
    joined = vars(module) | {"more": 1}
    fields["training"] = 3
    return x + 1, type(fields), list(fields), joined["more"], module.training, "more" in vars(module)


@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (forward_gradient, (X,)),
        (view, (X,)),
        (copied, (X, nn.Linear(3, 3))),
        (copied_fields, (X, nn.Linear(3, 3))),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_all_that_is_seen(function, arguments, dynamic):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        forward_gradient(X)  # what it imports warns, once a process
    compare(function, arguments, dynamic=dynamic, reset=lambda: None)
