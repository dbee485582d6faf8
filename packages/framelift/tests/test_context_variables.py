"""Context variables: what one is set to is part of what a specialisation assumes."""

from __future__ import annotations

import contextvars

import torch
from differential import check

import framelift
from framelift.testing import CompileCounter

SCALE = contextvars.ContextVar("SCALE", default=2)
WHERE = contextvars.ContextVar("WHERE")


def scaled(x):
    return x * SCALE.get(), SCALE.name


def test_the_setting_is_read_and_guarded():
    counter = CompileCounter()
    lifted = framelift.compile(scaled, backend=counter, fullgraph=True)
    x = torch.ones(2)
    assert lifted(x)[0].tolist() == [2, 2]
    token = SCALE.set(5)
    assert lifted(x)[0].tolist() == [5, 5]
    SCALE.reset(token)
    assert lifted(x)[0].tolist() == [2, 2]
    assert contextvars.Context().run(lifted, x)[0].tolist() == [2, 2]
    assert counter.frame_count == 2


def test_a_default_of_the_call():
    lifted = framelift.compile(lambda x: x * WHERE.get(3), backend="eager", fullgraph=True)
    x = torch.ones(2)
    assert lifted(x).tolist() == [3, 3]
    token = WHERE.set(4)
    assert lifted(x).tolist() == [4, 4]
    WHERE.reset(token)
    assert lifted(x).tolist() == [3, 3]


def test_a_tensor_in_a_context_variable_is_an_input():
    lifted = framelift.compile(lambda x: x + WHERE.get(), backend="eager", fullgraph=True)
    for number in range(3):
        token = WHERE.set(torch.full((2,), float(number)))
        assert lifted(torch.zeros(2)).tolist() == [number, number]
        WHERE.reset(token)


def test_without_a_value():
    def read(x):
        try:
            return x * WHERE.get()
        except LookupError:
            return x + 1

    check(read, torch.ones(2), graphs=None)


def test_set_and_reset_in_the_program():
    def steps(x):
        token = SCALE.set(9)
        y = x * SCALE.get()
        SCALE.reset(token)
        return y + SCALE.get()

    check(steps, torch.ones(2), graphs=None)


def test_broadcast_shapes():
    check(lambda x, y: x.expand(torch.broadcast_shapes(x.shape, y.shape)) + y, torch.ones(1, 3), torch.ones(2, 1))
