"""Law: simplification changes no value, whatever the symbols are; checked by brute force over their ranges."""

import itertools

import pytest
from expressions import INTEGER_OPERATIONS, compiled
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import Range
from framelift_symbolic_shapes.bounding import bound
from framelift_symbolic_shapes.expression import Call, Constant, Symbol
from framelift_symbolic_shapes.operation import OPERATIONS
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS
from framelift_symbolic_shapes.simplification import RULES, simplify

X, Y = Symbol("x", int), Symbol("y", int)
RANGES = st.tuples(st.integers(-6, 6), st.integers(0, 5)).map(lambda pair: Range(pair[0], pair[0] + pair[1]))


@st.composite
def operands(draw, ranges, depth=2):
    expression = draw(st.sampled_from([X, Y, Constant(2), Constant(3), Constant(-4), 2 * X, X * Y, X + Y]))
    for _ in range(draw(st.integers(0, depth))):
        name = draw(st.sampled_from([*INTEGER_OPERATIONS, "abs", "lshift", "rshift"]))
        second = draw(st.sampled_from([X, Y, Constant(1), Constant(2), Constant(5), X + Y, 2 * Y]))
        operand_list = (expression,) if name == "abs" else (expression, second)
        expression = OPERATIONS[name].build(lambda e: bound(e, ranges), *operand_list)
    return expression


@pytest.mark.parametrize("name", [name for name in RULES if name not in ("Floor", "Ceil", "Trunc", "Round")])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_of_each_function(name, data):
    ranges = {X: data.draw(RANGES), Y: data.draw(RANGES)}
    function = PYTHON_FUNCTIONS[name]
    parts = [data.draw(operands(ranges)) for _ in range(function.arity)]
    result = simplify(name, tuple(parts), lambda e: bound(e, ranges))
    values = [range(int(r.lower), int(r.upper) + 1) for r in ranges.values()]
    inputs, output = [compiled(part, ranges) for part in parts], compiled(result, ranges)
    for at in itertools.product(*values):
        try:
            expected = function.python(*[part(*at) for part in inputs])
        except (ZeroDivisionError, ValueError, OverflowError):
            continue  # the program raises there, so that no value is computed
        if isinstance(expected, float) or abs(expected) > 2**64:
            continue
        assert output(*at) == expected, (name, parts, result, at)


@pytest.mark.parametrize("name", ["Floor", "Ceil", "Trunc", "Round"])
@given(value=st.integers(-(2**53), 2**53))
def test_of_rounding_an_integer(name, value):
    n = Symbol("n", int)
    result = simplify(name, (Call("ToFloat", (n,)),), lambda e: bound(e, {n: Range(-(2**53), 2**53)}))
    assert result == n
    assert PYTHON_FUNCTIONS[name].python(float(value)) == value
    wider = simplify(name, (Call("ToFloat", (n,)),), lambda e: bound(e, {n: Range(0, 2**54)}))
    assert wider != n


@pytest.mark.parametrize(("text", "name", "parts"), [
    ("x + 3", "FloorDiv", (2 * X + 6, Constant(2))),
    ("0", "Mod", (4 * X, Constant(2))),
    ("(x//6)", "FloorDiv", (Call("FloorDiv", (X, Constant(2))), Constant(3))),
    ("(x//2) + 2", "FloorDiv", (X + 4, Constant(2))),
    ("x", "FloorDiv", (X * Y, Y)),
    ("x", "Maximum", (X, Constant(1))),
    ("1", "Minimum", (X, Constant(1))),
    ("8*x", "LShift", (X, Constant(3))),
    ("x", "FloorDiv", (X * X + X * Y, X + Y)),
    ("0", "Mod", (X * X + X * Y, X + Y)),
    ("(x//3)", "FloorDiv", (4 * X, Constant(12))),
    ("((x + 1)//y)", "FloorDiv", (X * Y + Y, Y * Y)),
    ("4*(x%3)", "Mod", (4 * X, Constant(12))),
    ("2*((-x + 2)%3)", "Mod", (-2 * X - 2, Constant(6))),
    ("((x + 1)//2) - 2", "FloorDiv", (X - 3, Constant(2))),
    ("((x + 3)//6)", "FloorDiv", (Call("FloorDiv", (X + 1, Constant(2))) + 1, Constant(3))),
    ("(x//y)", "FloorDiv", (-X, -Y)),
    ("-(x%y)", "Mod", (-X, -Y)),
    ("Minimum(y - 2, 1)", "Mod", (Constant(1), Y - 1)),
])  # fmt: skip
def test_golden(text, name, parts):
    assert str(simplify(name, parts, lambda e: bound(e, {X: Range(2, 50), Y: Range(2, 50)}))) == text


EXAMPLES = {
    "divide_by_one": (X, Constant(1)),
    "divide_small": (X, X + 1),
    "divide_multiple": (X + 4, Constant(2)),
    "divide_modulo": (X + Call("Mod", (-X, Constant(4))), Constant(4)),
    "divide_exactly": (X + Call("Mod", (-X, Constant(4))), -Call("FloorDiv", (-X, Constant(4)))),
    "divide_negative": (X + 3, -Y),
    "divide_common": (4 * X, Constant(12)),
    "divide_twice": (Call("FloorDiv", (X, Constant(2))), Constant(3)),
    "modulo_one": (X, Constant(1)),
    "modulo_negative": (X + 3, -Y),
    "modulo_of_one": (Constant(1), Y - 1),
    "modulo_small": (X, X + 1),
    "modulo_multiple": (4 * X + Y, X),
    "modulo_modulo": (Call("Mod", (X, Constant(8))) + Y, Constant(4)),
    "modulo_exactly": (X + Call("Mod", (-X, Constant(4))), -Call("FloorDiv", (-X, Constant(4)))),
    "modulo_common": (4 * X, Constant(12)),
    "minimum": (X, X + 1),
    "maximum": (X + 1, X),
    "absolute": (-X,),
    "shift_left": (X, Constant(3)),
    "shift_right": (X, Constant(3)),
    "natural_power": (X, Constant(3)),
    "round_integer": (Call("ToFloat", (X,)),),
}


@pytest.mark.parametrize(
    ("name", "rule"),
    [(name, rule) for name, rules in RULES.items() for rule in rules],
    ids=[f"{name}-{rule.__name__}" for name, rules in RULES.items() for rule in rules],
)
def test_each_rule_has_an_example(name, rule):
    """It applies, changes no value in all of a box, and says its algebra."""
    ranges = {X: Range(2, 30), Y: Range(2, 30)}
    parts = EXAMPLES[rule.__name__]
    result = rule(*parts, lambda e: bound(e, ranges))
    assert result is not None
    assert "=" in rule.__doc__
    inputs, output = [compiled(part, ranges) for part in parts], compiled(result, ranges)
    for at in itertools.product(range(2, 31), repeat=2):
        assert output(*at) == PYTHON_FUNCTIONS[name].python(*[part(*at) for part in inputs])


def test_no_example_is_of_a_rule_that_is_gone():
    assert EXAMPLES.keys() == {rule.__name__ for rules in RULES.values() for rule in rules}
