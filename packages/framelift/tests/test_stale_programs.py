"""What a program read may change: the very next call is what it is eagerly, and so is the one after it."""

from __future__ import annotations

import pytest
import torch
from observation import describe
from stale_programs import PROGRAMS

import framelift


def outcome(function, *arguments):
    try:
        return "returned", describe(function(*arguments))
    except Exception as error:
        return "raised", type(error).__name__, str(error)


def history(world, lift):
    """Return the outcomes of two calls before the change and two after it."""
    function, change, *undo = world()
    called = lift(function)
    x = torch.tensor([0.25, 0.5, 1.0])
    try:
        told = [outcome(called, x.clone()) for _ in range(2)]
        change()
        return told + [outcome(called, x.clone()) for _ in range(2)]
    finally:
        for one in undo:
            one()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("world", PROGRAMS, ids=lambda world: world.__name__)
def test_the_next_call_sees_the_change(world):
    expected = history(world, lambda function: function)
    assert history(world, lambda function: framelift.compile(function, backend="eager")) == expected
