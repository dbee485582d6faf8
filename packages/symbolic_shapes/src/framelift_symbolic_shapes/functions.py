"""Python's arithmetic as sympy functions, one class an operation of `python_function`.

sympy's own `floor`, `Mod` and `Float` follow mathematics; these follow Python: `//` and `%` round down, `/` is rounded
once, floats never associate. Importing this module imports sympy, so others reach it through `deferred.functions`.
"""

from __future__ import annotations

import math
import struct
from typing import Any, ClassVar

import sympy

from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS, PythonOperation

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

    operation: ClassVar[PythonOperation]

    @classmethod
    def eval(cls, *operands: Any) -> Any:
        values = [number(operand) for operand in operands]
        if any(value is None for value in values):
            return None
        try:
            value = cls.operation.python(*values)
            return literal(int(value) if cls.operation.result is int else value)
        except (ArithmeticError, ValueError):
            return None  # the error belongs to the run that reaches it, not to the capture

    def _eval_is_integer(self) -> bool | None:
        return True if self.operation.result is int else None

    def _eval_is_real(self) -> bool | None:
        return True if self.operation.result is int else None

    def _sympystr(self, printer: Any) -> str:
        infix = self.operation.infix
        if infix is None:
            return f"{type(self).__name__}({', '.join(map(printer._print, self.args))})"
        tighter = sympy.printing.precedence.PRECEDENCE["Mul"] + 1
        return f"({infix.join(printer.parenthesize(operand, tighter) for operand in self.args)})"


class SpecialFloat(sympy.Function):  # type: ignore[misc]
    """A float that sympy has no faithful number for: `-0.0`, `nan`, an infinity. Its argument is its bits."""

    nargs = 1

    @property
    def value(self) -> float:
        return float(struct.unpack("<d", struct.pack("<q", int(self.args[0])))[0])

    def _sympystr(self, _printer: Any) -> str:
        return repr(self.value)


def _function(operation: PythonOperation) -> type[PythonFunction]:
    members = {
        "nargs": operation.arity, "operation": operation, "__doc__": operation.meaning, "__module__": __name__,
    }  # fmt: skip
    return type(operation.name, (PythonFunction,), members)


FUNCTIONS: dict[str, type[PythonFunction]] = {
    name: _function(operation) for name, operation in PYTHON_FUNCTIONS.items()
}
"""Every operation, by name."""
