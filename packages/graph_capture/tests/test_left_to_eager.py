"""What no graph may hold: tensors on devices that are not there, and changes that compilers keep outside of graphs."""

from __future__ import annotations

import pytest
import torch

from framelift_graph_capture import FunctionCall, capture, default_registry
from framelift_graph_capture.devices import is_present


def break_of(f, **values):
    return capture(FunctionCall(f), values, registry=default_registry(), dynamic=None).break_


def test_devices_that_are_there():
    assert is_present(torch.device("cpu"))
    assert is_present(torch.device("meta"))
    assert is_present(torch.device("cuda")) is torch.cuda.is_available()
    assert not is_present(torch.device("cuda", 100))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: torch.zeros(2, device="cuda:100"),
        lambda x: x.to("cuda:100"),
        lambda x: torch.stack([x, x]).to(device=torch.device("cuda", 100)),
    ],
)
def test_a_tensor_on_a_device_that_is_not_there_is_left_to_eager(make):
    found = break_of(lambda x: make(x) + 1, x=torch.ones(2))
    assert found is not None
    assert found.code in ("FL112", "FL116")
    assert found.where[0] == __file__


def test_tensors_without_data_stay_in_graphs():
    assert break_of(lambda x: torch.ones(2, device="meta") + x.to("meta"), x=torch.ones(2)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.detach_(),
        lambda x: x.resize_(1),
    ],
)
def test_changes_outside_of_graphs_are_left_to_eager(change):
    found = break_of(lambda x: change(x), x=torch.ones(2))
    assert found is not None
    assert found.code == "FL114"


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.requires_grad_(),
        lambda x: (x.requires_grad_() * 2).retain_grad(),
        lambda x: torch.ones(2, requires_grad=True),
        lambda x: torch.nn.Parameter(x * 2),
        lambda x: torch.nn.Buffer(x * 2),
    ],
)
def test_leaves_are_made_in_graphs(make):
    assert break_of(lambda x: make(x), x=torch.ones(2)) is None


def test_leaves_are_not_made_where_torch_traces():
    def inner(x):
        return (x * torch.ones(2, requires_grad=True)).sum()

    found = break_of(lambda x: torch.func.grad(inner)(x), x=torch.ones(2))
    assert found is not None
    assert "a new tensor that requires grad" in found.explanation
