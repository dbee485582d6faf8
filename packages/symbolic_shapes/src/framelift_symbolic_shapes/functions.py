"""Python's arithmetic as sympy functions, one class an operation.

sympy's own `floor`, `Mod` and `Float` follow mathematics; these follow Python: `//` and `%` round down, `/` is rounded
once, floats never associate. Importing this module imports sympy, so others reach it through `deferred.functions`.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable
from typing import Any, ClassVar

import sympy

__all__ = ["FUNCTIONS", "PythonFunction", "literal", "number"]


def literal(value: bool | float) -> Any:
    """Return the expression of a Python number; every float comes back bit for bit.

    >>> literal(3), literal(True), number(literal(-0.0))
    (3, True, -0.0)
    """
    if isinstance(value, bool):
        return sympy.true if value else sympy.false
    if isinstance(value, int):
        return sympy.Integer(value)
    if math.isfinite(value) and (value != 0 or math.copysign(1.0, value) > 0):
        return sympy.Float(value)
    # sympy has one zero and one nan, and its infinity is exact; Python's are kept as their bits.
    return SpecialFloat(sympy.Integer(struct.unpack("<q", struct.pack("<d", value))[0]))


def number(expression: Any) -> bool | int | float | None:
    """Return the Python number that a constant expression is, else `None`."""
    if expression.is_Integer:
        return int(expression)
    if expression.is_Float:
        return float(expression)
    if expression is sympy.true:
        return True
    if expression is sympy.false:
        return False
    return expression.value if type(expression) is SpecialFloat else None


class PythonFunction(sympy.Function):  # type: ignore[misc]
    """An operation of Python on numbers; constant operands are computed by Python itself."""

    python: ClassVar[Callable[..., Any]]
    result: ClassVar[type] = int
    infix: ClassVar[str | None] = None

    @classmethod
    def eval(cls, *operands: Any) -> Any:
        values = [number(operand) for operand in operands]
        if any(value is None for value in values):
            return None
        try:
            return literal(cls.python(*values))
        except (ArithmeticError, ValueError):
            return None  # the error belongs to the run that reaches it, not to the capture

    def _eval_is_integer(self) -> bool | None:
        return True if self.result is int else None

    def _eval_is_real(self) -> bool | None:
        return True if self.result is int else None

    def _sympystr(self, printer: Any) -> str:
        if self.infix is None:
            return f"{type(self).__name__}({', '.join(map(printer._print, self.args))})"
        tighter = sympy.printing.precedence.PRECEDENCE["Mul"] + 1
        return f"({self.infix.join(printer.parenthesize(operand, tighter) for operand in self.args)})"


class SpecialFloat(sympy.Function):  # type: ignore[misc]
    """A float that sympy has no faithful number for: `-0.0`, `nan`, an infinity. Its argument is its bits."""

    nargs = 1

    @property
    def value(self) -> float:
        return float(struct.unpack("<d", struct.pack("<q", int(self.args[0])))[0])

    def _sympystr(self, _printer: Any) -> str:
        return repr(self.value)


class FloorDiv(PythonFunction):
    """`a // b` of integers."""

    nargs = 2
    python = operator.floordiv
    infix = "//"


class Mod(PythonFunction):
    """`a % b` of integers; the sign is the divisor's."""

    nargs = 2
    python = operator.mod
    infix = "%"


class PowByNatural(PythonFunction):
    """`a ** b` of integers, b not negative."""

    nargs = 2
    python = operator.pow


class LShift(PythonFunction):
    """`a << b`."""

    nargs = 2
    python = operator.lshift


class RShift(PythonFunction):
    """`a >> b`."""

    nargs = 2
    python = operator.rshift


class BitAnd(PythonFunction):
    """`a & b` of integers."""

    nargs = 2
    python = operator.and_


class BitOr(PythonFunction):
    """`a | b` of integers."""

    nargs = 2
    python = operator.or_


class BitXor(PythonFunction):
    """`a ^ b` of integers."""

    nargs = 2
    python = operator.xor


class Minimum(PythonFunction):
    """`min(a, b)` of integers."""

    nargs = 2
    python = min


