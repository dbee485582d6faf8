"""The default device: entered and left inside a captured function, split by a break, or active when it is called."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch import nn

import framelift

X = torch.ones(4)


def graphs_of(function, *args, **options):
    """Return the result, and the graphs that were captured on the way."""
    graphs = []

    def backend(gm, inputs):
        graphs.append(gm)
        return gm.forward

    lifted = framelift.compile(function, backend=backend, **options)
    return lifted(*args), graphs


def test_a_region_inside_is_part_of_one_graph():
    def f(x):
        with torch.device("meta"):
            made = torch.ones(4), torch.tensor([1.0]), torch.arange(3)
            with torch.device("cpu"):
                inner = torch.zeros(2)
        return [one.device.type for one in (*made, inner, torch.zeros(2))], x + torch.ones(4)

    (devices, total), (graph,) = graphs_of(f, X, fullgraph=True)
    assert devices == ["meta", "meta", "meta", "cpu", "cpu"]
    assert torch.equal(total, X + 1)
    ones, *_ = [node for node in graph.graph.nodes if node.target is torch.ones]
    assert ones.kwargs == {"device": torch.device("meta")}
    assert torch.ones(1).device.type == "cpu", "no region is left open"


def test_a_device_that_is_said_goes_before_the_default_one():
    def f(x):
        with torch.device("meta"):
            return torch.ones(4, device="cpu") + x, torch.ones_like(x), x.new_zeros(2)

    results, _ = graphs_of(f, X, fullgraph=True)
    assert [one.device.type for one in results] == ["cpu"] * 3


def test_functions_in_python_make_their_tensors_there_too():
    def f(x):
        with torch.device("meta"):
            window = torch.functional.cartesian_prod(torch.arange(2), torch.arange(3))
            hidden = nn.functional.gumbel_softmax(torch.ones(2, 2))
            layer = nn.Linear(3, 3)
        return window.device.type, hidden.device.type, layer.weight.device.type, x + 1

    results, _ = graphs_of(f, X)
    assert results[:3] == ("meta", "meta", "meta")


@pytest.mark.parametrize("breaks_inside", [False, True])
def test_a_break_inside_keeps_the_region(breaks_inside):
    def f(x):
        with torch.device("meta"):
            before = torch.ones(4)
            if breaks_inside:
                framelift.graph_break()
            after = torch.zeros(3)
            y = x * 2
        return before.device.type, after.device.type, y, torch.ones(1)

    (before, after, y, outside), graphs = graphs_of(f, X)
    assert (before, after, outside.device.type) == ("meta", "meta", "cpu")
    assert torch.equal(y, X * 2)
    assert len(graphs) == (3 if breaks_inside else 1)
    assert torch.ones(1).device.type == "cpu"


def test_an_error_inside_leaves_the_region():
    def f(x):
        made = None
        with contextlib.suppress(ValueError), torch.device("meta"):
            made = torch.ones(2)
            raise ValueError("on the way")
        return made.device.type, torch.ones(2).device.type, x + 1

    results, graphs = graphs_of(f, X, fullgraph=True)
    assert results[:2] == ("meta", "cpu")
    assert len(graphs) == 1


def describe(x):
    return torch.ones(3).device.type, torch.get_default_device(), torch.empty_like(x).device.type, x + 1


def test_a_region_around_the_call_is_captured_and_guarded():
    lifted = framelift.compile(describe, backend="eager", fullgraph=True)
    for _ in range(2):
        assert lifted(X)[:3] == ("cpu", torch.device("cpu"), "cpu")
        with torch.device("meta"):
            assert lifted(X)[:3] == ("meta", torch.device("meta"), "cpu")
    assert len(lifted.framelift.specialisations) == 2


def test_a_default_device_of_the_program_is_captured():
    torch.set_default_device("meta")
    try:
        results, graphs = graphs_of(describe, X, fullgraph=True)
    finally:
        torch.set_default_device(None)
    assert results[:3] == ("meta", torch.device("meta"), "cpu")
    assert len(graphs) == 1


def test_a_program_that_sets_it():
    def f(x):
        torch.set_default_device("meta")
        try:
            made = torch.ones(2)
        finally:
            torch.set_default_device(None)
        return made.device.type, torch.ones(2).device.type, x + 1

    results, graphs = graphs_of(f, X)
    assert results[:2] == ("meta", "cpu")
    assert graphs


def test_backends_compile_without_the_default_device():
    made = []

    def backend(gm, inputs):
        made.append(torch.ones(1).device.type)
        return gm.forward

    with torch.device("meta"):
        result = framelift.compile(lambda x: x + 1, backend=backend)(X)
        assert torch.ones(1).device.type == "meta"
    assert made == ["cpu"]
    assert torch.equal(result, X + 1)


def test_another_mode_that_is_active_is_still_left_to_eager():
    class Doubles(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            return result * 2 if func is torch.sin else result

    lifted = framelift.compile(lambda x: torch.sin(x), backend="eager")
    with torch.device("cpu"), Doubles():
        assert torch.equal(lifted(X), torch.full((4,), 1.0).sin() * 2)
    assert torch.equal(lifted(X), torch.sin(X))
