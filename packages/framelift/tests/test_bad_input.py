"""Each misuse is a named error with subject, rule, value and remedy; nothing is lost or done twice."""

from __future__ import annotations

import pytest
import torch

import framelift
from framelift import comptime, errors
from framelift.supported import check_versions


def test_something_that_cannot_be_called():
    with pytest.raises(errors.ConfigurationError, match="takes a function"):
        framelift.compile(3, backend="eager")


def test_an_unknown_backend_lists_and_suggests():
    with pytest.raises(errors.UnknownBackendError, match=r"did you mean 'eager' or 'aot_eager'\? known names: .*eager"):
        framelift.compile(lambda x: x, backend="eagr")


@pytest.mark.parametrize("dynamic", ["yes", 1, 0.5])
def test_a_wrong_dynamic(dynamic):
    with pytest.raises(errors.ConfigurationError, match="dynamic must be True, False or None"):
        framelift.compile(lambda x: x, backend="eager", dynamic=dynamic)


def test_a_backend_that_raises():
    def backend(gm, inputs):
        raise RuntimeError("no")

    with pytest.raises(errors.BackendError, match=r"RuntimeError: no.*test_bad_input.py") as caught:
        framelift.compile(lambda x: x + 1, backend=backend)(torch.ones(2))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_backend_that_returns_something_else():
    with pytest.raises(errors.BackendError, match="must return a callable, but is returning int"):
        framelift.compile(lambda x: x + 1, backend=lambda gm, inputs: 3)(torch.ones(2))


def test_unsupported_versions():
    with pytest.raises(errors.UnsupportedVersionError, match=r"CPython must be one of 3.11, 3.12, 3.13, but is 3.10"):
        check_versions("3.10.2", "2.13.0")
    with pytest.raises(errors.UnsupportedVersionError, match=r"torch must be 2.11 or newer, but is 2.4.1"):
        check_versions("3.11.2", "2.4.1")


def test_an_unknown_local_lists_the_locals():
    @framelift.compile(backend="eager")
    def f(x):
        y = x + 1
        comptime(lambda ctx: ctx.get_local("nope"))
        return y

    with pytest.raises(errors.UnknownLocalError, match=r"its locals are: x, y .*test_bad_input.py"):
        f(torch.ones(2))


def test_a_stacklevel_too_deep():
    @framelift.compile(backend="eager")
    def f(x):
        comptime(lambda ctx: ctx.print_locals(stacklevel=3))
        return x + 1

    with pytest.raises(errors.StackLevelError, match=r"stacklevel must be from 0 to 0 here, but is 3.*0 is f"):
        f(torch.ones(2))


def test_fullgraph_with_a_break():
    @framelift.compile(backend="eager", fullgraph=True)
    def f(x):
        y = x + 1
        framelift.graph_break()
        return y

    with pytest.raises(errors.GraphBreakError, match=r"must be one graph.*graph_break.*test_bad_input.py"):
        f(torch.ones(2))


def test_an_internal_error_runs_the_call_eagerly_with_one_warning(monkeypatch):
    seen = []

    def f(x):
        seen.append(1)
        return x + 1

    def fail(*args, **kwargs):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("framelift.specialiser.capture", fail)
    lifted = framelift.compile(f, backend="eager")
    with pytest.warns(RuntimeWarning, match=r"FL103.*ZeroDivisionError: a bug.*test_bad_input.py") as caught:
        assert lifted(torch.ones(2))[0] == 2
    assert len(caught) == 1
    assert lifted(torch.ones(2))[0] == 2
    assert seen == [1, 1]


def test_the_recompile_limit_warns_with_the_guard():
    lifted = framelift.compile(lambda x, n: x + n, backend="eager", recompile_limit=2, dynamic=False)
    x = torch.ones(2)
    lifted(x, 1), lifted(x, 2)
    with pytest.warns(RuntimeWarning, match=r"n was 1, 2, and is 3 .* in 2 of 2 misses; leave dynamic=False"):
        assert lifted(x, 3)[0] == 4
    assert lifted(x, 4)[0] == 5
