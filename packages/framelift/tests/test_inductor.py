"""torch's own compilers as backends: results and gradients equal eager, for every size."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import framelift


@pytest.mark.filterwarnings("ignore")
def test_aot_eager_trains_as_eager():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    twin = copy.deepcopy(net)
    lifted = framelift.compile(net, backend="aot_eager")
    x = torch.randn(5, 4)
    lifted(x).square().mean().backward()
    twin(x).square().mean().backward()
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.mark.filterwarnings("ignore")
def test_symbolic_sizes_are_right_for_every_size():
    lifted = framelift.compile(lambda x: x.sum(0) * x.size(0), backend="aot_eager", dynamic=True)
    for size in (3, 5, 3):
        x = torch.randn(size, 2)
        torch.testing.assert_close(lifted(x), x.sum(0) * size)
    assert len(lifted.framelift.graphs) == 1


def test_modes_go_to_backends_known_by_name():
    with pytest.raises(framelift.errors.ConfigurationError, match="goes with a backend known by name"):
        framelift.compile(lambda x: x, backend=lambda gm, inputs: gm, mode="max-autotune")
