"""The value of an expression at a point, without compiling Python for it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from framelift_symbolic_shapes.expression import Call, Choice, Constant, Expression, Junction, Not, Relation, Sum
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS

__all__ = ["value_at"]

_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def value_at(expression: Expression, point: Mapping[Expression, bool | float]) -> Any:
    """Return the value of an expression where its symbols have these values; what Python raises there, it raises.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> s = Symbol("s", int)
    >>> value_at(s * s - s * 2 + 1, {s: 5})
    16
    """
    if isinstance(expression, Constant):
        return expression.value
    if isinstance(expression, Sum):
        result = expression.constant
        for monomial, coefficient in expression.terms.items():
            product = coefficient
            for atom, exponent in monomial:
                product *= value_at(atom, point) ** exponent
            result += product
        return result
    if isinstance(expression, Call):
        operands = [value_at(operand, point) for operand in expression.operands]
        return PYTHON_FUNCTIONS[expression.name].python(*operands)
    if isinstance(expression, Relation):
        return _SIGNS[expression.sign](value_at(expression.left, point), value_at(expression.right, point))
    if isinstance(expression, Not):
        return not value_at(expression.operand, point)
    if isinstance(expression, Junction):
        each = (bool(value_at(operand, point)) for operand in expression.operands)
        return any(each) if expression.any_of else all(each)
    if isinstance(expression, Choice):
        return value_at(expression.then if value_at(expression.condition, point) else expression.otherwise, point)
    return point[expression]
