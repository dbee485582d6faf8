"""What is said of symbols, and when a promise is broken: which size, which line, to what, and what to change."""

import pytest

from framelift_symbolic_shapes import ConstraintViolation, ShapeEnv
from framelift_symbolic_shapes.deferred import sympy


@pytest.fixture
def env():
    env = ShapeEnv()
    env.user_line = lambda: "model.py:3"
    return env


def size(env, hint=8, name="L['x'].size()[0]", **options):
    return env.create_symbol(name, hint, dynamic=True, origin=name, size=True, **options)


def specialised_by_equality(env):
    n = size(env, strict=True)
    n.eq(n.wrap_int(8)).guard_bool("", 0)


def specialised_by_int(env):
    size(env, strict=True).guard_int("", 0)


def specialised_by_an_operator(env):
    """As broadcasting does, when the other side is no symbol: both have to be equal."""
    n = size(env, strict=True)
    n.wrap_int(8).eq(n).expect_true("", 0)


def specialised_through_another(env):
    n, other = size(env, strict=True), size(env, name="L['y'].size()[0]", shared=False)
    n.eq(other).guard_bool("", 0)
    env.user_line = lambda: "model.py:9"
    other.guard_int("", 0)


def specialised_by_two_limits(env):
    n = size(env, strict=True)
    n.ge(n.wrap_int(8)).guard_bool("", 0)
    env.user_line = lambda: "model.py:9"
    n.le(n.wrap_int(8)).guard_bool("", 0)


def below_its_minimum(env):
    size(env, minimum=10)


def above_its_maximum(env):
    size(env, maximum=4)


def cut_at_a_value(env):
    n = size(env, minimum=2, maximum=64, strict=True)
    n.gt(n.wrap_int(16)).guard_bool("", 0)


def cut_through_another(env):
    n, other = size(env, minimum=2, maximum=64, strict=True), size(env, name="L['y'].size()[0]", shared=False)
    n.eq(other).guard_bool("", 0)
    env.user_line = lambda: "model.py:9"
    other.gt(n.wrap_int(16)).guard_bool("", 0)


def cut_by_an_equal_one(env):
    n = size(env, minimum=2, maximum=64, strict=True)
    other = size(env, name="L['y'].size()[0]", minimum=4, maximum=32, strict=True)
    n.eq(other).guard_bool("", 0)


def cut_at_a_multiple(env):
    n = size(env, minimum=2, maximum=64, strict=True)
    n.mul(n.wrap_int(3)).gt(n.wrap_int(50)).guard_bool("", 0)


def cut_by_what_is_no_python(env):
    n = size(env, maximum=64, strict=True)
    env.node_type(env.own(sympy.gamma(n.expr) > 3), env, bool, True).guard_bool("", 0)


def cut_by_divisibility(env):
    n = size(env, minimum=2, strict=True)
    n.mod(n.wrap_int(4)).eq(n.wrap_int(0)).guard_bool("", 0)


def promised_to_be_equal(env):
    env.equate(size(env), size(env, 6, "L['y'].size()[1]"))


def promised_to_equal_a_number(env):
    env.equate(1, size(env))


def one_that_must_stay_free(env):
    size(env, 1, strict=True)


FREE = (
    "make that line work for any size (what it has to equal there needs the mark, too), or use maybe_mark_dynamic "
    "instead"
)
CUT = "or make that line do the same for all of these sizes"
WIDEN = "widen the range that was marked, or pass another input"
VIOLATIONS = {
    specialised_by_equality: f"was marked dynamic, and is specialised to 8 (model.py:3);\n  {FREE}",
    specialised_by_int: f"was marked dynamic, and is specialised to 8 (model.py:3);\n  {FREE}",
    specialised_by_an_operator: f"was marked dynamic, and is specialised to 8 (model.py:3);\n  {FREE}",
    specialised_through_another: (f"was marked dynamic, and is specialised to 8 (model.py:9);\n  {FREE}"),
    specialised_by_two_limits: (
        f"was marked dynamic, and is specialised to 8 by L['x'].size()[0] <= 8 (model.py:9);\n  {FREE}"
    ),
    below_its_minimum: f"must be at least 10, and is 8;\n  {WIDEN}",
    above_its_maximum: f"must be at most 4, and is 8;\n  {WIDEN}",
    cut_at_a_value: (
        "was marked to be from 2 to 64, and is limited by L['x'].size()[0] <= 16 (model.py:3);\n"
        f"  mark it with max=16, {CUT}"
    ),
    cut_through_another: (
        "was marked to be from 2 to 64, and is limited by L['x'].size()[0] <= 16 (model.py:9);\n"
        f"  mark it with max=16, {CUT}"
    ),
    cut_by_an_equal_one: (
        "was marked to be from 2 to 64, and is limited by L['x'].size()[0] == L['y'].size()[0] (model.py:3);\n"
        f"  mark it with min=4 and max=32, {CUT}"
    ),
    cut_at_a_multiple: (
        "was marked to be from 2 to 64, and is limited by 3 * L['x'].size()[0] <= 50 (model.py:3);\n"
        f"  mark it with max=16, {CUT}"
    ),
    cut_by_divisibility: (
        "was marked to be at least 2, and is limited by L['x'].size()[0] % 4 == 0 (model.py:3);\n"
        f"  mark it without a range, {CUT}"
    ),
    cut_by_what_is_no_python: (
        f"was marked to be at most 64, and is limited by gamma(s77) > 3 (model.py:3);\n  mark it without a range, {CUT}"
    ),
    promised_to_be_equal: (
        "must be equal to L['y'].size()[1], and is 8 where that is 6 (model.py:3);\n"
        "  pass inputs whose sizes are equal, or do not promise it"
    ),
    one_that_must_stay_free: (
        "was marked dynamic, and is 1, and sizes 0 and 1 are always specialised;\n"
        "  use maybe_mark_dynamic instead, or make the first call with a larger size"
    ),
}


