"""A break two calls deep gives two graphs, runs every effect once and in order, and equals eager."""

from __future__ import annotations

import sys
import traceback

import pytest
import torch

import framelift
from framelift.testing import CompileCounter

LOG: list[str] = []


def opaque(x, fail):
    """What capture cannot enter: it is disabled below, so it runs for real, between two graphs."""
    LOG.append("opaque")
    if fail:
        raise ValueError("from the broken call")
    return x.sum().item()


broken = framelift.disable(opaque)


def inner(x, fail):
    y = x + 1
    total = broken(y, fail)  # BREAK
    LOG.append("inner goes on")
    return y * total


def middle(x, fail):
    z = inner(x * 2, fail)
    LOG.append("middle goes on")
    return z - 1


class Manager:
    def __init__(self, suppress):
        self.suppress = suppress

    def __enter__(self):
        LOG.append("enter")
        return self

    def __exit__(self, kind, error, trace):
        LOG.append(f"exit {kind.__name__ if kind else None}")
        return self.suppress


def inside_try(x, fail):
    try:
        y = middle(x, fail)
    except ValueError as error:
        LOG.append(f"caught {error}")
        y = x - 5
    finally:
        LOG.append("finally")
    return y * 3


def inside_with(x, fail):
    y = x
    with Manager(True):
        y = middle(x, fail)
        LOG.append("body done")
    return y * 3


def inside_for(x, fail):
    total = x
    for i in [1, 2]:
        if i == 1:
            try:
                total = total + middle(x, fail)
            except ValueError:
                LOG.append("next")
                continue
        total = total * i
    return total


def uncaught_in_try(x, fail):
    try:
        return middle(x, fail) + 1
    finally:
        LOG.append("finally")


def uncaught_in_with(x, fail):
    with Manager(False):
        return middle(x, fail) + 1


def uncaught_in_for(x, fail):
    for _ in range(2):
        x = middle(x, fail)
        break
    return x + 1


def outcome(function, fail):
    LOG.clear()
    x = torch.arange(3.0)
    try:
        return function(x, fail), list(LOG)
    except ValueError as error:
        return str(error), list(LOG)


CAUGHT = [inside_try, inside_with, inside_for]
UNCAUGHT = [uncaught_in_try, uncaught_in_with, uncaught_in_for]


@pytest.mark.parametrize("fail", [False, True])
@pytest.mark.parametrize("function", CAUGHT)
def test_two_graphs_and_the_effects_of_eager(function, fail):
    expected, effects = outcome(function, fail)
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter)
    for _ in range(2):  # the second call runs what the first captured
        result, seen = outcome(lifted, fail)
        assert seen == effects
        torch.testing.assert_close(result, expected)
        assert counter.frame_count == 2


@pytest.mark.parametrize("function", UNCAUGHT)
def test_an_uncaught_exception_names_the_line_of_the_broken_call(function):
    expected, effects = outcome(function, True)
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter)
    result, seen = outcome(lifted, True)
    assert (result, seen) == (expected, effects)
    result, seen = outcome(lifted, False)
    torch.testing.assert_close(result, outcome(function, False)[0])
    with pytest.raises(ValueError, match="from the broken call") as caught:
        lifted(torch.arange(3.0), True)
    lines = [(entry.name, entry.line) for entry in traceback.extract_tb(caught.value.__traceback__)]
    assert ("inner", "total = broken(y, fail)  # BREAK") in lines
    names = [name for name, _ in lines]
    assert [name for name in names if name in {function.__name__, "middle", "inner", "opaque"}][-4:] != []
    for name in (function.__name__, "middle", "inner", "opaque"):
        assert name in names


def _deeper(x):
    raise ValueError(f"of size {x.shape[0]}")


def reraises_after_a_break(x):
    try:
        return _deeper(x * 2)
    except ValueError:
        print(traceback.format_exc().count("_deeper"), sys.exc_info()[2].tb_lineno)
        raise


def raises_through_a_break(x):
    try:
        return _deeper(x + 1)
    finally:
        print("a break")


def a_breaking_operation_raises(x):
    y = x + 1
    return [int(text) for text in ("1", str(y.shape), str(id(y)))]


@pytest.mark.parametrize("program", [reraises_after_a_break, raises_through_a_break, a_breaking_operation_raises])
def test_tracebacks_have_each_user_frame_once(program, capsys):
    def entries(function):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is compared with eager's
            function(torch.ones(3))
        frames = traceback.extract_tb(caught.value.__traceback__)
        mine = [(frame.name, frame.lineno) for frame in frames if frame.filename == __file__][1:]
        return mine, str(caught.value), capsys.readouterr().out

    lifted = framelift.compile(program, backend="eager")
    expected = entries(program)
    for _ in range(2):
        assert entries(lifted) == expected
