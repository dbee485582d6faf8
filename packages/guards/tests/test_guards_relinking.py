"""Another thread may forget or add specialisations at any instruction of a call that is under way: it never shows.

Threads meet such an instruction once in a thousand runs; a tracer meets each of them.
"""

from __future__ import annotations

import itertools
import sys

import pytest

from framelift_guards import (
    AttributeSource,
    Checked,
    Dispatcher,
    Equals,
    Frozen,
    GlobalSource,
    Guard,
    LocalSource,
    Namespace,
    Sampled,
    Satisfies,
    TypeIs,
)

pytestmark = pytest.mark.usefixtures("way")


class Model:
    def __init__(self, *factors):
        self.factors = factors
        for number, factor in enumerate(factors):
            setattr(self, f"factor_{number}", factor)


class Scaled:
    """A function of a model and a number, specialised on a global, on attributes and on a user's test."""

    def __init__(self, mode):
        self.variables = {"offset": 1, "held": [1]}
        self.model = Model(1, 2)

        def scaled(model, n=1):
            return self.eager(n)

        self.dispatcher = Dispatcher(scaled, self.miss, mode)

    def __call__(self, n):
        return self.dispatcher.function(self.model, n)

    def eager(self, n):
        return n * sum(self.model.factors) + self.variables["offset"]

    def specialise(self, n):
        local, number = LocalSource("model"), LocalSource("n")
        factors = enumerate(self.model.factors)
        guards = [
            Guard(local, TypeIs(Model)),
            *[Guard(AttributeSource(local, f"factor_{at}"), Equals(factor)) for at, factor in factors],
            Guard(GlobalSource("offset", Namespace(self.variables)), Equals(1)),
            Guard(number, TypeIs(int)),
            Guard(number, Equals(n)),
            Guard(GlobalSource("held", Namespace(self.variables)), Satisfies(lambda held: held == [1])),
        ]
        self.dispatcher.add(guards, lambda model, n: self.eager(n))

    def miss(self, arguments):
        return self.eager(arguments["n"])


def at_instruction(number, happen, call):
    """Call, and let something happen before one instruction of generated code; return the result and whether it did."""
    left = [number]

    def trace(frame, event, argument):
        if not frame.f_code.co_filename.startswith("/framelift-generated/"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left[0] -= 1
            if left[0] == -1:
                happen()
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # CPython 3.12 looks for a frame that asks when tracing begins
    sys.settrace(trace)
    try:
        result = call()
    finally:
        sys.settrace(before)
    return result, left[0] < 0


def forget(scaled):
    scaled.dispatcher.clear()


def forget_and_specialise_again(scaled):
    scaled.dispatcher.clear()
    scaled.specialise(1)


@pytest.mark.parametrize(
    ("mode", "calls", "happen"),
    [
        (Checked(), 0, forget),
        (Sampled(every=3), 0, forget_and_specialise_again),  # in a mode that trusts, the first call checks in full
        (Sampled(every=3), 1, forget),
        (Frozen(), 0, forget),
    ],
)
def test_at_any_instruction(mode, calls, happen):
    for number in itertools.count():
        scaled = Scaled(mode)
        scaled.specialise(1)
        scaled.specialise(2)
        for _ in range(calls):
            assert scaled(2) == scaled.eager(2)
        result, happened = at_instruction(number, lambda at=scaled: happen(at), lambda at=scaled: at(2))
        assert result == scaled.eager(2)
        assert scaled(2) == scaled.eager(2)
        if not happened:
            break
    assert number > 20
