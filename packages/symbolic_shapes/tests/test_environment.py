"""Symbols, guards, replacements, constraints."""

import ast
import subprocess
import sys

import pytest

from framelift_symbolic_shapes import (
    Constraint,
    ConstraintViolation,
    DataDependentCondition,
    ForeignSymbol,
    InvalidSize,
    Range,
    ShapeEnv,
    SymNode,
    symbol_name,
)
from framelift_symbolic_shapes.deferred import sympy


@pytest.fixture
def env():
    return ShapeEnv()


def size(env, name, hint, **options):
    return env.create_symbol(name, hint, dynamic=True, origin=name, size=True, **options)


def texts(env):
    return [str(guard) for guard in env.guards]


def decide(node):
    return node.guard_bool("", 0)


def test_names_are_those_that_users_know(env):
    assert str(size(env, "L['x'].size()[0]", 4)) == "s77"
    assert str(size(env, "L['x'].size()[1]", 5)) == "s27"
    assert str(env.create_symbol("L['f']", 2.5, dynamic=True, origin=None)).startswith("zf")


def test_names_are_probed():
    taken = set()
    for _ in range(30):
        name = symbol_name("n", taken)
        assert name not in taken
        taken.add(name)


@pytest.mark.parametrize("hint", [0, 1])
def test_zero_and_one_are_specialised(env, hint):
    assert size(env, "n", hint) is hint
    assert env.symbols == {}


def test_a_static_size_is_its_value(env):
    assert env.create_symbol("n", 4, dynamic=False, origin=None) == 4


@pytest.mark.parametrize("hint", [float("inf"), float("nan")])
def test_floats_without_algebra_are_their_value(env, hint):
    assert env.create_symbol("f", hint, dynamic=True, origin=None) is hint


@pytest.mark.parametrize("hint", [True, "4", None, 4j])
def test_hints_are_numbers(env, hint):
    with pytest.raises(TypeError, match="must be an int or a float"):
        env.create_symbol("n", hint, dynamic=True, origin=None)


def test_equal_sizes_share_a_symbol(env):
    first, second, other = size(env, "a", 4), size(env, "b", 4), size(env, "c", 5)
    assert first is second
    assert first is not other
    assert env.symbols[first.expr].origins == ["a", "b"]
    assert env.create_symbol("d", 4, dynamic=True, origin="d") is not first  # a number that is no size


def test_a_promised_range_keeps_sizes_apart(env):
    assert size(env, "a", 4) is not size(env, "b", 4, maximum=8)


def test_sizes_are_guarded_to_be_two_or_more(env):
    size(env, "L['x'].size()[0]", 4)
    assert texts(env) == ["s77 >= 2"]


def test_a_decision_is_a_guard_with_the_users_line(env):
    n = size(env, "L['x'].size()[0]", 4)
    env.user_line = lambda: "model.py:7"
    assert decide(n.lt(n.wrap_int(10)))
    guard = env.guards[-1]
    assert (str(guard), guard.user_line) == ("s77 < 10", "model.py:7")


def test_what_follows_is_no_guard(env):
    n, m = size(env, "L['x'].size()[0]", 4), size(env, "L['x'].size()[1]", 6)
    assert decide(n.lt(m))
    before = texts(env)
    assert decide(n.le(m))
    assert decide(m.gt(n))
    assert decide(n.ne(m))
    assert not decide(m.le(n))
    assert decide(n.ge(n.wrap_int(1)))
    assert decide(n.mul(m).gt(n.wrap_int(3)))
    assert decide(n.mul(m).ne(n))
    assert not decide(n.eq(n.wrap_int(0)))
    assert decide(m.ge(m.wrap_int(3)))  # more than n, which is at least 2
    assert texts(env) == before


def test_the_negation_is_recorded_when_a_condition_is_false(env):
    n = size(env, "L['x'].size()[0]", 4)
    assert not decide(n.gt(n.wrap_int(5)))
    assert texts(env)[-1] == "s77 <= 5"


def test_equality_replaces(env):
    n, m = size(env, "L['x'].size()[0]", 4), env.create_symbol("L['k']", 5, dynamic=True, origin="k")
    assert decide(m.eq(n.add(n.wrap_int(1))))
    assert str(m) == "s77 + 1"
    assert decide(m.ge(m.wrap_int(3)))
    assert env.bound(m.expr) == Range(3, float("inf"))


def test_specialising_makes_a_number(env):
    n = size(env, "L['x'].size()[0]", 4)
    double = n.add(n)
    assert n.guard_int("", 0) == 4
    assert texts(env)[-1] == "Eq(s77, 4)"
    assert str(double) == "8"
    assert double.is_constant()
    assert n.guard_int("", 0) == 4
    assert len(env.guards) == 2


def test_divisibility(env):
    n = size(env, "L['x'].size()[0]", 8)
    assert decide(n.mod(n.wrap_int(4)).eq(n.wrap_int(0)))
    before = len(env.guards)
    assert decide(n.mod(n.wrap_int(4)).lt(n.wrap_int(1)))
    assert len(env.guards) == before


def test_parity_is_known(env):
    n = size(env, "n", 8)
    assert not decide(n.add(n).eq(n.wrap_int(7)))
    assert len(env.guards) == 1


