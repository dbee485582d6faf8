"""Expressions as sympy's, and back: torch, printing and whoever wants sympy's algebra get them in this form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framelift_symbolic_shapes.deferred import functions, sympy
from framelift_symbolic_shapes.expression import (
    FALSE,
    TRUE,
    Call,
    Choice,
    Constant,
    Expression,
    Junction,
    Not,
    Opaque,
    Relation,
    Sum,
    Symbol,
    call,
    choose,
    compare,
    junction,
    multiply,
    negate,
    power,
    total,
)

__all__ = ["from_sympy", "own", "to_sympy"]


def to_sympy(expression: Expression) -> Any:
    """Return an expression in sympy's form; it is made once.

    >>> to_sympy(Symbol("s", int) * 2 + 1)
    2*s + 1
    """
    if expression.exchanged is None:
        expression.exchanged = _OUT[type(expression)](expression)
    return expression.exchanged


def _symbol(symbol: Symbol) -> Any:
    positive = True if symbol.positive else None
    return sympy.Symbol(symbol.name, integer=symbol.kind is int or None, real=True, positive=positive)


def _sum(expression: Sum) -> Any:
    terms = [
        sympy.Mul(coefficient, *[to_sympy(atom) ** exponent for atom, exponent in monomial])
        for monomial, coefficient in expression.terms.items()
    ]
    return sympy.Add(expression.constant, *terms)


_RELATIONS = {"==": "Eq", "!=": "Ne", "<": "Lt", "<=": "Le", ">": "Gt", ">=": "Ge"}


def _relation(expression: Relation) -> Any:
    # Unevaluated: what sympy's assumptions say of a symbol (positive) is what the run has yet to show.
    relation = getattr(sympy, _RELATIONS[expression.sign])
    return relation(to_sympy(expression.left), to_sympy(expression.right), evaluate=False)


_OUT: dict[type, Callable[[Any], Any]] = {
    Constant: lambda e: functions.literal(e.value),
    Symbol: _symbol,
    Sum: _sum,
    Call: lambda e: functions.FUNCTIONS[e.name](*map(to_sympy, e.operands)),
    Relation: _relation,
    Not: lambda e: sympy.Not(to_sympy(e.operand), evaluate=False),
    Junction: lambda e: (sympy.Or if e.any_of else sympy.And)(*map(to_sympy, e.operands), evaluate=False),
    Choice: lambda e: sympy.Piecewise(
        (to_sympy(e.then), to_sympy(e.condition)), (to_sympy(e.otherwise), True), evaluate=False
    ),
    Opaque: lambda e: e.foreign,
}


def own(expression: Any) -> Expression:
    """Return an expression of either kind, or a number, in the form of this package.

    >>> own(3), own(Symbol("s", int)), own(to_sympy(Symbol("s", int) + 1))
    (3, s, s + 1)
    """
    return expression if isinstance(expression, Expression) else from_sympy(expression)


_SIGNS = {
    "Equality": "==", "Unequality": "!=", "StrictLessThan": "<", "LessThan": "<=", "StrictGreaterThan": ">",
    "GreaterThan": ">=",
}  # fmt: skip


def from_sympy(expression: Any) -> Expression:
    """Return sympy's expression in the form of this package; what it has no counterpart of becomes opaque.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> from_sympy(sympy.Symbol("s", integer=True) ** 2 + 1)
    s**2 + 1
    """
    if isinstance(expression, (bool, int, float)):
        return Constant(expression)
    value = functions.number(expression)
    if value is not None:
        return TRUE if value is True else FALSE if value is False else Constant(value)
    if expression.is_Symbol:
        symbol = Symbol(expression.name, int if expression.is_integer else float, bool(expression.is_positive))
        symbol.exchanged = expression
        return symbol
    return _compound(expression)


def _compound(expression: Any) -> Expression:
    name = type(expression).__name__
    if name in _SIGNS and expression.is_Relational:
        return compare(_SIGNS[name], *map(from_sympy, expression.args))
    if isinstance(expression, functions.PythonFunction):
        return call(name, tuple(map(from_sympy, expression.args)))
    if isinstance(expression, (sympy.And, sympy.Or)):
        return junction(isinstance(expression, sympy.Or), map(from_sympy, sorted(expression.args, key=str)))
    if isinstance(expression, sympy.Not):
        return negate(from_sympy(expression.args[0]))
    if isinstance(expression, sympy.Piecewise) and expression.args[-1][1] == True:  # noqa: E712 (sympy's own truth)
        *branches, (last, _) = expression.args
        result = from_sympy(last)
        for then, condition in reversed(branches):
            result = choose(from_sympy(condition), from_sympy(then), result)
        return result
    if expression.is_integer:
        polynomial = _polynomial(expression)
        if polynomial is not None:
            return polynomial
    kind = bool if expression.is_Boolean or expression.is_Relational else int if expression.is_integer else float
    inside = [symbol for symbol in map(from_sympy, expression.free_symbols) if isinstance(symbol, Symbol)]
    return Opaque(expression, kind, inside)


def _polynomial(expression: Any) -> Expression | None:
    if expression.is_Pow:
        base, exponent = expression.args
        return power(from_sympy(base), int(exponent)) if exponent.is_Integer and exponent >= 0 else None
    if not (expression.is_Add or expression.is_Mul):
        return None
    operands = [from_sympy(operand) for operand in expression.args]
    if any(operand.kind is not int for operand in operands):
        return None
    combine, result = (total, Constant(0)) if expression.is_Add else (multiply, Constant(1))
    for operand in operands:
        result = combine(result, operand)  # type: ignore[assignment]
    return result
