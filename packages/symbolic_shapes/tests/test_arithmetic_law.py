"""Law: an operation gives Python's value and type, or raises Python's error: here, and wherever the guards hold.

Each operation of a node is applied to symbols and numbers of every mixture of types, at hints with all the edges that
numbers have; then its expression is computed at other values of the symbols, where those satisfy what was recorded.
"""

import math
import operator

import pytest
from expressions import same
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import ComplexResult, ShapeEnv, evaluate

BIG = 10**309  # no float
integers = st.one_of(
    st.integers(-12, 12),
    st.sampled_from([2**31, 2**53 - 1, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**70 + 1, BIG, -BIG]),
)
floats = st.one_of(
    st.floats(-10, 10),
    st.sampled_from([
        -0.0, 0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 1e300, -1e300, 5e-324, 2.0**53, 2.0**63, 0.1, math.inf,
        -math.inf, math.nan,
    ]),
)  # fmt: skip
VALUES = {int: integers, float: floats, bool: st.booleans()}

NUMBERS = [(a, b) for a in (int, float, bool) for b in (int, float, bool)]
WHOLE = [(a, b) for a in (int, bool) for b in (int, bool)]
WITH_FLOAT = [pair for pair in NUMBERS if float in pair]


def promoted(choose):
    """As torch's sym_min and sym_max: floats where one is a float."""
    return lambda a, b: choose(float(a), float(b)) if float in (type(a), type(b)) else choose(int(a), int(b))


LAW = {
    **{name: (getattr(operator, name), NUMBERS) for name in (
        "add", "sub", "mul", "mod", "floordiv", "truediv", "pow", "eq", "ne", "lt", "le", "gt", "ge",
    )},
    "int_floordiv": (operator.floordiv, WHOLE),
    "int_truediv": (operator.truediv, WHOLE),
    "float_floordiv": (operator.floordiv, WITH_FLOAT),
    "float_truediv": (operator.truediv, WITH_FLOAT),
    "float_pow": (operator.pow, WITH_FLOAT),
    "lshift": (operator.lshift, WHOLE),
    "rshift": (operator.rshift, WHOLE),
    "bitwise_and": (operator.and_, WHOLE),
    "bitwise_or": (operator.or_, WHOLE),
    "bitwise_xor": (operator.xor, WHOLE),
    "and_": (operator.and_, [(bool, bool)]),
    "or_": (operator.or_, [(bool, bool)]),
    "sym_not": (operator.not_, [(bool,)]),
    "sym_min": (promoted(min), NUMBERS),
    "sym_max": (promoted(max), NUMBERS),
    "copysign": (math.copysign, NUMBERS),
    "sym_ite": (lambda c, t, f: t if c else f, [(bool, *pair) for pair in NUMBERS]),
    "is_integer": (lambda a: a.is_integer() if type(a) is float else True, [(int,), (float,), (bool,)]),
    **{name: (function, [(int,), (float,), (bool,)]) for name, function in {
        "neg": operator.neg, "pos": operator.pos, "abs": abs, "round": round, "floor": math.floor, "ceil": math.ceil,
        "trunc": math.trunc, "sym_int": int, "sym_float": float, "is_finite": math.isfinite,
    }.items()},
    **{f"sym_{name}": (lambda a, function=getattr(math, name): function(float(a)), [(int,), (float,), (bool,)]) for name
       in ("sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2", "exp", "log")},
}  # fmt: skip


def operand(env, anchor, position, value, symbolic, places):
    """The node of a value: a symbol, a condition on one, or a number."""
    if symbolic and type(value) is bool:
        symbol = env.create_symbol(f"b{position}", 2 if value else -2, dynamic=True, origin=None)
        places[symbol.expression] = lambda at: 2 if at[position] else -2
        return symbol.gt(symbol.wrap_int(0))
    symbol = env.create_symbol(f"v{position}", value, dynamic=symbolic, origin=None) if symbolic else value
    if type(symbol) is not type(value):
        places[symbol.expression] = lambda at: at[position]
        return symbol
    return {int: anchor.wrap_int, float: anchor.wrap_float, bool: anchor.wrap_bool}[type(value)](value)


def attempt(function, *values):
    try:
        return function(*values)
    except (ArithmeticError, ValueError, ComplexResult) as error:
        return error


def agrees(ours, pythons):
    if isinstance(pythons, complex):
        return isinstance(ours, ComplexResult)
    if isinstance(pythons, Exception):
        return type(ours) is type(pythons)
    return same(ours, pythons)


def holds(guard, point):
    # A guard that can't be computed does not hold; whatever it raises, the program is captured anew.
    try:
        return evaluate(guard.condition, point) is True
    except (ArithmeticError, ValueError, TypeError):  # a TypeError is what complex numbers give
        return False


