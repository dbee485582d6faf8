"""The operations of a `SymNode` as a table: what each builds, what Python computes for its hint, the result's type."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable
from typing import Any

from framelift_symbolic_shapes.definedness import (
    Defined,
    divisible,
    finite_operand,
    finite_result,
    natural,
    of_function,
)
from framelift_symbolic_shapes.expression import (
    Constant,
    Expression,
    choose,
    compare,
    junction,
    multiply,
    negate,
    total,
)
from framelift_symbolic_shapes.range import Bounds
from framelift_symbolic_shapes.simplification import simplify

__all__ = ["FLOAT_OPERATIONS", "OPERATIONS", "Operation"]

Build = Callable[..., Expression]


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Args:
        build: called with ranges and the operands' expressions, returns the result's expression.
        python: called with the operands' hints, returns the result's hint.
        result: the Python type of the result.
        defined: gives the condition under which Python raises nothing; `None` where it never does.
    """

    build: Build
    python: Callable[..., Any]
    result: type
    defined: Defined | None = None


def _function(name: str) -> Build:
    def build(bounds: Bounds, *operands: Expression) -> Expression:
        return simplify(name, operands, bounds)

    return build


def _plain(function: Callable[..., Expression]) -> Build:
    def build(_bounds: Bounds, *operands: Expression) -> Expression:
        return function(*operands)

    return build


def _is_integer_build(bounds: Bounds, a: Expression) -> Expression:
    # The remainder of an infinity is a nan, and an infinity is no integer.
    return compare("==", simplify("FloatMod", (a, Constant(1.0)), bounds), Constant(0.0))


def _is_finite(bounds: Bounds, a: Expression) -> Expression:
    return compare("==", simplify("IsFinite", (a,), bounds), Constant(1))


def _true_divide(bounds: Bounds, a: Expression, b: Expression) -> Expression:
    return simplify("TrueDiv", (a, b), bounds)


def _compared(sign: str) -> Build:
    return _plain(lambda a, b: compare(sign, a, b))


_COMPARISONS: dict[str, Operation] = {
    "eq": Operation(_compared("=="), operator.eq, bool),
    "ne": Operation(_compared("!="), operator.ne, bool),
    "lt": Operation(_compared("<"), operator.lt, bool),
    "le": Operation(_compared("<="), operator.le, bool),
    "gt": Operation(_compared(">"), operator.gt, bool),
    "ge": Operation(_compared(">="), operator.ge, bool),
}

OPERATIONS: dict[str, Operation] = {
    "add": Operation(_plain(total), operator.add, int),
    "sub": Operation(_plain(lambda a, b: a - b), operator.sub, int),
    "mul": Operation(_plain(multiply), operator.mul, int),
    "neg": Operation(_plain(operator.neg), operator.neg, int),
    "pos": Operation(_plain(lambda a: a), operator.pos, int),
    "abs": Operation(_function("IntAbs"), abs, int),
    "mod": Operation(_function("Mod"), operator.mod, int, divisible),
    "int_floordiv": Operation(_function("FloorDiv"), operator.floordiv, int, divisible),
    "pow_by_natural": Operation(_function("PowByNatural"), operator.pow, int, natural),
    "lshift": Operation(_function("LShift"), operator.lshift, int, natural),
    "rshift": Operation(_function("RShift"), operator.rshift, int, natural),
    "bitwise_and": Operation(_function("BitAnd"), operator.and_, int),
    "bitwise_or": Operation(_function("BitOr"), operator.or_, int),
    "bitwise_xor": Operation(_function("BitXor"), operator.xor, int),
    "sym_min": Operation(_function("Minimum"), min, int),
    "sym_max": Operation(_function("Maximum"), max, int),
    "floor": Operation(_plain(lambda a: a), math.floor, int),
    "ceil": Operation(_plain(lambda a: a), math.ceil, int),
    "trunc": Operation(_plain(lambda a: a), math.trunc, int),
    "round": Operation(_plain(lambda a: a), round, int),
    "sym_int": Operation(_plain(lambda a: a), int, int),
    "sym_float": Operation(_function("ToFloat"), float, float),
    "int_truediv": Operation(_true_divide, operator.truediv, float, divisible),
    "is_finite": Operation(_is_finite, math.isfinite, bool),
    **_COMPARISONS,
    "and_": Operation(_plain(lambda a, b: junction(False, (a, b))), lambda a, b: a and b, bool),
    "or_": Operation(_plain(lambda a, b: junction(True, (a, b))), lambda a, b: a or b, bool),
    "sym_not": Operation(_plain(negate), operator.not_, bool),
    "sym_ite": Operation(_plain(choose), lambda c, t, f: t if c else f, int),
}
"""The operations on integers, and on truth values."""

FLOAT_OPERATIONS: dict[str, Operation] = {
    "add": Operation(_function("FloatAdd"), operator.add, float),
    "sub": Operation(_function("FloatSub"), operator.sub, float),
    "mul": Operation(_function("FloatMul"), operator.mul, float),
    "neg": Operation(_function("FloatNeg"), operator.neg, float),
    "abs": Operation(_function("FloatAbs"), abs, float),
    "mod": Operation(_function("FloatMod"), operator.mod, float, divisible),
    "float_pow": Operation(_function("FloatPow"), operator.pow, float, finite_result),
    "float_truediv": Operation(_true_divide, operator.truediv, float, divisible),
    "sym_min": Operation(_function("FloatMinimum"), min, float),
    "sym_max": Operation(_function("FloatMaximum"), max, float),
    "pos": Operation(_plain(lambda a: a), operator.pos, float),
    "sym_float": Operation(_plain(lambda a: a), float, float),
    "sym_ite": Operation(_plain(choose), lambda c, t, f: t if c else f, float),
    "floor": Operation(_function("Floor"), math.floor, int, finite_operand),
    "ceil": Operation(_function("Ceil"), math.ceil, int, finite_operand),
    "trunc": Operation(_function("Trunc"), math.trunc, int, finite_operand),
    "sym_int": Operation(_function("Trunc"), int, int, finite_operand),
    "round": Operation(_function("Round"), round, int, finite_operand),
    "round_digits": Operation(_function("RoundDigits"), round, float, finite_result),
    "float_floordiv": Operation(_function("FloatFloorDiv"), operator.floordiv, float, divisible),
    "copysign": Operation(_function("CopySign"), math.copysign, float),
    "is_finite": Operation(_is_finite, math.isfinite, bool),
    "is_integer": Operation(_is_integer_build, float.is_integer, bool),
    **{
        f"sym_{name}": Operation(_function(name), getattr(math, name), float, of_function(name))
        for name in ("sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2", "exp", "log")
    },
    **_COMPARISONS,
}
"""The operations on floats."""
