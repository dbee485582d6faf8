"""A model on a device that is not there: the error is eager's, at the user's line, and nothing is lost."""

from __future__ import annotations

import traceback

import pytest
import torch
from torch import nn

import framelift

ABSENT = "cuda:100" if torch.cuda.is_available() else "cuda"


def makes(x):
    y = x + 1
    return y + torch.zeros(3, device=ABSENT)


def moves(x):
    return (x + 1).to(ABSENT)


def makes_by_default(x):
    with torch.device(ABSENT):
        return torch.ones(3) + x


def copes(x):
    try:
        return x.to(ABSENT)
    except (AssertionError, RuntimeError) as error:
        return x * 2, type(error).__name__


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        return self.linear(x).to(ABSENT)


def outcome(function):
    try:
        return "returned", str(function(torch.ones(3)))
    except (AssertionError, RuntimeError) as error:
        lines = [frame.line for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
        return type(error), str(error).splitlines()[0], lines[-1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("function", [makes, moves, makes_by_default, copes, Model()])
def test_the_outcome_is_that_of_eager(function, backend):
    lifted = framelift.compile(function, backend=backend)
    for _ in range(2):
        assert outcome(lifted) == outcome(function)
        assert str(torch.ones(1).device) == "cpu"  # what the program entered, it has left


def test_moving_a_lifted_module_raises_as_moving_the_module_does():
    model = Model()
    lifted = framelift.compile(model, backend="eager")
    with pytest.raises((AssertionError, RuntimeError)) as expected:
        model.to(ABSENT)
    with pytest.raises(type(expected.value)) as found:
        lifted.to(ABSENT)
    assert str(found.value) == str(expected.value)
    assert all(parameter.device.type == "cpu" for parameter in lifted.parameters())
