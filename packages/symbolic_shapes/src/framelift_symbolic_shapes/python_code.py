"""Expressions as Python: an `ast` that computes the same number, bit for bit."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from framelift_symbolic_shapes.deferred import functions, sympy

__all__ = ["evaluate", "to_python"]

Reference = Callable[[Callable[..., Any]], ast.expr]


def _by_name(function: Callable[..., Any]) -> ast.expr:
    name = function.__name__
    if getattr(math, name, None) is function:
        return ast.Attribute(ast.Name("math", ast.Load()), name, ast.Load())
    return ast.Name(name, ast.Load())


def to_python(expression: Any, names: Mapping[Any, ast.expr], reference: Reference = _by_name) -> ast.expr:
    """Return Python that computes `expression`.

    Args:
        expression: a sympy expression of this package.
        names: for each symbol, the Python that gives its value.
        reference: gives the Python for a function such as `max` or `math.floor`; by default its name.

    Raises:
        KeyError: a symbol is not in `names`.
        TypeError: the expression holds a function that this package does not know.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True)
    >>> ast.unparse(to_python(2 * s + 1, {s: ast.parse("x.size(0)", mode="eval").body}))
    '2 * x.size(0) + 1'
    """
    return _Writer(names, reference).write(expression)


def evaluate(expression: Any, values: Mapping[Any, bool | int | float]) -> bool | int | float:
    """Return the value of an expression for given values of its symbols, as Python computes it.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True)
    >>> evaluate(s**2 - 1, {s: 5})
    24
    """
    names = {symbol: ast.Constant(value) for symbol, value in values.items()}
    tree = ast.Expression(to_python(expression, names))
    code = compile(ast.fix_missing_locations(tree), "<expression>", "eval")
    result: bool | int | float = eval(code, {"math": math})  # noqa: S307 - built from ast nodes, of numbers only
    return result


_BINARY: dict[str, type[ast.operator]] = {
    "FloorDiv": ast.FloorDiv, "Mod": ast.Mod, "PowByNatural": ast.Pow, "LShift": ast.LShift, "RShift": ast.RShift,
    "BitAnd": ast.BitAnd, "BitOr": ast.BitOr, "BitXor": ast.BitXor, "TrueDiv": ast.Div, "FloatAdd": ast.Add,
    "FloatSub": ast.Sub, "FloatMul": ast.Mult, "FloatMod": ast.Mod, "FloatPow": ast.Pow, "FloatFloorDiv": ast.FloorDiv,
}  # fmt: skip
_RELATIONS: dict[str, type[ast.cmpop]] = {
    "Equality": ast.Eq, "Unequality": ast.NotEq, "StrictLessThan": ast.Lt, "LessThan": ast.LtE,
    "StrictGreaterThan": ast.Gt, "GreaterThan": ast.GtE,
}  # fmt: skip


def _constant(value: bool | float, reference: Reference) -> ast.expr:
    if isinstance(value, bool) or (value >= 0 and math.copysign(1.0, value) > 0 and math.isfinite(value)):
        return ast.Constant(value)
    if not math.isfinite(value):
        # repr() of these is no Python literal; this is the shortest call that gives them.
        return ast.Call(reference(float), [ast.Constant(repr(value))], [])
    return ast.UnaryOp(ast.USub(), ast.Constant(-value))


class _Writer:
    def __init__(self, names: Mapping[Any, ast.expr], reference: Reference) -> None:
        self._names = names
        self._reference = reference

    def write(self, expression: Any) -> ast.expr:
        value = functions.number(expression)
        if value is not None:
            return _constant(value, self._reference)
        if expression.is_Symbol:
            return self._names[expression]
        if expression.is_Add:
            return self._sum(expression)
        if expression.is_Mul:
            return self._chain(ast.Mult, expression.args)
        if expression.is_Pow and expression.exp.is_Integer and int(expression.exp) > 0:
            return ast.BinOp(self.write(expression.base), ast.Pow(), ast.Constant(int(expression.exp)))
        return self._other(expression)

    def _other(self, expression: Any) -> ast.expr:
        name = type(expression).__name__
        if expression.is_Relational:
            return ast.Compare(self.write(expression.lhs), [_RELATIONS[name]()], [self.write(expression.rhs)])
        if isinstance(expression, sympy.Not):
            return ast.UnaryOp(ast.Not(), self.write(expression.args[0]))
        if isinstance(expression, (sympy.And, sympy.Or)):
            operation: ast.boolop = ast.And() if isinstance(expression, sympy.And) else ast.Or()
            return ast.BoolOp(operation, [self.write(operand) for operand in _ordered(expression.args)])
        if isinstance(expression, sympy.Piecewise):
            return self._piecewise(expression)
        if name in _BINARY:
            left, right = expression.args
            return ast.BinOp(self.write(left), _BINARY[name](), self.write(right))
        if name == "FloatNeg":
            return ast.UnaryOp(ast.USub(), self.write(expression.args[0]))
        if name in functions.FUNCTIONS:
            operands = [self.write(operand) for operand in expression.args]
            return ast.Call(self._reference(type(expression).python), operands, [])
        raise TypeError(f"{expression} holds {name}, which has no Python form; it did not come from a SymNode")

    def _sum(self, expression: Any) -> ast.expr:
        terms = sorted(expression.args, key=lambda term: (term.is_Integer, term.could_extract_minus_sign(), str(term)))
        result = self.write(terms[0])
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                result = ast.BinOp(result, ast.Sub(), self.write(-term))
            else:
                result = ast.BinOp(result, ast.Add(), self.write(term))
        return result

    def _chain(self, operation: type[ast.operator], operands: tuple[Any, ...]) -> ast.expr:
        result = self.write(operands[0])
        for operand in operands[1:]:
            result = ast.BinOp(result, operation(), self.write(operand))
        return result

    def _piecewise(self, expression: Any) -> ast.expr:
        *branches, (last, _) = expression.args
        result = self.write(last)
        for value, condition in reversed(branches):
            result = ast.IfExp(self.write(condition), self.write(value), result)
        return result


def _ordered(operands: tuple[Any, ...]) -> list[Any]:
    return sorted(operands, key=str)  # sympy keeps the operands of a conjunction in a set: its order is by hash
