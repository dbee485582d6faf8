"""Whatever sequence of sizes and numbers is passed: results are eager's, and captures come to an end."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import framelift
from framelift.testing import CompileCounter

PROGRAMS = [
    lambda x, y, n, f: x * n + f,
    lambda x, y, n, f: (x.sum(0) + y.sum() * f, n + x.size(0)),
    lambda x, y, n, f: torch.cat([x.reshape(-1), y]) * (n % 5) / (abs(f) + 1.5),
    lambda x, y, n, f: x.unsqueeze(0).expand(3, *x.shape) + max(n, y.size(0)),
    lambda x, y, n, f: [x.transpose(0, 1).contiguous().view(-1) * f, (n, y.numel())],
    lambda x, y, n, f: x[: max(y.shape[0] - 1, 0)] + f if n > 2 else x + n,
    lambda x, y, n, f: y.new_zeros(abs(n) + 1).sum() + x.mean() * f,
    lambda x, y, n, f: (x + y.sum() if x.size(0) == y.size(0) else x - f) * n,
]
"""Programs over a matrix, a vector, an int and a float."""

QUANTITIES = 5  # two sizes of the matrix, one of the vector, two numbers

SIZES = st.integers(0, 6)
CALLS = st.tuples(
    SIZES, SIZES, SIZES, st.sampled_from([-3, 0, 1, 2, 3, 7]), st.sampled_from([-0.0, 0.0, 0.5, 1.0, -2.5])
)


def arguments(call: tuple[Any, ...], *, strided: bool) -> tuple[Any, ...]:
    rows, columns, length, number, real = call
    matrix = torch.arange(float(rows * columns * (1 + strided))).reshape(rows, columns * (1 + strided))[:, :columns]
    return matrix, torch.arange(float(length)), number, real


@settings(max_examples=12, deadline=None)
@given(
    program=st.sampled_from(PROGRAMS),
    calls=st.lists(CALLS, min_size=2, max_size=5),
    strided=st.booleans(),
    dynamic=st.sampled_from([None, None, True, False]),
)
def test_any_sequence_of_calls(program, calls, strided, dynamic):
    counter = CompileCounter()
    lifted = framelift.compile(program, backend=counter, dynamic=dynamic, recompile_limit=64)
    for _ in range(2):
        for call in calls:
            given_ = arguments(call, strided=strided)
            torch.testing.assert_close(lifted(*given_), program(*given_), rtol=0, atol=0, equal_nan=True)
        seen = counter.frame_count
    for call in calls:  # what was captured for a call serves it ever after
        lifted(*arguments(call, strided=strided))
    assert counter.frame_count == seen
    assert not lifted.framelift.capture_errors
    assert not lifted.framelift.breaks


@settings(max_examples=6, deadline=None)
@given(calls=st.lists(st.tuples(*[st.integers(2, 9)] * 3, st.integers(-9, 9), st.floats(0.5, 9)), max_size=9))
def test_a_program_without_decisions_is_captured_once_for_each_quantity_that_begins_to_vary(calls):
    counter = CompileCounter()
    lifted = framelift.compile(PROGRAMS[0], backend=counter, recompile_limit=64)
    for call in calls:
        lifted(*arguments(call, strided=False))
    assert counter.frame_count <= 1 + QUANTITIES
