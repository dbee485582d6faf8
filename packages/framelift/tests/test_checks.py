"""`torch._check`, floats and truth values in compiled functions: what fails is eager's error, of the user's line."""

from __future__ import annotations

import traceback
import warnings
from typing import Any

import pytest
import torch

import framelift


def of_a_size(x):
    torch._check(x.size(0) >= 4)
    return x + 1


def with_words(x):
    torch._check(x.size(0) <= 9, lambda: f"too many: {x.size(0)}")
    return x + 1


def of_two_sizes(x):
    torch._check(x.size(0) % x.size(1) == 0)
    return x + 1


def of_data(x):
    n = x.sum().item()
    torch._check(n <= 20, lambda: f"too much: {n}")
    return torch.zeros(int(n)) + 1


def as_a_size(x):
    n = int(x.sum().item())
    torch._check_is_size(n)
    return torch.zeros(n) + 1


def of_a_number_of_results(x):
    found = x.nonzero()
    torch._check(found.size(0) == 6)
    return found + 1


PROGRAMS = [
    (of_a_size, torch.ones(8, 2), torch.ones(2, 2)),
    (with_words, torch.ones(8, 2), torch.ones(12, 2)),
    (of_two_sizes, torch.ones(8, 2), torch.ones(8, 3)),
    (of_data, torch.ones(3, 2), torch.ones(11, 2)),
    (as_a_size, torch.ones(3, 2), -torch.ones(3, 2)),
    (of_a_number_of_results, torch.ones(3, 2), torch.ones(3, 3)),
]


def outcome(function: Any, x: torch.Tensor) -> Any:
    try:
        return function(x).tolist()
    except RuntimeError as error:
        lines = [one.line for one in traceback.extract_tb(error.__traceback__) if one.filename == __file__]
        return str(error), lines[1:]


@pytest.mark.parametrize("dynamic", [True, None])
@pytest.mark.parametrize("failing_first", [False, True])
@pytest.mark.parametrize(("program", "good", "bad"), PROGRAMS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_check_that_fails(program, good, bad, failing_first, dynamic):
    compiled = framelift.compile(program, backend="eager", dynamic=dynamic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 is to remove _check_is_size
        assert "torch._check" in outcome(program, bad)[1][0]
        for x in (bad, good, bad, good) if failing_first else (good, bad, good):
            assert outcome(compiled, x) == outcome(program, x)


def test_a_float_that_varies_is_captured_once():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph

    def scaled(x, scale, shift=0.5):
        return x * scale + (shift - scale * 2) / 3.0

    for dynamic, most in ((True, 1), (None, 2)):
        graphs.clear()
        compiled = framelift.compile(scaled, backend=backend, dynamic=dynamic)
        x = torch.arange(3.0)
        for scale in (0.5, 1.5, -3.0, 7.125, 1.0, 0.0, -0.0, 1e300):
            given, expected = compiled(x, scale, scale + 1), scaled(x, scale, scale + 1)
            torch.testing.assert_close(given, expected, rtol=0, atol=0, equal_nan=True)
        assert len(graphs) == most


def test_truth_values_of_sizes_are_pythons():
    def decided(x, k):
        large = x.size(0) > 3
        even = large and x.size(1) % 2 == 0
        return x * k, large, even, (large & (k > 0)) | (x.size(0) == 2), int(large) + True, not large, large & 6

    compiled = framelift.compile(decided, backend="eager", dynamic=True)
    for size in ((5, 4), (6, 5), (2, 4), (3, 3)):
        for k in (0.5, -2.0):
            given, expected = compiled(torch.ones(size), k), decided(torch.ones(size), k)
            assert torch.equal(given[0], expected[0])
            assert [(type(one), one) for one in given[1:]] == [(type(one), one) for one in expected[1:]]
