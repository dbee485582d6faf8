"""Expressions as Python: an `ast` that computes the same number, bit for bit."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from framelift_symbolic_shapes.deferred import exchange
from framelift_symbolic_shapes.expression import (
    Call,
    Choice,
    Constant,
    Expression,
    Junction,
    Monomial,
    Not,
    Opaque,
    Relation,
    Sum,
    Symbol,
)
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS

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
        expression: an expression of this package, or sympy's form of one.
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
    own = {exchange.own(symbol): name for symbol, name in names.items()}
    return _Writer(own, reference).write(exchange.own(expression))


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
    "Product": ast.Mult,
}  # fmt: skip
_RELATIONS: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq, "!=": ast.NotEq, "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE,
}  # fmt: skip


def _constant(value: bool | float, reference: Reference) -> ast.expr:
    if isinstance(value, int):
        negative = value < 0
    elif math.isfinite(value):
        negative = math.copysign(1.0, value) < 0
    else:
        # repr() of these is no Python literal; this is the shortest call that gives them.
        return ast.Call(reference(float), [ast.Constant(repr(value))], [])
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if negative else ast.Constant(value)


class _Writer:
    def __init__(self, names: Mapping[Expression, ast.expr], reference: Reference) -> None:
        self._names = names
        self._reference = reference

    def write(self, expression: Expression) -> ast.expr:
        if isinstance(expression, Constant):
            return _constant(expression.value, self._reference)
        if isinstance(expression, Symbol):
            return self._names[expression]
        if isinstance(expression, Sum):
            return self._sum(expression)
        if isinstance(expression, Call):
            return self._call(expression)
        if isinstance(expression, Relation):
            comparison = _RELATIONS[expression.sign]()
            return ast.Compare(self.write(expression.left), [comparison], [self.write(expression.right)])
        if isinstance(expression, Opaque):
            name = type(expression.foreign).__name__
            raise TypeError(f"{expression} holds {name}, which has no Python form; it did not come from a SymNode")
        return self._condition(expression)

    def _condition(self, expression: Expression) -> ast.expr:
        parts = [self.write(operand) for operand in expression.operands]
        if isinstance(expression, Junction):
            return ast.BoolOp(ast.Or() if expression.any_of else ast.And(), parts)
        if isinstance(expression, Choice):
            return ast.IfExp(*parts)
        assert isinstance(expression, Not)
        return ast.UnaryOp(ast.Not(), *parts)

    def _call(self, expression: Call) -> ast.expr:
        parts = [self.write(operand) for operand in expression.operands]
        if expression.name in _BINARY:
            left, right = parts
            return ast.BinOp(left, _BINARY[expression.name](), right)
        if expression.name == "FloatNeg":
            return ast.UnaryOp(ast.USub(), *parts)
        return ast.Call(self._reference(PYTHON_FUNCTIONS[expression.name].python), parts, [])

    def _sum(self, expression: Sum) -> ast.expr:
        # The order of a set is none: terms are sorted by their text, so that they are the same in every process.
        products = [(self._factors(monomial), known) for monomial, known in expression.terms.items()]
        if len(products) > 1:
            products.sort(key=lambda product: (product[1] < 0, *map(ast.unparse, product[0])))
        terms = [(_chain(factors, abs(known)), known < 0) for factors, known in products]
        if expression.constant:
            constant = (ast.Constant(abs(expression.constant)), expression.constant < 0)
            # 1 - s, and not -s + 1.
            terms.insert(0 if terms[0][1] and not constant[1] else len(terms), constant)
        (result, negative), *rest = terms
        if negative:
            result = _minus(result)
        for term, negative in rest:
            result = ast.BinOp(result, ast.Sub() if negative else ast.Add(), term)
        return result

    def _factors(self, monomial: Monomial) -> list[ast.expr]:
        factors = [
            self.write(atom) if exponent == 1 else ast.BinOp(self.write(atom), ast.Pow(), ast.Constant(exponent))
            for atom, exponent in monomial
        ]
        return sorted(factors, key=ast.unparse) if len(factors) > 1 else factors


def _chain(factors: list[ast.expr], coefficient: int) -> ast.expr:
    first, *rest = factors if coefficient == 1 else [ast.Constant(coefficient), *factors]
    for factor in rest:
        first = ast.BinOp(first, ast.Mult(), factor)
    return first


def _minus(term: ast.expr) -> ast.expr:
    if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult):
        return ast.BinOp(_minus(term.left), ast.Mult(), term.right)
    return ast.UnaryOp(ast.USub(), term)
