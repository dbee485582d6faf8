"""Expressions as text, the same as sympy and torch print them: `-s27 + 2*s77`, `(s77//2) + 1`, `Eq(s77, 4)`."""

from __future__ import annotations

from framelift_symbolic_shapes.expression import (
    Call,
    Choice,
    Constant,
    Expression,
    Junction,
    Monomial,
    Not,
    Relation,
    Sum,
    Symbol,
)
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS

__all__ = ["text"]


def text(expression: Expression) -> str:
    """Return an expression as text.

    >>> s, t = Symbol("s", int), Symbol("t", int)
    >>> text(s * 2 - t + 1), text(Relation("==", s, Constant(4)))
    ('2*s - t + 1', 'Eq(s, 4)')
    """
    if isinstance(expression, Symbol):
        return expression.name
    if isinstance(expression, Constant):
        return repr(expression.value)
    if isinstance(expression, Sum):
        return _sum(expression)
    if isinstance(expression, Call):
        return _call(expression)
    if isinstance(expression, Relation):
        left, right = text(expression.left), text(expression.right)
        if expression.sign in ("==", "!="):
            return f"{'Eq' if expression.sign == '==' else 'Ne'}({left}, {right})"
        return f"{left} {expression.sign} {right}"
    return _condition(expression)


def _condition(expression: Expression) -> str:
    parts = [text(operand) for operand in expression.operands]
    if isinstance(expression, Not):
        return f"~({parts[0]})"
    if isinstance(expression, Junction):
        return (" | " if expression.any_of else " & ").join(f"({part})" for part in parts)
    if isinstance(expression, Choice):
        condition, then, otherwise = parts
        return f"Piecewise(({then}, {condition}), ({otherwise}, True))"
    return str(expression.exchanged)  # carried for someone else


def _call(expression: Call) -> str:
    infix = PYTHON_FUNCTIONS[expression.name].infix
    if infix is None:
        return f"{expression.name}({', '.join(map(text, expression.operands))})"
    return f"({infix.join(map(_operand, expression.operands))})"


def _operand(expression: Expression) -> str:
    whole = text(expression)
    if isinstance(expression, Sum) or (isinstance(expression, Constant) and whole.startswith("-")):
        return f"({whole})"
    return whole


def _sum(expression: Sum) -> str:
    products = [(_factors(monomial), known) for monomial, known in expression.terms.items()]
    names = sorted({name for factors, _ in products for name in factors}, key=_place)
    # Lexicographic order, as sympy's: what has the most of the first symbol comes first.
    products.sort(key=lambda product: [-product[0].get(name, 0) for name in names])
    result = "".join(_signed("*".join(map(_power, factors.items())), known) for factors, known in products)
    if expression.constant:
        result += f" {'-' if expression.constant < 0 else '+'} {abs(expression.constant)}"
    return result.removeprefix(" + ") if result.startswith(" + ") else f"-{result[3:]}"


def _place(name: str) -> tuple[bool, str]:
    return "(" in name, name  # symbols before what is computed


def _factors(monomial: Monomial) -> dict[str, int]:
    return dict(sorted(((text(atom), power) for atom, power in monomial), key=lambda factor: _place(factor[0])))


def _power(factor: tuple[str, int]) -> str:
    name, exponent = factor
    return name if exponent == 1 else f"{name}**{exponent}"


def _signed(product: str, coefficient: int) -> str:
    size = abs(coefficient)
    return f" {'-' if coefficient < 0 else '+'} {product if size == 1 else f'{size}*{product}'}"
