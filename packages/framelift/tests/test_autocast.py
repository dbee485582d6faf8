"""Autocast regions inside a captured function, and what is left of them."""

from __future__ import annotations

import pytest
import torch
from differential import check

import framelift
from framelift.testing import same

X = torch.arange(6.0).reshape(2, 3)
LAYER = torch.nn.Linear(3, 3)


def region(x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = x @ x.T, torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
    return inside, x @ x.T, torch.is_autocast_enabled("cpu")


def nested(x):
    with torch.autocast("cpu"):
        low = LAYER(x)
        with torch.autocast("cpu", enabled=False):
            high = LAYER(x)
        return low, high, LAYER(x)


def left_by_an_error(x):
    try:
        with torch.autocast("cpu"):
            low = x @ x.T
            raise ValueError
    except ValueError:
        return low, x @ x.T


@torch.autocast("cpu", dtype=torch.bfloat16)
def decorated(x):
    return x @ x.T


def by_decorator(x):
    return decorated(x), x @ x.T


def entered_twice(x):
    context = torch.autocast("cpu")
    with context:
        first = x @ x.T
    with context:
        return first, x @ x.T


def broken(x):
    with torch.autocast("cpu"):
        first = x @ x.T
        framelift.graph_break()
        second = x @ x.T
    return first, second, x @ x.T


@pytest.mark.parametrize("function", [region, nested, left_by_an_error, by_decorator, entered_twice, broken])
def test_regions(function):
    check(function, X, graphs=None if function is broken else 1)
    assert not torch.is_autocast_enabled("cpu")


def test_a_region_around_the_call_is_seen():
    lifted = framelift.compile(region, backend="eager")
    for enabled in (False, True, False):
        with torch.autocast("cpu", enabled=enabled):
            assert same(lifted(X), region(X))


def test_a_graph_that_fails_leaves_no_region_open():
    def backend(gm, example_inputs):
        def run(*args):
            torch.set_autocast_enabled("cpu", True)
            torch.autocast_increment_nesting()
            raise RuntimeError("the graph failed")

        return run

    lifted = framelift.compile(region, backend=backend)
    with pytest.warns(RuntimeWarning, match="the graph failed"):
        lifted(X)
    assert not torch.is_autocast_enabled("cpu")
