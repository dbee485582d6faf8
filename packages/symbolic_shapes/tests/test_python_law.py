"""Law: the Python of an expression computes what the program computed that the expression was made by."""

import ast
import builtins
import math

import pytest
from expressions import conditions, float_nodes, integer_nodes, same
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import evaluate, to_python
from framelift_symbolic_shapes.evaluation import value_at
from framelift_symbolic_shapes.expression import Call, Choice, Constant, Junction, Not, Relation, Symbol
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS


def values_of(node):
    return {symbol: info.hint for symbol, info in node.shape_env.symbols.items()}


def check(node):
    names = {symbol: ast.Name(info.name, ast.Load()) for symbol, info in node.shape_env.symbols.items()}
    tree = ast.fix_missing_locations(ast.Expression(node.shape_env.to_python(node.expr, names)))
    scope = {info.name: info.hint for info in node.shape_env.symbols.values()}
    text = ast.unparse(tree)
    assert same(eval(compile(tree, "<law>", "eval"), scope), node.hint), text
    assert same(eval(text, scope), node.hint), text
    assert same(evaluate(node.expr, values_of(node)), node.hint)


@settings(max_examples=300, deadline=None)
@given(integer_nodes())
def test_of_integers(node):
    check(node)


@settings(max_examples=150, deadline=None)
@given(float_nodes())
def test_of_floats(node):
    check(node)


@settings(max_examples=200, deadline=None)
@given(conditions())
def test_of_conditions(node):
    check(node)


INTEGERS = st.one_of(st.integers(-9, 9), st.sampled_from([2**53 + 1, -(2**63), 2**70 + 1, 10**309]))
FLOATS = st.one_of(
    st.floats(-9, 9), st.sampled_from([-0.0, 0.5, 2.5, 1e300, 5e-324, 2.0**63, math.inf, -math.inf, math.nan])
)
I, J = Symbol("i", int), Symbol("j", int)
F, G = Symbol("f", float), Symbol("g", float)
VALUES = {I: INTEGERS, J: INTEGERS, F: FLOATS, G: FLOATS}
OF_FLOATS = {"Floor", "Ceil", "Trunc", "Round", "RoundDigits", "IsFinite", "TrueDiv"}


@st.composite
def integer_expressions(draw):
    parts = [I, J, Constant(draw(INTEGERS)), I * 2 - J, I * J + 1, Call("Mod", (J, Constant(3)))]
    return draw(st.sampled_from(parts))


@st.composite
def float_expressions(draw):
    parts = [F, G, Constant(draw(FLOATS)), Call("FloatMul", (F, G)), Call("ToFloat", (I,))]
    return draw(st.sampled_from(parts))


@st.composite
def calls(draw, name):
    """One operation of the table, of parts of the types that it takes."""
    function = PYTHON_FUNCTIONS[name]
    whole = name == "ToFloat" or (function.result is int and name not in OF_FLOATS)
    operands = [draw(integer_expressions() if whole else float_expressions()) for _ in range(function.arity)]
    if name == "RoundDigits":
        operands[1] = draw(st.sampled_from([Constant(2), Constant(-1), Call("Mod", (I, Constant(4)))]))
    if name in ("PowByNatural", "LShift", "RShift"):
        operands[1] = draw(st.sampled_from([Constant(2), Constant(0), Call("Mod", (I, Constant(5)))]))
    call = Call(name, tuple(operands))
    condition = Relation(draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="])), call, call.operands[0])
    both = Junction(draw(st.booleans()), (condition, Not(Relation("<", F, G))))
    return draw(st.sampled_from([call, condition, Not(condition), both, Choice(both, call, call)]))


def attempt(function):
    try:
        return function()
    except (ArithmeticError, ValueError, TypeError) as error:  # a TypeError is what complex numbers give
        return type(error)


@pytest.mark.parametrize("name", PYTHON_FUNCTIONS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_of_the_whole_table(name, data):
    """Its Python computes what the operations do one by one, and needs nothing but `math`."""
    expression = data.draw(calls(name))
    values = {symbol: data.draw(VALUES[symbol]) for symbol in VALUES}
    tree = to_python(expression, {symbol: ast.Name(str(symbol), ast.Load()) for symbol in VALUES})
    text = ast.unparse(tree)
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)} - {*map(str, VALUES)}
    assert all(one == "math" or hasattr(builtins, one) for one in used)
    scope = {"math": math, **{str(symbol): value for symbol, value in values.items()}}
    found, expected = attempt(lambda: eval(text, scope)), attempt(lambda: value_at(expression, values))
    assert found is expected or same(found, expected) or expected != expected, text
