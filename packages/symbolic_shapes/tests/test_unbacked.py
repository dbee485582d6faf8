"""Symbols whose value only the run tells: what is taken as true is asserted when it runs, and never guarded."""

import warnings

import pytest

from framelift_symbolic_shapes import DataDependentCondition, ForeignSymbol, Range, RuntimeAssertionFailed, ShapeEnv


@pytest.fixture
def env():
    return ShapeEnv()


def assertions(env, **names):
    texts = [str(assertion) for assertion in env.runtime_assertions]
    for name, node in names.items():
        texts = [text.replace(str(node), name) for text in texts]
    return texts


def test_nothing_decides(env):
    u = env.create_unbacked("x.item()")
    with pytest.raises(DataDependentCondition, match=r"torch\._check"):
        u.gt(u.wrap_int(3)).guard_bool("", 0)
    assert not u.gt(u.wrap_int(3)).guard_or_false("", 0)
    assert u.gt(u.wrap_int(3)).guard_or_true("", 0)
    assert env.runtime_assertions == env.guards == ()


def test_an_assertion_is_a_fact_and_no_guard(env):
    env.user_line = lambda: "model.py:7"
    u = env.create_unbacked("x.item()")
    assert u.ge(u.wrap_int(5)).expect_true("", 0)
    assert u.gt(u.wrap_int(3)).guard_bool("", 0)
    assert u.ge(u.wrap_int(2)).expect_true("", 0)  # follows
    assert not u.lt(u.wrap_int(5)).expect_true("", 0)  # is refuted
    assert assertions(env, u=u) == ["u >= 5"]
    assert env.runtime_assertions[0].user_line == "model.py:7"
    assert env.guards == ()
    assert "model.py:7" in env.explain(u.expr)


def test_a_range_is_known_without_an_assertion(env):
    u = env.create_unbacked("x.nonzero()", minimum=0, maximum=12)
    assert env.bound(u.expr) == Range(0, 12)
    assert u.lt(u.wrap_int(13)).guard_bool("", 0)
    assert env.runtime_assertions == ()


def test_sizes_and_unbacked_together(env):
    n = env.create_symbol("n", 8, dynamic=True, origin=None, size=True)
    u = env.create_unbacked("x.nonzero()", minimum=0)
    before = env.guards
    assert u.le(n).expect_true("", 0)
    assert u.sub(n.wrap_int(1)).lt(n).guard_bool("", 0)
    assert env.guards == before
    assert assertions(env, u=u, n=n) == ["u <= n"]


@pytest.mark.parametrize("unbacked_first", [True, False])
def test_what_equals_a_size_is_guarded_as_that_size(env, unbacked_first):
    if unbacked_first:
        u = env.create_unbacked("x.item()")
    n = env.create_symbol("n", 8, dynamic=True, origin=None, size=True)
    if not unbacked_first:
        u = env.create_unbacked("x.item()")
    assert u.eq(n).expect_true("", 0)
    assert u.gt(u.wrap_int(5)).guard_bool("", 0)
    assert str(env.guards[-1]) == f"{n} > 5"
    assert len(env.runtime_assertions) == 1


def test_a_size_is_never_replaced_by_what_is_not_known_when_guards_are_checked(env):
    n = env.create_symbol("n", 8, dynamic=True, origin=None, size=True)
    u = env.create_unbacked("x.item()")
    assert n.eq(u.mul(u.wrap_int(2))).expect_true("", 0)
    assert n.gt(n.wrap_int(5)).guard_bool("", 0)
    assert str(env.guards[-1]) == f"{n} > 5"
    assert len(env.runtime_assertions) == 1


def test_a_check_that_fails_in_this_run_is_a_guard(env):
    n = env.create_symbol("n", 8, dynamic=True, origin=None, size=True)
    assert not n.gt(n.wrap_int(100)).expect_true("", 0)
    assert str(env.guards[-1]) == f"{n} <= 100"


def test_torch_check():
    torch = pytest.importorskip("torch")
    from framelift_symbolic_shapes.torch import attach

    env = attach(ShapeEnv())
    u = env.create_unbacked("x.item()")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 is to remove it
        torch._check_is_size(u)
    torch._check(u <= 10)
    assert u < 11
    assert u >= 0
    assert env.bound(u.node.expr) == Range(0, 10)
    assert env.guards == ()
    with pytest.raises(RuntimeError):
        torch._check(u > 10)


@pytest.fixture
def stated(env):
    """Three assertions, of lines 1 to 3."""
    u, v = env.create_unbacked("x.item()"), env.create_unbacked("x.nonzero()")
    n = env.create_symbol("x.size(0)", 8, dynamic=True, origin=None)
    conditions = [u.ge(u.wrap_int(0)), u.mod(u.wrap_int(4)).eq(u.wrap_int(0)), v.le(n)]
    for number, condition in enumerate(conditions, 1):
        env.user_line = f"model.py:{number}".__str__
        assert condition.expect_true("", 0)
    return env, u, v, n


@pytest.mark.parametrize(("values", "text"), [
    ({"u": 8}, None),
    ({"u": -4}, "x.item() >= 0 must hold, and does not: x.item() is -4 (stated in model.py:1)"),
    ({"u": 6}, "x.item() % 4 == 0 must hold, and does not: x.item() is 6 (stated in model.py:2)"),
    ({"u": 4, "v": 9}, None),  # what is about x.size(0) too waits for that
    ({"u": 4, "v": 8, "n": 8}, None),
    ({"v": 9, "n": 8},
     "x.nonzero() <= x.size(0) must hold, and does not: x.nonzero() is 9, x.size(0) is 8 (stated in model.py:3)"),
])  # fmt: skip
def test_an_assertion_that_fails_in_a_run_says_what_and_which_line(stated, values, text):
    env, *symbols = stated
    point = {dict(zip("uvn", symbols, strict=True))[name]: value for name, value in values.items()}
    if text is None:
        env.check_runtime_assertions(point)
        return
    with pytest.raises(RuntimeAssertionFailed) as caught:
        env.check_runtime_assertions(point)
    assert str(caught.value) == text
    assert isinstance(caught.value, RuntimeError)


def test_an_assertion_that_raises_does_not_hold(env):
    u = env.create_unbacked("x.item()")
    assert u.wrap_int(12).mod(u).eq(u.wrap_int(0)).expect_true("", 0)
    env.check_runtime_assertions({u: 4})
    with pytest.raises(RuntimeAssertionFailed, match=r"x\.item\(\) is 0"):
        env.check_runtime_assertions({u: 0})


def test_values_of_what_is_no_symbol_are_refused(env):
    with pytest.raises(ForeignSymbol):
        env.check_runtime_assertions({ShapeEnv().create_unbacked("y"): 4})
