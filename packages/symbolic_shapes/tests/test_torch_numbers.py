"""torch's symbolic numbers over our nodes compute what Python computes, and torch's helpers get their answers."""

import math
import operator

import pytest

torch = pytest.importorskip("torch")

from expressions import floats, hints, same  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch.fx.experimental import symbolic_shapes as helpers  # noqa: E402

from framelift_symbolic_shapes import ConstraintViolation, ShapeEnv, evaluate  # noqa: E402
from framelift_symbolic_shapes.deferred import functions, sympy  # noqa: E402
from framelift_symbolic_shapes.torch import attach, expression_of  # noqa: E402
from framelift_symbolic_shapes.torch.functions import from_torch, to_torch  # noqa: E402


@pytest.fixture
def env():
    return attach(ShapeEnv())


def size(env, name, hint, **options):
    return env.create_symbol(name, hint, dynamic=True, origin=name, size=True, **options)


def value(number):
    """What a symbolic number is in this run."""
    return number.node.hint if isinstance(number, (torch.SymInt, torch.SymFloat, torch.SymBool)) else number


BINARY = [
    operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.truediv, operator.eq,
    operator.ne, operator.lt, operator.le, operator.gt, operator.ge, torch.sym_max, torch.sym_min,
]  # fmt: skip
PYTHON = {torch.sym_max: max, torch.sym_min: min}


@pytest.mark.parametrize("operation", BINARY, ids=lambda f: f.__name__)
@settings(max_examples=60, deadline=None)
@given(left=hints, right=hints, which=st.sampled_from(["both", "left", "right"]))
def test_integers(operation, left, right, which):
    env = attach(ShapeEnv())
    a = env.create_symbol("a", left, dynamic=which != "right", origin=None)
    b = env.create_symbol("b", right, dynamic=which != "left", origin=None)
    assert same(value(operation(a, b)), PYTHON.get(operation, operation)(left, right))


@pytest.mark.parametrize("operation", BINARY, ids=lambda f: f.__name__)
@settings(max_examples=60, deadline=None)
@given(left=st.one_of(hints, floats), right=floats, which=st.sampled_from(["both", "left", "right"]))
def test_floats(operation, left, right, which):
    if operation in (torch.sym_max, torch.sym_min):
        left = float(left)  # Python's max keeps the type of what it chose; torch makes both floats
    if operation is operator.mod and (left * right < 0 or not float(left).is_integer()):
        return
    env = attach(ShapeEnv())
    a = env.create_symbol("a", left, dynamic=which != "right", origin=None)
    b = env.create_symbol("b", right, dynamic=which != "left", origin=None)
    expected = PYTHON.get(operation, operation)(left, right)
    result = value(operation(a, b))
    # torch makes floor division of floats from a division, which rounds once more.
    assert same(result, expected) or (operation is operator.floordiv and abs(result - expected) <= 1)


