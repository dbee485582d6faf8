"""Python's operations on numbers as a table: what each computes, and of which type the result is."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable
from typing import Any

__all__ = ["MATH_NAMES", "PYTHON_FUNCTIONS", "PythonOperation"]


@dataclasses.dataclass(frozen=True, slots=True)
class PythonOperation:
    """One of Python's operations, as a function of numbers.

    Args:
        name: its name in expressions.
        python: computes it.
        arity: the number of operands.
        result: the type of the result.
        infix: the operator that it is written with, if any.
        meaning: what it is, as a line of documentation.

    >>> PYTHON_FUNCTIONS["FloorDiv"].python(-7, 2), PYTHON_FUNCTIONS["FloorDiv"].infix
    (-4, '//')
    """

    name: str
    python: Callable[..., Any]
    arity: int
    result: type
    infix: str | None
    meaning: str


MATH_NAMES = ("sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2", "exp", "log")

_TABLE: list[PythonOperation] = [
    PythonOperation("FloorDiv", operator.floordiv, 2, int, "//", "`a // b` of integers."),
    PythonOperation("Mod", operator.mod, 2, int, "%", "`a % b` of integers; the sign is the divisor's."),
    PythonOperation("PowByNatural", operator.pow, 2, int, None, "`a ** b` of integers, b not negative."),
    PythonOperation("LShift", operator.lshift, 2, int, None, "`a << b`."),
    PythonOperation("RShift", operator.rshift, 2, int, None, "`a >> b`."),
    PythonOperation("BitAnd", operator.and_, 2, int, None, "`a & b` of integers."),
    PythonOperation("BitOr", operator.or_, 2, int, None, "`a | b` of integers."),
    PythonOperation("BitXor", operator.xor, 2, int, None, "`a ^ b` of integers."),
    PythonOperation("Minimum", min, 2, int, None, "`min(a, b)` of integers."),
    PythonOperation("Maximum", max, 2, int, None, "`max(a, b)` of integers."),
    PythonOperation("IntAbs", abs, 1, int, None, "`abs(a)` of an integer."),
    PythonOperation("Product", operator.mul, 2, int, "*", "`a * b` of integers whose polynomial would be too long."),
    PythonOperation("FloatMinimum", min, 2, float, None, "`min(a, b)` of floats."),
    PythonOperation("FloatMaximum", max, 2, float, None, "`max(a, b)` of floats."),
    PythonOperation("TrueDiv", operator.truediv, 2, float, "/", "`a / b`, of integers (rounded once) or floats."),
    PythonOperation("ToFloat", float, 1, float, None, "`float(a)` of an integer."),
    PythonOperation("FloatAdd", operator.add, 2, float, " + ", "`a + b` of floats; they do not associate."),
    PythonOperation("FloatSub", operator.sub, 2, float, " - ", "`a - b` of floats."),
    PythonOperation("FloatMul", operator.mul, 2, float, "*", "`a * b` of floats."),
    PythonOperation("FloatMod", operator.mod, 2, float, "%", "`a % b` of floats."),
    PythonOperation(
        "FloatFloorDiv", operator.floordiv, 2, float, "//",
        "`a // b` of floats, which is not the floor of `a / b`: that has been rounded.",
    ),
    PythonOperation(
        "CopySign", math.copysign, 2, float, None, "`math.copysign(a, b)`: with a = 1, what tells `0.0` from `-0.0`."
    ),
    PythonOperation(
        "IsFinite", math.isfinite, 1, int, None,
        "`math.isfinite(a)`, as the number that it is: computing `a` raises nothing, and gives a real number.",
    ),
    PythonOperation("FloatPow", operator.pow, 2, float, "**", "`a ** b` of floats, for a not negative."),
    PythonOperation("FloatNeg", operator.neg, 1, float, None, "`-a` of a float."),
    PythonOperation("FloatAbs", abs, 1, float, None, "`abs(a)` of a float."),
    PythonOperation("Floor", math.floor, 1, int, None, "`math.floor(a)` of a float, an integer."),
    PythonOperation("Ceil", math.ceil, 1, int, None, "`math.ceil(a)` of a float, an integer."),
    PythonOperation("Trunc", math.trunc, 1, int, None, "`math.trunc(a)` of a float, an integer."),
    PythonOperation("Round", round, 1, int, None, "`round(a)` of a float, an integer; halves go to the even one."),
    PythonOperation("RoundDigits", round, 2, float, None, "`round(a, digits)` of a float, a float."),
    *[PythonOperation(name, getattr(math, name), 1, float, None, f"`math.{name}(a)`.") for name in MATH_NAMES],
]  # fmt: skip

PYTHON_FUNCTIONS: dict[str, PythonOperation] = {operation.name: operation for operation in _TABLE}
"""Every operation, by name."""
