"""`breakpoint` under a scripted debugger, and `sleep`."""

from __future__ import annotations

import builtins
import io
import pdb  # noqa: T100 - it is what is tested
import sys
import time

import pytest
import torch
from capturing import OUT, captured

from framelift_comptime import ComptimeContext, comptime


class Script:
    """Debugs by a list of commands, through `sys.breakpointhook` as `breakpoint()` does."""

    def __init__(self, *commands):
        self.commands = io.StringIO("\n".join(commands) + "\n")
        self.output = io.StringIO()

    def __call__(self):
        debugger = pdb.Pdb(stdin=self.commands, stdout=self.output, nosigint=True, readrc=False)
        debugger.use_rawinput = False
        debugger.set_trace(sys._getframe().f_back)


@pytest.fixture
def traced():
    before = sys.gettrace()
    yield
    sys.settrace(before)


@pytest.mark.usefixtures("traced")
def test_the_debugger_looks_through_ctx(monkeypatch):
    def inner(a):
        comptime.breakpoint()
        return a * 2

    def f(x):
        y = x + 1
        return inner(y)

    script = Script(
        "p type(ctx).__name__", "p ctx.get_local('a').as_fake().shape", "p ctx.get_local('y', stacklevel=1)",
        "!ctx.print_locals()", "p ctx.parent().get_local('x').size(1)", "continue",
    )  # fmt: skip
    monkeypatch.setattr(sys, "breakpointhook", script)
    found, _ = captured(f)
    output = script.output.getvalue()
    assert "'ComptimeContext'" in output
    assert "torch.Size([2, 3])" in output
    assert "FakeTensor(..., size=(2, 3))" in output
    assert "(Pdb) 3" in output
    assert "a = FakeTensor(..., size=(2, 3))\n" in output
    assert [node.name for node in found.graph.graph.nodes] == ["l_x_", "y", "mul", "output"]
    assert found.break_ is None


def test_quitting_the_debugger_leaves_the_program(monkeypatch):
    import bdb

    from framelift_graph_capture import UserCodeError

    def quit_at_once():
        raise bdb.BdbQuit

    def f(x):
        comptime.breakpoint()
        return x

    monkeypatch.setattr(sys, "breakpointhook", quit_at_once)
    with pytest.raises(UserCodeError) as raised:
        captured(f)
    assert isinstance(raised.value.error, bdb.BdbQuit)


def test_it_is_the_builtin_that_is_asked_with_ctx_in_sight(monkeypatch):
    seen = []
    monkeypatch.setattr(builtins, "breakpoint", lambda: seen.append(sys._getframe(1).f_locals["ctx"]))

    def f(x):
        comptime.breakpoint()
        comptime(lambda ctx: ctx.breakpoint())
        return x

    captured(f)
    assert [type(one) for one in seen] == [ComptimeContext, ComptimeContext]
    comptime.breakpoint()  # without a capture it is nothing
    assert len(seen) == 2


def test_sleep_waits_in_the_capture_only(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)

    def f(x, seconds):
        comptime.sleep(seconds)
        comptime(lambda ctx: ctx.sleep(0))
        comptime.sleep(sec=0.25)
        return x

    captured(f, x=torch.ones(2), seconds=2)
    f(torch.ones(2), 2)
    assert slept == [2, 0, 0.25]
    assert OUT.getvalue() == ""
