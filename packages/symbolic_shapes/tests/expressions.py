"""Strategies: programs over integers and floats, as what is done to nodes."""

import ast
import math

from hypothesis import strategies as st

from framelift_symbolic_shapes import ShapeEnv, to_python

INTEGER_OPERATIONS = [
    "add", "sub", "mul", "int_floordiv", "mod", "sym_min", "sym_max", "bitwise_and", "bitwise_or", "bitwise_xor",
]  # fmt: skip
FLOAT_OPERATIONS = ["add", "sub", "mul", "float_truediv", "sym_min", "sym_max"]
COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge"]

hints = st.integers(-9, 9).filter(lambda value: value not in (0, 1))
sizes = st.integers(2, 9)
floats = st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-6 and value != 1.0)


@st.composite
def integer_nodes(draw, env=None, depth=4):
    """A node made of up to three integer symbols, of either sign."""
    env = ShapeEnv() if env is None else env
    leaves = [env.create_symbol(f"n{k}", draw(hints), dynamic=True, origin=k) for k in range(3)]
    return draw(_programs(leaves, INTEGER_OPERATIONS, st.integers(-6, 6), depth))


@st.composite
def float_nodes(draw, depth=4):
    env = ShapeEnv()
    leaves = [env.create_symbol(f"f{k}", draw(floats), dynamic=True, origin=k) for k in range(3)]
    return draw(_programs(leaves, FLOAT_OPERATIONS, st.floats(-10, 10), depth))


@st.composite
def conditions(draw):
    node = draw(integer_nodes(depth=2))
    other = draw(
        _programs([node, node.wrap_int(draw(st.integers(-9, 9)))], INTEGER_OPERATIONS[:3], st.integers(-6, 6), 2)
    )
    return getattr(node, draw(st.sampled_from(COMPARISONS)))(other)


@st.composite
def _programs(draw, leaves, operations, constants, depth):
    node = draw(st.sampled_from(leaves))
    for _ in range(draw(st.integers(0, depth))):
        name = draw(st.sampled_from(operations))
        if draw(st.booleans()):
            other = draw(st.sampled_from(leaves))
        else:
            value = draw(constants)
            other = node.wrap_float(value) if isinstance(value, float) else node.wrap_int(value)
        left, right = (node, other) if draw(st.booleans()) else (other, node)
        if name in ("int_floordiv", "mod", "float_truediv") and right.hint == 0:
            continue
        if name == "mul" and abs(left.hint * right.hint) > 1e12:
            continue
        node = getattr(left, name)(right)
    return node


def compiled(expression, symbols):
    """A Python function of the symbols' values; compiling once makes brute force cheap."""
    names = {symbol: ast.Name(str(symbol), ast.Load()) for symbol in symbols}
    arguments = ast.arguments([], [ast.arg(str(symbol)) for symbol in symbols], None, [], [], None, [])
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, to_python(expression, names))))
    return eval(compile(tree, "<compiled>", "eval"))


def same(left, right):
    """Equal bit for bit: nan is nan, and zeros have signs."""
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and left == right