def test_unbacked_symbols_have_no_value(env):
    u = env.create_unbacked("nonzero", minimum=0)
    assert str(u).startswith("u")
    assert not u.has_hint()
    assert decide(u.ge(u.wrap_int(0)))
    with pytest.raises(DataDependentCondition, match=r"torch\._check"):
        decide(u.gt(u.wrap_int(3)))
    assert u.gt(u.wrap_int(3)).guard_or_false("", 0) is False
    assert u.gt(u.wrap_int(3)).guard_or_true("", 0) is True
    assert env.guards == ()
    assert u.gt(u.wrap_int(3)).expect_true("", 0)
    assert decide(u.gt(u.wrap_int(2)))


def test_constraints():
    constraint = Constraint("n", 2, 8)
    constraint.check(5)
    assert constraint.range == Range(2, 8)
    with pytest.raises(ConstraintViolation, match="at most 8, and is 9"):
        constraint.check(9)
    with pytest.raises(ConstraintViolation, match="at least 2, and is 1"):
        constraint.check(1)


def test_a_promise_is_used_and_guarded(env):
    n = size(env, "L['x'].size()[0]", 4, maximum=8)
    assert texts(env) == ["s77 >= 2", "s77 <= 8"]
    assert decide(n.lt(n.wrap_int(9)))
    assert len(env.guards) == 2


def test_a_hint_outside_of_its_promise(env):
    with pytest.raises(ConstraintViolation, match=r"L\['x'\]\.size\(\)\[0\] must be at most 3, and is 4"):
        size(env, "L['x'].size()[0]", 4, maximum=3)


def test_specialising_what_must_stay_free(env):
    n = size(env, "L['x'].size()[0]", 4, strict=True)
    env.user_line = lambda: "model.py:7"
    with pytest.raises(ConstraintViolation) as caught:
        n.guard_int("", 0)
    text = str(caught.value)
    assert "L['x'].size()[0]" in text
    assert "model.py:7" in text
    assert "4" in text
    assert len(text.splitlines()) <= 5


def test_explain(env):
    env.user_line = lambda: "model.py:3"
    n = size(env, "L['x'].size()[0]", 4)
    env.user_line = lambda: "model.py:7"
    decide(n.lt(n.wrap_int(10)))
    assert env.explain(n.expr) == (
        "s77 is L['x'].size()[0], 4 in this run; at least 2; at most 9 (from model.py:3)\n"
        "  s77 >= 2  (model.py:3)\n"
        "  s77 < 10  (model.py:7)"
    )


def test_guards_are_python(env):
    n = size(env, "L['x'].size()[0]", 4)
    decide(n.mul(n).sub(n.wrap_int(3)).int_floordiv(n.wrap_int(2)).gt(n.wrap_int(5)))
    names = {symbol: ast.parse("x.size(0)", mode="eval").body for symbol in env.symbols}
    assert [ast.unparse(env.to_python(guard.expression, names)) for guard in env.guards] == [
        "x.size(0) >= 2",
        "(x.size(0) ** 2 + 1) // 2 - 2 > 5",
    ]


def test_functions_are_reached_through_a_reference(env):
    n, m = size(env, "a", 4), size(env, "b", 5)
    names = {symbol: ast.Name(info.name) for symbol, info in env.symbols.items()}
    tree = env.to_python(n.sym_max(m).expr, names, lambda function: ast.Name(f"_{function.__name__}"))
    assert ast.unparse(tree) in ("_max(a, b)", "_max(b, a)")


def test_foreign_expressions_have_no_python(env):
    n = size(env, "a", 4)
    with pytest.raises(TypeError, match="did not come from a SymNode"):
        env.to_python(sympy.gamma(n.expr), {n.expr: ast.Name("a")})


def test_arithmetic_without_torch(env):
    n = size(env, "L['x'].size()[0]", 4)
    total = (n + n) * n - n // n.wrap_int(2)
    assert isinstance(total, SymNode)
    assert total.hint == 30
    assert str(-n) == "-s77"


def test_importing_the_package_imports_no_sympy():
    code = "import sys, framelift_symbolic_shapes; sys.exit('sympy' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_static_environment_needs_no_sympy():
    code = (
        "import sys; from framelift_symbolic_shapes import ShapeEnv; "
        "ShapeEnv().create_symbol('n', 4, dynamic=False, origin=None); sys.exit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("hint", [-1, 2**63, 2.5])
def test_what_no_dimension_can_have_is_refused(env, hint):
    with pytest.raises(InvalidSize, match="L\\['n'\\] must be from 0"):
        size(env, "L['n']", hint)
    assert env.symbols == {}


def test_symbols_of_two_environments_do_not_mix(env):
    mine, other = size(env, "n", 4), size(ShapeEnv(), "m", 5)
    with pytest.raises(ForeignSymbol, match="another environment"):
        mine.add(other)


@pytest.mark.parametrize("step", [
    lambda n: n.int_floordiv(n.wrap_int(2)).mul(n.wrap_int(3)).add(n.wrap_int(5)),
    lambda n: n.sym_max(n.int_floordiv(n.wrap_int(-3))),
    lambda n: n.mul(n).mod(n.wrap_int(1009)),
])  # fmt: skip
def test_what_grows_without_end_is_specialised(env, step):
    n = env.create_symbol("L['n']", 12345, dynamic=True, origin=None)
    for _ in range(500):
        n = step(n)
    assert n.constant == n.hint
    assert len(env.guards) == 1
    assert len(ast.unparse(env.to_python(env.guards[0].condition))) < 50_000
