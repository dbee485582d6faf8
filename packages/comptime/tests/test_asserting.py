"""Assertions about the capture: each failure is an error at the user's line, and says what to do."""

from __future__ import annotations

import pytest
from capturing import captured

from framelift_comptime import ComptimeArgumentError, ComptimeAssertionError, ComptimeError, comptime
from framelift_graph_capture import UserCodeError


def raised(function, dynamic=False, **values):
    with pytest.raises(ComptimeAssertionError) as found:
        captured(function, dynamic, **values)
    assert found.value.code == "FL404"
    assert isinstance(found.value, AssertionError)
    assert isinstance(found.value, ComptimeError)
    return str(found.value)


def line_of(function, offset):
    return f"{__file__}:{function.__code__.co_firstlineno + offset}"


def test_static_and_dynamic_are_each_others_opposite():
    def f(x):
        comptime.assert_static(x)
        comptime.assert_static(x.size(0))
        comptime.assert_static([x, 1])
        return x + 1

    def g(x):
        comptime.assert_dynamic(x)
        comptime.assert_dynamic(x.size(0) * 2)
        return x + 1

    captured(f)
    captured(g, dynamic=True)
    assert raised(f, True).endswith(f"({line_of(f, 1)})")
    assert raised(g).endswith(f"({line_of(g, 1)})")


def test_texts():
    def f(x):
        n = x.size(0)
        comptime(lambda ctx: ctx.assert_static(ctx.get_local("n"), msg="rows"))
        return x

    def g(x):
        n = x.size(0)
        comptime.assert_dynamic(n, "rows")
        return x

    assert raised(f, True) == (
        "rows: value s77 must be static, but is dynamic; mark it static, use force_static, or compile with "
        f"dynamic=False ({line_of(f, 2)})"
    )
    assert raised(g) == (
        "rows: value 2 must be dynamic, but is static; mark it dynamic before the call, or compile with "
        f"dynamic=True ({line_of(g, 2)})"
    )


def test_what_was_specialised_on_the_way_is_named():
    def f(x):
        n = x.size(0)
        y = x[0:2] if n == 2 else x
        comptime.assert_dynamic(n)
        return y

    text = raised(f, True)
    assert "must be dynamic, but is static" in text
    assert f"L['x'].size()[0] == 2 is relied on at test_asserting.py:{f.__code__.co_firstlineno + 2}" in text


def test_a_wrong_argument():
    def f(x):
        comptime(lambda ctx: ctx.assert_dynamic(x.size(0)))
        return x

    with pytest.raises(ComptimeArgumentError, match=r"assert_dynamic\(val\) takes a ComptimeVar, but is given an int"):
        captured(f)


def breaks(x):
    return x.sum().item()


def test_no_break_in_the_rest_of_the_frame():
    def f(x):
        y = x + 1
        comptime.assert_no_break()
        z = y * 2
        return breaks(z)

    assert raised(f) == (
        f"f, after assert_no_break() at {line_of(f, 2)}, must not break, but is broken by [FL111] Tensor.item() "
        "depends on the data of a tensor, which capture does not have; use torch.where, or move the decision out of "
        f"the captured function ({line_of(breaks, 1)})"
    )


def test_a_break_before_the_assertion_or_after_its_frame_is_none_of_its_business():
    def quiet(x):
        comptime.assert_no_break("not here")
        return x * 2

    def f(x):
        y = quiet(x)
        return breaks(y)

    assert captured(f)[0].break_.code == "FL111"
    captured(quiet)


def test_a_break_that_is_asked_for_counts_too():
    def f(x):
        comptime.assert_no_break(msg="one graph, please")
        comptime.graph_break("now")
        return x

    text = raised(f)
    assert text.startswith("one graph, please: f, after assert_no_break()")
    assert "comptime's graph_break('now') asks for a graph break" in text


def test_so_does_a_result_that_cannot_be_made_again():
    def stale(x):
        names = {1: x}
        keys = iter(names)
        names[2] = x
        return keys

    def f(x):
        comptime.assert_no_break()
        return stale(x)

    assert captured(stale)[0].break_.eager
    assert "must not break" in raised(f)


def test_the_users_own_assertions_reach_the_caller():
    def f(x):
        @comptime
        def _(ctx):
            assert ctx.get_local("x").size(0) == 4, "four rows"

        return x

    with pytest.raises(UserCodeError) as found:
        captured(f)
    assert isinstance(found.value.error, AssertionError)
    assert "four rows" in str(found.value.error)
    assert found.value.error.__notes__ == [f"raised during the capture of {line_of(f, 1)}"]
