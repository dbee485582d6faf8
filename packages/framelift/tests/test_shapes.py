"""Sizes: static, symbolic, specialised at 0 and 1, and guarded where a decision was made."""

from __future__ import annotations

import pytest
import torch

import framelift
from framelift.testing import CompileCounter


def graphs(function, *inputs, **options):
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter, **options)
    for one in inputs:
        arguments = one if isinstance(one, tuple) else (one,)
        result, expected = lifted(*arguments), function(*arguments)
        torch.testing.assert_close(result, expected)
    assert not lifted.framelift.capture_errors, lifted.framelift.capture_errors
    return counter.frame_count


def test_static_sizes_are_specialised():
    assert graphs(lambda x: x + 1, torch.ones(2), torch.ones(3), dynamic=False) == 2


def test_a_symbolic_size_serves_all_sizes_but_0_and_1():
    inputs = [torch.ones(n) for n in (2, 3, 9)]
    assert graphs(lambda x: x + x.size(0), *inputs, dynamic=True) == 1
    assert graphs(lambda x: x + x.size(0), *inputs, torch.ones(1), torch.ones(0), dynamic=True) == 3


def test_equal_sizes_share_a_symbol_until_they_differ():
    assert (
        graphs(
            lambda x, y: (x + 1, y + 1), (torch.ones(3), torch.ones(3)), (torch.ones(4), torch.ones(4)), dynamic=True
        )
        == 1
    )


def test_a_decision_becomes_a_guard():
    def f(x):
        return x * 2 if x.shape[0] > 4 else x - 1

    assert graphs(f, torch.ones(3), torch.ones(4), torch.ones(7), torch.ones(9), dynamic=True) == 2


@pytest.mark.parametrize("dynamic", [False, True])
def test_arithmetic_with_sizes(dynamic):
    def f(x):
        n, m = x.shape
        return x.reshape(m, n) * (n * m // 2 + n % 3 - m), x.numel(), n / m, x.view(-1)

    assert graphs(f, torch.ones(4, 6), torch.ones(4, 6), dynamic=dynamic) == 1


def test_a_symbolic_size_as_result():
    f = framelift.compile(lambda x: (x.size(0) * 2, x + 1), backend="eager", dynamic=True)
    assert f(torch.ones(3))[0] == 6
    assert f(torch.ones(5))[0] == 10
    assert type(f(torch.ones(5))[0]) is int


def test_marked_dimensions():
    x = torch.ones(3, 4)
    x._dynamo_dynamic_indices = {0}
    counter = CompileCounter()
    f = framelift.compile(lambda x: x.sum(), backend=counter)
    f(x)
    f(torch.ones(7, 4))
    assert counter.frame_count == 1
