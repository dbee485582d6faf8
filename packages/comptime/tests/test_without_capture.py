"""Outside a capture each call is what torch's own comptime makes of it; and the two offer the same arguments."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import torch

from framelift_comptime import Comptime, ComptimeContext, ComptimeVar, Origin, comptime
from framelift_comptime.entry import RULES


def test_each_call_does_nothing():
    for name in ("print_graph", "print_disas", "print_value_stack", "print_locals", "print_bt", "print_guards"):
        assert getattr(comptime, name)() is None
    assert comptime.graph_break() is None
    assert comptime.graph_break("why") is None
    assert comptime.breakpoint() is None
    assert comptime.sleep(1000) is None
    assert comptime.assert_static(object()) is None
    assert comptime.assert_dynamic(3, "msg") is None
    assert comptime.assert_no_break() is None
    assert comptime.force_static([]) is None
    assert comptime.add_guard(3, lambda n: 1 / 0) is None
    assert comptime.guards_of(3) == ()
    assert comptime.origin_of(3) is None


def test_values_pass_through(capsys):
    value = object()
    assert comptime.print_value_stack_and_return(value, stacklevel=3) is value
    assert comptime.emit(torch.add, torch.ones(1), 2, alpha=2).tolist() == [5.0]
    comptime.print([1], file=sys.stderr)
    comptime.print("a")
    assert capsys.readouterr() == ("a\n", "[1]\n")


def test_the_fallback_is_called_and_the_function_is_not():
    calls = []
    assert comptime(calls.append, lambda: 5) == 5
    assert comptime(calls.append) is None
    assert comptime(fn=calls.append, fallback_fn=lambda: calls.append("fallback")) is None
    assert calls == ["fallback"]

    @comptime
    def decorated(ctx):
        calls.append(ctx)

    assert decorated is None
    assert calls == ["fallback"]


@pytest.mark.parametrize("wrong", [3, None, "fn"])
def test_what_is_no_function_is_refused(wrong):
    with pytest.raises(TypeError, match="comptime takes a function of the context"):
        comptime(wrong)


def test_every_call_of_comptime_is_one_of_the_context_with_the_same_arguments():
    calls = {name: getattr(Comptime, name) for name in dir(Comptime) if not name.startswith("_")}
    assert set(calls.values()) == set(RULES)
    for name, call in calls.items():
        offered, served = inspect.signature(call), inspect.signature(getattr(ComptimeContext, name))
        expected = list(served.parameters.values())[1:]
        assert len(expected) == len(offered.parameters), name
        for one, other in zip(expected, offered.parameters.values(), strict=True):
            assert (one.kind, one.default) == (other.kind, other.default), name
            if name != "print":  # torch calls the program's value `e` and the context's `val`
                assert one.name == other.name, name


DYNAMO = """
import inspect
from torch._dynamo import comptime as theirs
import framelift_comptime as ours

def methods(cls):
    return {name for name in dir(cls) if callable(getattr(cls, name)) and not name.startswith("_")}

for mine, other in (
    (ours.ComptimeVar, theirs.ComptimeVar), (ours.ComptimeContext, theirs.ComptimeContext),
    (ours.Comptime, theirs._Comptime),
):
    missing = methods(other) - methods(mine)
    assert not missing, missing
    for name in methods(other):
        known, wanted = [inspect.signature(getattr(cls, name)).parameters for cls in (mine, other)]
        assert set(wanted) <= set(known), (name, set(wanted) - set(known))
        for parameter in wanted:
            assert known[parameter].kind == wanted[parameter].kind, (name, parameter)
            assert (known[parameter].default is inspect.Parameter.empty) == (
                wanted[parameter].default is inspect.Parameter.empty), (name, parameter)
    assert callable(mine)
print("ok")
"""


def test_whatever_torchs_comptime_offers_is_offered_with_its_arguments():
    # In a process of its own, since nothing else here may import Dynamo.
    ran = subprocess.run([sys.executable, "-c", DYNAMO], capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "ok", ran.stderr


def test_public_names_have_docstrings():
    for cls in (Comptime, ComptimeContext, ComptimeVar, Origin):
        for name in dir(cls):
            if not name.startswith("_") and callable(getattr(cls, name)):
                assert (getattr(cls, name).__doc__ or "").strip(), f"{cls.__name__}.{name}"