@pytest.mark.parametrize(("operation", "expected"), [
    (operator.neg, -6), (abs, 6), (operator.pos, 6), (lambda n: n**2, 36), (lambda n: n**0, 1), (lambda n: 2**n, 64),
    (lambda n: n**-1, 6**-1), (lambda n: n**0.5, 6**0.5), (round, 6), (math.floor, 6), (math.ceil, 6), (math.trunc, 6),
    (lambda n: n << 2, 24), (lambda n: n >> 1, 3), (lambda n: n & 3, 2), (lambda n: n | 1, 7), (lambda n: n ^ 3, 5),
    (lambda n: 7 // n, 1), (lambda n: -7 // n, -2), (lambda n: 7 % n, 1), (lambda n: -7 % n, 5), (lambda n: 3 - n, -3),
    (lambda n: n / 4, 1.5), (lambda n: 3 / n, 0.5), (torch.sym_float, 6.0), (torch.sym_int, 6), (lambda n: n * 0, 0),
    (lambda n: torch.sym_sum([n, n, 1]), 13), (lambda n: torch.sym_ite(n > 4, n, n + 1), 6), (lambda n: n - n, 0),
    (lambda n: torch.sym_not(n > 4), False), (lambda n: (n > 4) & (n < 9), True), (lambda n: (n > 9) | (n < 2), False),
    (int, 6), (lambda n: list(range(n)), [0, 1, 2, 3, 4, 5]), (bool, True), (float, 6.0), (lambda n: [0] * n, [0] * 6),
    (lambda n: (n * 1.5).is_integer(), True), (lambda n: math.floor(n * 1.1), 6), (lambda n: math.ceil(n * 1.1), 7),
    (lambda n: round(n * 1.25, 1), 7.5), (lambda n: round(n * 1.25), 8), (lambda n: int(n * 1.5), 9),
    (lambda n: math.trunc(n * -1.1), -6), (lambda n: torch.sym_sqrt(n) if hasattr(torch, "sym_sqrt") else
     torch._sym_sqrt(n), math.sqrt(6)),
])  # fmt: skip
def test_python_on_a_size(env, operation, expected):
    assert same(value(operation(size(env, "n", 6))), expected)


def test_text(env):
    n = size(env, "L['x'].size()[0]", 4)
    m = size(env, "L['x'].size()[1]", 6)
    assert [str(x) for x in (n, n + 1, 2 * n - m, n // 2, n % 3, n * m, n > m)] == [
        "s77", "s77 + 1", "-s27 + 2*s77", "(s77//2)", "(s77%3)", "s27*s77", "s77 > s27",
    ]  # fmt: skip
    assert repr(n) == "s77"
    assert n.node.expr == sympy.Symbol("s77", integer=True, positive=True, real=True)
    assert n.node.hint == 4


def test_conditions_become_guards(env):
    n = size(env, "L['x'].size()[0]", 4)
    env.user_line = lambda: 7
    assert [branch for branch in (1,) if n > 3]
    assert not n == 9
    assert int(n) == 4
    assert [(str(guard), guard.user_line) for guard in env.guards[1:]] == [
        ("s77 > 3", 7), ("Ne(s77, 9)", 7), ("Eq(s77, 4)", 7),
    ]  # fmt: skip


def test_torchs_helpers(env):
    n, m = size(env, "a", 4), size(env, "b", 6)
    before = len(env.guards)
    assert helpers.statically_known_true(n > 1)
    assert not helpers.statically_known_true(n > m)
    assert helpers.statically_known_false(n < 2)
    assert not helpers.has_static_value(n)
    assert helpers.has_static_value(n - n)
    assert not helpers.is_concrete_int(n)
    for name, number, hint in (("guarding_hint_or_throw", n, 4), ("optimization_hint", n * m, 24)):
        if hasattr(helpers, name):  # torch 2.11 has neither
            assert getattr(helpers, name)(number) == hint
    assert helpers.has_free_symbols(n)
    assert not helpers.has_free_unbacked_symbols(n)
    assert len(env.guards) == before
    assert helpers.guard_or_false(n < m)
    assert not helpers.guard_or_true(n > m)
    assert len(env.guards) == before + 1
    assert helpers.guard_scalar(m) == 6
    assert helpers.has_static_value(m)
    torch._check(n != 5)
    assert str(env.guards[-1]) == "Ne(s" + str(n)[1:] + ", 5)"


def test_unbacked_symbols_and_torchs_helpers(env):
    u = env.create_unbacked("u", minimum=0)
    assert helpers.has_free_unbacked_symbols(u)
    assert not helpers.guard_or_false(u > 5)
    assert helpers.guard_or_true(u > 5)
    with pytest.raises(RuntimeError, match=r"torch\._check"):
        bool(u > 5)
    torch._check(u > 5)
    assert helpers.statically_known_true(u > 4)


def test_a_symbol_that_must_stay_free(env):
    n = size(env, "n", 4, strict=True)
    with pytest.raises(ConstraintViolation):
        int(n)


def test_shifts_as_torch_2_11_writes_them():
    torchs = to_torch(functions.FUNCTIONS["FloorDiv"](X, 3)).func
    assert evaluate(from_torch(X * sympy.Integer(2) ** Y), {X: 3, Y: 4}) == 3 << 4
    assert evaluate(from_torch(torchs(X, sympy.Integer(2) ** Y)), {X: 77, Y: 2}) == 77 >> 2


LAYOUTS = [
    ((2, 3, 4, 5), (60, 20, 5, 1)), ((2, 3, 4, 5), (60, 1, 15, 3)), ((2, 3, 4, 5), (120, 40, 10, 2)),
    ((2, 3, 4, 5), (1, 2, 6, 24)), ((2, 3, 4, 5), (0, 20, 5, 1)), ((4, 6), (1, 4)), ((4, 6), (8, 1)), ((4,), (1,)),
    ((2, 3, 4, 5, 6), (360, 1, 90, 18, 3)), ((2, 3, 4), (12, 1, 3)), ((1, 3, 4), (99, 4, 1)), ((2, 0, 3), (0, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("sizes", "strides"), LAYOUTS)
def test_layout_questions(env, sizes, strides):
    real = torch.empty(1).as_strided(sizes, [0] * len(sizes)) if 0 in sizes else None
    real = torch.empty_strided(sizes, strides) if real is None or 0 in sizes else real
    witness = size(env, "witness", 7).node
    nodes = [size(env, f"n{dim}", extent) for dim, extent in enumerate(sizes)]
    nodes = [witness.wrap_int(n) if isinstance(n, int) else n.node for n in nodes]
    stride_nodes = [witness.wrap_int(stride) for stride in strides]
    assert witness.is_contiguous(nodes, stride_nodes).guard_bool("", 0) == real.is_contiguous()
    dense = torch.ops.aten.is_non_overlapping_and_dense(real)
    assert witness.is_non_overlapping_and_dense(nodes, stride_nodes).guard_bool("", 0) == dense
    assert witness.is_non_overlapping_and_dense_indicator(nodes, stride_nodes).guard_int("", 0) == int(dense)
    if len(sizes) == 4:
        last = real.is_contiguous(memory_format=torch.channels_last)
        assert witness.is_channels_last_contiguous_2d(nodes, stride_nodes).guard_bool("", 0) == last
        strided = torch.ops.aten.is_strides_like_format(real, torch.channels_last)
        assert witness.is_channels_last_strides_2d(nodes, stride_nodes).guard_bool("", 0) == strided
    if len(sizes) == 5:
        last = real.is_contiguous(memory_format=torch.channels_last_3d)
        assert witness.is_channels_last_contiguous_3d(nodes, stride_nodes).guard_bool("", 0) == last
        strided = torch.ops.aten.is_strides_like_format(real, torch.channels_last_3d)
        assert witness.is_channels_last_strides_3d(nodes, stride_nodes).guard_bool("", 0) == strided


X, Y = sympy.symbols("x y", integer=True, positive=True)


@pytest.mark.parametrize("name", ["FloorDiv", "Mod", "Minimum", "Maximum", "LShift", "RShift", "TrueDiv", "BitAnd",
                                  "PowByNatural"])  # fmt: skip
def test_the_table_keeps_values(name):
    ours = functions.FUNCTIONS[name](X, Y)
    theirs = to_torch(ours)
    assert not theirs.has(functions.FUNCTIONS[name])
    for x, y in ((7, 2), (9, 3), (2, 9)):
        expected = evaluate(ours, {X: x, Y: y})
        assert float(theirs.subs({X: x, Y: y})) == pytest.approx(float(expected))
        assert evaluate(from_torch(theirs), {X: x, Y: y}) == expected


def test_the_table_goes_into_expressions():
    ours = sympy.Eq(functions.FUNCTIONS["FloorDiv"](X + 1, 2) * Y, 6)
    assert from_torch(to_torch(ours)) == ours


def test_expressions_of_numbers(env):
    n = size(env, "n", 4)
    assert expression_of(n + 1) == n.node.expr + 1
    assert expression_of(2.5) == 2.5
    assert expression_of(True) is sympy.true