class Maximum(PythonFunction):
    """`max(a, b)` of integers."""

    nargs = 2
    python = max


class IntAbs(PythonFunction):
    """`abs(a)` of an integer."""

    nargs = 1
    python = abs


class _FloatFunction(PythonFunction):
    result = float


class FloatMinimum(_FloatFunction):
    """`min(a, b)` of floats."""

    nargs = 2
    python = min


class FloatMaximum(_FloatFunction):
    """`max(a, b)` of floats."""

    nargs = 2
    python = max


class TrueDiv(_FloatFunction):
    """`a / b`, of integers (rounded once) or floats."""

    nargs = 2
    python = operator.truediv
    infix = "/"


class ToFloat(_FloatFunction):
    """`float(a)` of an integer."""

    nargs = 1
    python = float


class FloatAdd(_FloatFunction):
    """`a + b` of floats; they do not associate."""

    nargs = 2
    python = operator.add
    infix = " + "


class FloatSub(_FloatFunction):
    """`a - b` of floats."""

    nargs = 2
    python = operator.sub
    infix = " - "


class FloatMul(_FloatFunction):
    """`a * b` of floats."""

    nargs = 2
    python = operator.mul
    infix = "*"


class FloatMod(_FloatFunction):
    """`a % b` of floats."""

    nargs = 2
    python = operator.mod
    infix = "%"


class FloatFloorDiv(_FloatFunction):
    """`a // b` of floats, which is not the floor of `a / b`: that has been rounded."""

    nargs = 2
    python = operator.floordiv
    infix = "//"


class CopySign(_FloatFunction):
    """`math.copysign(a, b)`: with a = 1, what tells `0.0` from `-0.0`."""

    nargs = 2
    python = math.copysign


class IsFinite(PythonFunction):
    """`math.isfinite(a)`, as the number that it is: computing `a` raises nothing, and gives a real number."""

    nargs = 1
    python = math.isfinite

    @classmethod
    def eval(cls, *operands: Any) -> Any:
        value = number(operands[0])
        return None if value is None else sympy.Integer(int(math.isfinite(value)))


class FloatPow(_FloatFunction):
    """`a ** b` of floats, for a not negative."""

    nargs = 2
    python = operator.pow
    infix = "**"


class FloatNeg(_FloatFunction):
    """`-a` of a float."""

    nargs = 1
    python = operator.neg


class FloatAbs(_FloatFunction):
    """`abs(a)` of a float."""

    nargs = 1
    python = abs


class Floor(PythonFunction):
    """`math.floor(a)` of a float, an integer."""

    nargs = 1
    python = math.floor


class Ceil(PythonFunction):
    """`math.ceil(a)` of a float, an integer."""

    nargs = 1
    python = math.ceil


class Trunc(PythonFunction):
    """`math.trunc(a)` of a float, an integer."""

    nargs = 1
    python = math.trunc


class Round(PythonFunction):
    """`round(a)` of a float, an integer; halves go to the even one."""

    nargs = 1
    python = round


class RoundDigits(_FloatFunction):
    """`round(a, digits)` of a float, a float."""

    nargs = 2
    python = round


def _math_function(name: str) -> type[PythonFunction]:
    documentation = f"`math.{name}(a)`."
    members = {"nargs": 1, "python": getattr(math, name), "__doc__": documentation, "__module__": __name__}
    return type(name, (_FloatFunction,), members)


MATH_NAMES = ("sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2", "exp", "log")

_CLASSES: list[type[PythonFunction]] = [
    FloorDiv, Mod, PowByNatural, LShift, RShift, BitAnd, BitOr, BitXor, Minimum, Maximum, IntAbs, FloatMinimum,
    FloatMaximum, TrueDiv, ToFloat, FloatAdd, FloatSub, FloatMul, FloatMod, FloatPow, FloatNeg, FloatAbs, Floor,
    Ceil, Trunc, Round, RoundDigits, FloatFloorDiv, CopySign, IsFinite,
]  # fmt: skip

FUNCTIONS: dict[str, type[PythonFunction]] = {
    cls.__name__: cls for cls in [*_CLASSES, *[_math_function(name) for name in MATH_NAMES]]
}
"""Every operation, by name."""
