"""Hooks on the tensors that autograd saves, which the program registers later: they get what they get eagerly."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch.autograd import graph

import framelift

X = torch.tensor([0.5, 1.0, 2.0])


def product(x, w):
    return (w * x * w.sin()).sum()


def told(function, hooks, seen):
    """Return the gradients without hooks, under them, and without them again; and what they saw."""
    found = []
    for under in (contextlib.nullcontext(), hooks, contextlib.nullcontext()):
        weight = torch.ones(3, requires_grad=True)
        with under:
            function(X, weight).backward()
        found.append(weight.grad.tolist())
    return found, sorted(seen)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_hooks_of_the_program_get_what_they_get_eagerly(backend):
    results = []
    for function in (product, framelift.compile(product, backend=backend)):
        seen = []

        def pack(tensor, seen=seen):
            seen.append(tensor.tolist())
            return tensor * 2

        results.append(told(function, graph.saved_tensors_hooks(pack, lambda packed: packed), seen))
    assert results[0] == results[1]
    assert results[0][0][0] != results[0][0][1]
    assert results[0][1]


def test_hooks_of_torch_leave_graphs_compiled():
    compiled = []

    def backend(gm, example_inputs):
        compiled.append(gm)
        return gm.forward

    lifted = framelift.compile(product, backend=backend)
    assert told(lifted, graph.save_on_cpu(), []) == told(product, graph.save_on_cpu(), [])
    assert len(compiled) == 2
