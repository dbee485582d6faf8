"""Calls of torch's own Python that is captured, or runs as a whole: one break, and no new capture in each call."""

from __future__ import annotations

import copy

import pytest
import torch
from differential import check
from torch import nn

import framelift

X = torch.arange(6.0).reshape(2, 3)


def learnt(*sizes):
    parameters = [torch.ones(size, requires_grad=True) for size in sizes]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 3.0)
    return parameters


def clipped(parameters):
    norm = nn.utils.clip_grad_norm_(parameters, 0.5)
    nn.utils.clip_grad_value_(parameters, 0.1)
    return norm, [parameter.grad for parameter in parameters]


def test_gradients_are_clipped_in_one_graph():
    lifted = framelift.compile(clipped, backend="eager", fullgraph=True)
    for _ in range(3):
        torch.testing.assert_close(lifted(learnt(2, 3)), clipped(learnt(2, 3)))
    assert len(lifted.framelift.specialisations) <= 2  # torch notes that parameters have kernels, at the first use


def test_tensors_are_grouped_as_torch_groups_them():
    def grouped(x, indices):
        lists = [[x, x + 1, x.double()], [], [None, None, x]]
        groups = torch._C._group_tensors_by_device_and_dtype(lists, indices)
        return len(groups), [groups[x.device, dtype] for dtype in (torch.float32, torch.float64)]

    for indices in (False, True):
        check(grouped, X, indices)


def hooked(layer, x):
    handle = layer.register_forward_hook(lambda module, args, output: output * 2)
    output = layer(x)
    handle.remove()
    return output, layer(x)


def test_a_hook_set_and_removed_inside_is_seen_by_the_calls_between():
    layer = nn.Linear(3, 3)
    lifted = framelift.compile(hooked, backend="eager")
    for _ in range(3):
        torch.testing.assert_close(lifted(layer, X), hooked(layer, X))
    assert not layer._forward_hooks
    assert "as a whole" in lifted.framelift.breaks[0].explanation


@pytest.mark.parametrize("copied", [lambda x: copy.deepcopy(x) + 1, lambda x: torch.autograd.grad((x * x).sum(), x)])
def test_what_runs_as_a_whole_says_so(copied):
    lifted = framelift.compile(copied, backend="eager")
    lifted(torch.ones(2, requires_grad=True))
    assert [broke.code for broke in lifted.framelift.breaks] == ["FL202"]
