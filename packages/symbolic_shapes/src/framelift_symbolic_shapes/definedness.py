"""Where Python's operations raise: for each, the condition under which it raises nothing.

A node whose value in this run is known records that condition when it is built. A capture then raises where the program
would, although simplification drops what is not needed: `(a // b) * 0` is 0 only where b is not.

Each function gets the node of the result, then those of the operands, and returns the node of the condition, or `None`
where it holds of all numbers. Floats that are made from integers by arithmetic are taken to be finite: the only
integers that are too large for a float have more than 300 digits, and converting one raises when it runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from framelift_symbolic_shapes.expression import Call, Constant, Expression

__all__ = ["Defined", "divisible", "finite_operand", "finite_result", "natural", "of_function"]

Defined = Callable[..., Any]
_KEEP_FINITE = frozenset({
    "ToFloat", "TrueDiv", "FloatAdd", "FloatSub", "FloatMul", "FloatNeg", "FloatAbs", "FloatMinimum", "FloatMaximum",
    "sqrt", "sin", "cos", "tanh", "atan",
})  # fmt: skip


def divisible(_result: Any, _a: Any, b: Any) -> Any:
    """Division and modulo raise `ZeroDivisionError` where the divisor is 0."""
    return None if isinstance(b.expression, Constant) else b.ne(b.wrap_int(0))


def natural(_result: Any, _a: Any, b: Any) -> Any:
    """Shifts raise `ValueError` where the count is negative; a power of integers then is a float."""
    return None if isinstance(b.expression, Constant) else b.ge(b.wrap_int(0))


def finite_operand(_result: Any, a: Any, *_digits: Any) -> Any:
    """`math.floor` and its like raise `ValueError` for a nan, and `OverflowError` for an infinity."""
    return None if _is_finite(a.expression) else a.is_finite()


def finite_result(result: Any, *_operands: Any) -> Any:
    """Computing the condition raises where the operation does, and a condition that raises does not hold."""
    return None if _is_finite(result.expression) else result.is_finite()


def of_function(name: str) -> Defined:
    """Return the condition of a function of `math`; of integers it is one on integers, which ranges decide."""
    least = {"sqrt": 0, "log": 1, "log2": 1}.get(name)

    def defined(result: Any, a: Any) -> Any:
        operand = a.expression
        if least is not None and isinstance(operand, Call) and operand.name == "ToFloat":
            (inside,) = operand.operands
            whole = a.with_expression(inside, int, None if a.hint is None else int(a.hint))
            return whole.ge(whole.wrap_int(least))
        return finite_result(result)

    return defined


def _is_finite(expression: Expression) -> bool:
    if isinstance(expression, Constant):
        return math.isfinite(expression.value)
    if expression.kind is not float:
        return True
    if not isinstance(expression, Call) or expression.name not in _KEEP_FINITE:
        return False
    return all(map(_is_finite, expression.operands))
