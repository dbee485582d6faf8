"""Law: the Python of an expression computes what the program computed that the expression was made by."""

import ast

from expressions import conditions, float_nodes, integer_nodes, same
from hypothesis import given, settings

from framelift_symbolic_shapes import evaluate


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
