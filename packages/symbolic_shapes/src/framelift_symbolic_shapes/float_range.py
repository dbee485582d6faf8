"""Intervals of floats that are made of integers, as the scale of a picture is: what decides most comparisons of them.

Rounding is monotone, so that the ends of an interval, computed as the program computes, bound what it computes. Only
operations whose other operand is a number are followed: of these none gives a nan from what is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from framelift_symbolic_shapes.expression import Call, Constant, Expression, Relation
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS
from framelift_symbolic_shapes.range import Bounds, Range

__all__ = ["decide_floats", "float_interval"]


def float_interval(expression: Expression, bounds: Bounds) -> tuple[float, float] | None:
    """Return the least and the greatest value of a number that is no nan, `None` where that is not known.

    Args:
        expression: an integer or a float.
        bounds: gives a range that holds every value of an integer expression.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.range import Range
    >>> s = Symbol("s", int)
    >>> float_interval(Call("FloatMul", (Call("ToFloat", (s,)), Constant(-0.5))), lambda integer: Range(2, 9))
    (-4.5, -1.0)
    """
    if isinstance(expression, Constant):
        value = _as_float(expression.value)
        # Python compares an integer with a float exactly, so that one that has to be rounded is none of these.
        return (value, value) if math.isfinite(value) and value == expression.value else None
    if not isinstance(expression, Call):
        return None
    if expression.name == "ToFloat":
        here = bounds(expression.operands[0])
        return _as_float(here.lower), _as_float(here.upper)
    if expression.name not in _MONOTONE:
        return None
    (one, other), python = expression.operands, PYTHON_FUNCTIONS[expression.name].python
    if isinstance(other, Constant):
        return _image(one, other, bounds, expression.name, python)
    if isinstance(one, Constant) and expression.name in ("FloatAdd", "FloatMul"):
        return _image(other, one, bounds, expression.name, python)
    return None


_MONOTONE = frozenset({"FloatAdd", "FloatSub", "FloatMul", "TrueDiv"})


def _image(
    moving: Expression, fixed: Constant, bounds: Bounds, name: str, python: Callable[[float, float], float]
) -> tuple[float, float] | None:
    by = _as_float(fixed.value)
    if not math.isfinite(by) or (by == 0 and name in ("FloatMul", "TrueDiv")):
        return None
    if moving.kind is int:
        return _quotients(bounds(moving), fixed.value) if name == "TrueDiv" and fixed.kind is int else None
    inside = float_interval(moving, bounds)
    if inside is None:
        return None
    ends = [python(end, by) for end in inside]
    return min(ends), max(ends)


def _quotients(dividends: Range, divisor: float) -> tuple[float, float] | None:
    """Return the least and the greatest quotient: of integers it is rounded once, which is monotone, too."""
    try:
        ends = [dividends.lower / divisor, dividends.upper / divisor]
    except OverflowError:
        return None
    return min(ends), max(ends)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond all floats: as an end, an infinity holds the same floats
        return math.inf if value > 0 else -math.inf


def decide_floats(relation: Relation, bounds: Bounds) -> bool | None:
    """Return whether a comparison of a float with a number holds of all values, or of none.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.range import Range
    >>> half = Call("FloatMul", (Call("ToFloat", (Symbol("s", int),)), Constant(0.5)))
    >>> [decide_floats(Relation(">", half, Constant(least)), lambda integer: Range(2)) for least in (0.5, 1.0)]
    [True, None]
    """
    left, right = float_interval(relation.left, bounds), float_interval(relation.right, bounds)
    if left is None or right is None:
        return None
    (least, most), (lower, upper) = left, right
    if relation.sign in ("==", "!="):
        apart = most < lower or least > upper
        equal = least == most == lower == upper and math.isfinite(least)
        return (relation.sign == "!=") is apart if apart or equal else None
    always, never = {
        "<": (most < lower, least >= upper),
        "<=": (most <= lower, least > upper),
        ">": (least > upper, most <= lower),
        ">=": (least >= upper, most < lower),
    }[relation.sign]
    return always if always or never else None
