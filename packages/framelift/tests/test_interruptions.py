"""What a signal's handler raises, or a tracer, reaches the user, wherever a capture or a call happens to be."""

from __future__ import annotations

import gc
import signal
import sys

import pytest
import torch

import framelift

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def _nothing_is_collected():
    """Python ignores what is raised inside of a callback of the collector (Hypothesis has one)."""
    gc.disable()
    yield
    gc.enable()


class Boom(Exception):
    """What the handlers raise."""


def adds(x):
    for number in range(20):
        x = x + number + max(number, 2)
    return x


def breaks(x):
    y = x + 1
    framelift.graph_break()
    return y * max(2, 3)


def fallen_in(call, after):
    """Call, and raise a signal before the line of that number; return whether it came so far, and what was raised."""
    left = [after]

    def trace(frame, event, argument):
        if event == "line" and frame.f_code is not handler.__code__:
            left[0] -= 1
            if left[0] == 0:
                sys.settrace(None)
                signal.raise_signal(signal.SIGUSR1)
        return trace if left[0] > 0 else None

    def handler(number, frame):
        raise Boom

    before = signal.signal(signal.SIGUSR1, handler)
    sys.settrace(trace)
    try:
        call()
    except Boom:
        return True, True
    finally:
        sys.settrace(None)
        signal.signal(signal.SIGUSR1, before)
    return left[0] <= 0, False


@pytest.mark.parametrize("function", [adds, breaks])
def test_a_handlers_exception_reaches_the_user_from_any_line(function):
    x = torch.ones(2)
    expected = function(x)
    framelift.compile(function, backend="eager")(x)  # what is imported late is imported now
    after, swallowed = 1, []
    while True:
        lifted = framelift.compile(function, backend="eager")
        came, raised = fallen_in(lambda: lifted(x), after)  # noqa: B023
        if not came:
            break
        if not raised:
            swallowed.append(after)
        assert not lifted.framelift.capture_errors
        assert torch.equal(lifted(x), expected)
        after += max(1, after // 8)
    assert after > 1000
    assert swallowed == []


def test_a_method_and_an_object_that_handle_signals():
    class Handles:
        def method(self, number, frame):
            raise Boom

        def __call__(self, number, frame):
            raise Boom

    def raises(x):
        return x * float(Sends())

    class Sends:
        def __float__(self):
            signal.raise_signal(signal.SIGUSR1)
            return 2.0

    for handler in (Handles().method, Handles()):
        before = signal.signal(signal.SIGUSR1, handler)
        try:
            with pytest.raises(Boom):
                framelift.compile(raises, backend="eager")(torch.ones(2))
        finally:
            signal.signal(signal.SIGUSR1, before)


def test_a_graph_that_is_interrupted_is_not_run_again():
    def handler(number, frame):
        raise Boom

    def backend(graph, example_inputs):
        def run(*inputs):
            signal.raise_signal(signal.SIGUSR1)
            return graph(*inputs)

        return run

    lifted = framelift.compile(adds, backend=backend)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        for _ in range(2):
            with pytest.raises(Boom):
                lifted(torch.ones(2))
    finally:
        signal.signal(signal.SIGUSR1, before)
