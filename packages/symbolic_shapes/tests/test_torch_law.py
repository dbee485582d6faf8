"""Law: what Python computes with ints, floats and truth values, it computes with torch's symbolic ones over our nodes.

Every operator and function of Python's that torch's `SymInt`, `SymFloat` and `SymBool` define is applied to symbols,
and to symbols and numbers; values, types, and the types and texts of errors are Python's. What torch's own classes
decide before they ask a node is left out, and said beside it.
"""

import math
import operator

import pytest

torch = pytest.importorskip("torch")

from expressions import same  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from framelift_symbolic_shapes import ComplexResult, ShapeEnv  # noqa: E402
from framelift_symbolic_shapes.torch import attach  # noqa: E402

integers = st.one_of(st.integers(-12, 12), st.sampled_from([2**53 + 1, -(2**63), 2**70 + 1]))
floats = st.one_of(
    st.floats(-10, 10), st.sampled_from([-0.0, 0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 1e300, 5e-324, 2.0**63])
)
VALUES = {int: integers, float: floats, bool: st.booleans()}
SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)

ARITHMETIC = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "eq", "ne", "lt", "le", "gt", "ge"]
SHIFTS = ["lshift", "rshift"]
OF_TWO = ["fmod", "copysign", "atan2", "hypot", "remainder", "log", "isclose", "pow", "nextafter"]
OF_TWO_INTEGERS = ["gcd", "lcm", "comb", "perm"]
OF_ONE = [
    "floor", "ceil", "trunc", "sqrt", "exp", "log", "log2", "log10", "log1p", "expm1", "sin", "cos", "tan", "asin",
    "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "fabs", "degrees", "radians", "erf", "gamma",
    "isfinite", "isinf", "isnan", "modf", "frexp", "ulp",
]  # fmt: skip
OF_ONE_INTEGER = ["isqrt", "factorial"]


def value(number):
    if isinstance(number, tuple):
        return tuple(value(one) for one in number)
    return number.node.hint if isinstance(number, SYMBOLIC) else number


def symbol(env, name, plain):
    if type(plain) is bool:
        return env.create_symbol(name, 2 if plain else -2, dynamic=True, origin=None) > 0
    return env.create_symbol(name, plain, dynamic=True, origin=None)


def attempt(function, *operands):
    try:
        return function(*operands)
    except Exception as error:
        return error


def agrees(ours, pythons):
    if isinstance(pythons, complex):
        return isinstance(ours, ComplexResult) or ours == pythons
    if isinstance(pythons, Exception):
        return type(ours) is type(pythons) and str(ours) == str(pythons)
    ours = value(ours)
    if isinstance(pythons, tuple):
        return isinstance(ours, tuple) and all(same(a, b) for a, b in zip(ours, pythons, strict=True))
    return same(ours, pythons)


def pairs(first, second):
    return [(a, b) for a in first for b in second]


NUMBERS = (int, float)
LAW = {
    **{name: (getattr(operator, name), pairs(NUMBERS, NUMBERS)) for name in ARITHMETIC},
    "floordiv": (operator.floordiv, [(int, int)]),  # torch makes that of floats from a rounded quotient
    "pow": (lambda a, b: a ** abs(b), [(int, int)]),  # torch's SymFloat refuses a base that is not positive
    **{name: (getattr(operator, name), [(int, int), (int, float)]) for name in SHIFTS},
    **{name: (getattr(operator, name), [(int, int), (int, bool), (bool, bool)]) for name in ("and_", "or_")},
    "xor": (operator.xor, [(int, int)]),  # torch's SymBool has none, nor arithmetic
    "min": (min, pairs(NUMBERS, NUMBERS)),
    "max": (max, pairs(NUMBERS, NUMBERS)),
    "round to digits": (round, [(float, int)]),  # torch's SymInt returns itself
    **{f"math.{name}": (getattr(math, name), pairs(NUMBERS, NUMBERS)) for name in OF_TWO},
    **{f"math.{name}": (getattr(math, name), [(int, int)]) for name in OF_TWO_INTEGERS},
    **{f"math.{name} of one": (getattr(math, name), [(int,), (float,)]) for name in OF_ONE},
    **{f"math.{name}": (getattr(math, name), [(int,)]) for name in OF_ONE_INTEGER},
    **{function.__name__: (function, [(int,), (float,)]) for function in (int, float, bool, round, abs, complex)},
    **{name: (getattr(operator, name), [(int,), (float,)]) for name in ("neg", "pos", "not_")},
    "index": (operator.index, [(int,)]),
    "ratio": (lambda a: a.as_integer_ratio(), [(int,), (float,)]),
    "conjugate": (lambda a: a.conjugate(), [(int,), (float,)]),
    "is_integer": (lambda a: a.is_integer(), [(float,)]),
    "int of a truth value": (int, [(bool,)]),
    "not": (operator.not_, [(bool,)]),
}


def too_long(name, values):
    large = 60 if name in ("math.comb", "math.perm", "math.factorial") else 200
    powers = ("lshift", "pow", "math.comb", "math.perm", "math.factorial", "round to digits")
    return name in powers and any(abs(value) > large for value in values if type(value) is int)


@pytest.mark.parametrize("name", LAW)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_as_python(name, data):
    function, kinds = LAW[name]
    plain = [data.draw(VALUES[kind]) for kind in data.draw(st.sampled_from(kinds))]
    if too_long(name, plain):
        return
    free = data.draw(st.integers(1, 2 ** len(plain) - 1))
    env = attach(ShapeEnv())
    operands = [symbol(env, f"v{k}", one) if free >> k & 1 else one for k, one in enumerate(plain)]
    ours, pythons = attempt(function, *operands), attempt(function, *plain)
    assert agrees(ours, pythons), (operands, ours, pythons)


def test_what_torchs_classes_have_no_method_for_is_an_error_and_no_other_value():
    env = attach(ShapeEnv())
    n, f = symbol(env, "n", 7), symbol(env, "f", 2.5)
    for function in (lambda: ~n, lambda: divmod(n, 2), lambda: f << 1, lambda: f"{n:>5}", lambda: n & f):
        with pytest.raises(TypeError):
            function()
