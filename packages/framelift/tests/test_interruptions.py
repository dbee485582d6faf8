"""What a signal's handler, a tracer or another thread raises reaches the user, wherever a call happens to be."""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
import threading
import time

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


def of_a_handler():
    signal.raise_signal(signal.SIGUSR1)


def of_another_thread(thread=None):
    ident = threading.get_ident() if thread is None else thread.ident
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(Boom))


def fallen_in(call, send, after):
    """Call, and interrupt it before the line of that number; return whether it came so far, and what was raised."""
    left = [after]

    def trace(frame, event, argument):
        if event == "line" and frame.f_code is not handler.__code__:
            left[0] -= 1
            if left[0] == 0:
                sys.settrace(None)
                send()
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


@pytest.mark.parametrize("send", [of_a_handler, of_another_thread])
@pytest.mark.parametrize("function", [adds, breaks])
def test_an_exception_reaches_the_user_from_any_line(function, send):
    x = torch.ones(2)
    expected = function(x)
    framelift.compile(function, backend="eager")(x)  # what is imported late is imported now
    after, swallowed = 1, []
    while True:
        lifted = framelift.compile(function, backend="eager")
        came, raised = fallen_in(lambda: lifted(x), send, after)  # noqa: B023
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


def test_what_interrupts_a_backend_is_raised_as_it_is():
    entered, outcomes = threading.Event(), []

    def backend(graph, example_inputs):
        entered.set()
        end = time.monotonic() + 20
        while not outcomes and time.monotonic() < end:
            pass
        return graph.forward

    lifted = framelift.compile(adds, backend=backend)

    def calls():
        try:
            lifted(torch.ones(2))
        except Exception as error:
            outcomes.append(type(error))

    thread = threading.Thread(target=calls)
    thread.start()
    entered.wait()
    of_another_thread(thread)
    thread.join(60)
    assert outcomes == [Boom]
    assert torch.equal(lifted(torch.ones(2)), adds(torch.ones(2)))