def too_long(name, values):
    return name in ("lshift", "pow") and any(abs(value) > 200 for value in values if type(value) is int)


@st.composite
def cases(draw, name):
    kinds = draw(st.sampled_from(LAW[name][1]))
    values = [draw(VALUES[kind]) for kind in kinds]
    symbolic = [(type(value) is not float or math.isfinite(value)) and draw(st.integers(0, 3)) > 0 for value in values]
    others = [
        [draw(VALUES[type(value)]) if free and draw(st.booleans()) else value
         for value, free in zip(values, symbolic, strict=True)]
        for _ in range(3)
    ]  # fmt: skip
    return values, symbolic, others


@pytest.mark.parametrize("name", LAW)
@settings(max_examples=50, deadline=None)
@given(st.data())
def test_as_python(name, data):
    function = LAW[name][0]
    values, symbolic, others = data.draw(cases(name))
    if too_long(name, values):
        return
    env, places = ShapeEnv(), {}
    anchor = env.create_symbol("anchor", 5, dynamic=True, origin=None)
    places[anchor.expression] = lambda at: 5
    nodes = [operand(env, anchor, k, values[k], symbolic[k], places) for k in range(len(values))]
    result = attempt(getattr(nodes[0], name), *nodes[1:])
    expected = attempt(function, *values)
    failed = isinstance(result, Exception)
    assert agrees(result if failed else result.hint, expected)
    assert failed or result.pytype is type(expected)
    for at in [values, *others]:
        point = {symbol: place(at) for symbol, place in places.items()}
        if too_long(name, at) or not all(holds(guard, point) for guard in env.guards):
            assert at is not values, [str(guard) for guard in env.guards]
            continue
        again = result if failed else attempt(evaluate, result.expression, point)
        assert agrees(again, attempt(function, *at)), (at, [str(guard) for guard in env.guards])


@pytest.mark.parametrize(("name", "values", "error"), [
    ("int_floordiv", (7, 0), ZeroDivisionError), ("mod", (7.5, 0.0), ZeroDivisionError),
    ("lshift", (7, -2), ValueError), ("sym_sqrt", (-4.0,), ValueError),
    ("float_pow", (-8.0, 0.5), ComplexResult), ("sym_exp", (1e9,), OverflowError),
])  # fmt: skip
def test_what_raises_is_guarded(name, values, error):
    env = ShapeEnv()
    nodes = [env.create_symbol(f"v{k}", value, dynamic=True, origin=None) for k, value in enumerate(values)]
    with pytest.raises(error):
        getattr(nodes[0], name)(*nodes[1:])
    assert [evaluate(guard.condition, dict(zip(env.symbols, values, strict=True))) for guard in env.guards]
    for k, other in enumerate(values):  # another value of any operand is another program
        point = dict(zip(env.symbols, [*values[:k], other + 3, *values[k + 1 :]], strict=True))
        assert not all(evaluate(guard.condition, point) for guard in env.guards)


def test_a_value_that_is_dropped_raises_where_pythons_does():
    env = ShapeEnv()
    n, m = (env.create_symbol(name, 6, dynamic=True, origin=None) for name in "nm")
    dropped = n.int_floordiv(m).mul(n.wrap_int(0))
    assert dropped.constant == 0
    assert [str(guard) for guard in env.guards] == [f"Ne({m}, 0)"]


@pytest.mark.parametrize("name", ["sym_sqrt", "sym_log", "sym_sin"])
def test_functions_of_sizes_need_no_guard(name):
    env = ShapeEnv()
    n = env.create_symbol("n", 6, dynamic=True, origin=None, size=True)
    getattr(n, name)()
    n.sym_float().mul(n.wrap_float(1.5)).floor()
    n.int_truediv(n)
    assert [str(guard) for guard in env.guards] == [f"{n} >= 2"]


@settings(max_examples=200, deadline=None)
@given(value=st.one_of(floats.filter(math.isfinite), integers), digits=st.integers(-4, 6))
def test_round_with_digits(value, digits):
    env = ShapeEnv()
    node = env.create_symbol("v", value, dynamic=True, origin=None)
    result = node.round(digits)
    assert same(result.hint, round(value, digits))
    assert result.pytype is type(value)
    symbols = {symbol: value for symbol in env.symbols}
    assert same(evaluate(result.expression, symbols), round(value, digits))


def test_a_shift_by_far_is_no_power():
    n = ShapeEnv().create_symbol("n", 5, dynamic=True, origin=None)
    assert n.rshift(n.wrap_int(2**60)).hint == 0