@pytest.mark.parametrize("program", VIOLATIONS, ids=lambda program: program.__name__)
def test_violations(env, program):
    with pytest.raises(ConstraintViolation) as caught:
        program(env)
    assert str(caught.value) == f"L['x'].size()[0] {VIOLATIONS[program]}"
    assert env.violations == (caught.value,)
    assert len(str(caught.value).splitlines()) <= 5


def test_a_promise_of_a_number(env):
    with pytest.raises(
        ConstraintViolation, match=r"^1 must be equal to L\['x'\].size\(\)\[0\], and is 1 where that is 8"
    ):
        promised_to_equal_a_number(env)
    env.equate(8, 8)
    with pytest.raises(ConstraintViolation, match="8 must be equal to 9"):
        env.equate(8, 9)


RELAXED = [
    specialised_by_equality, specialised_by_int, specialised_by_an_operator, specialised_through_another,
    specialised_by_two_limits, cut_at_a_value, cut_through_another, cut_by_an_equal_one, cut_at_a_multiple,
    cut_by_divisibility, cut_by_what_is_no_python, one_that_must_stay_free,
]  # fmt: skip


@pytest.mark.parametrize("program", RELAXED, ids=lambda program: program.__name__)
def test_without_strictness_it_is_no_error(env, program, monkeypatch):
    strict = env.create_symbol
    monkeypatch.setattr(env, "create_symbol", lambda *args, **options: strict(*args, **{**options, "strict": False}))
    if program is one_that_must_stay_free:
        assert size(env, 1, strict=True) == 1
        return
    program(env)
    assert env.violations == ()


def test_a_symbol_is_explained(env):
    n, m = size(env), size(env, name="L['y'].size()[0]")
    assert n is m
    k = env.create_symbol("L['k']", 9, dynamic=True, origin="k", maximum=20)
    env.user_line = lambda: "model.py:7"
    n.add(n.wrap_int(1)).eq(k).guard_bool("", 0)
    env.user_line = lambda: "model.py:8"
    n.mod(n.wrap_int(4)).eq(n.wrap_int(0)).guard_bool("", 0)
    assert env.explain(env.number("s77").expr) == (
        "s77 is L['x'].size()[0], 8 in this run; at least 2; at most 19 (from model.py:3)\n"
        "  equal to L['y'].size()[0]\n"
        "  s77 >= 2  (model.py:3)\n"
        "  Eq(s77 + 1, s16)  (model.py:7)\n"
        "  Eq((s77%4), 0)  (model.py:8)"
    )
    assert env.explain("s16") == (
        "s16 is L['k'], 9 in this run; at least 3; at most 20 (from model.py:3)\n"
        "  always s77 + 1\n"
        "  s77 >= 2  (model.py:3)\n"
        "  s16 <= 20  (model.py:3)\n"
        "  Eq(s77 + 1, s16)  (model.py:7)\n"
        "  Eq((s77%4), 0)  (model.py:8)"
    )


def test_an_unbacked_symbol_is_explained(env):
    u = env.create_unbacked("x.nonzero()", minimum=0)
    env.user_line = lambda: "model.py:7"
    u.le(u.wrap_int(9)).expect_true("", 0)
    assert env.explain(u.expr).replace(str(u), "u") == (
        "u is x.nonzero(), unknown until it runs; at least 0; at most 9 (from model.py:3)\n  u <= 9  (model.py:7)"
    )


def test_a_float_is_explained(env):
    f = env.create_symbol("L['f']", 2.5, dynamic=True, origin="f")
    f.gt(f.wrap_float(1.5)).guard_bool("", 0)
    assert env.explain(f.expr).replace(str(f), "f") == (
        "f is L['f'], 2.5 in this run (from model.py:3)\n  f > 1.5  (model.py:3)"
    )
