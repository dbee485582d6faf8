"""The table between our functions and torch's (`torch.utils._sympy.functions`), in both directions.

torch's environment and Inductor know their own sympy functions only, and we know ours only; an expression is translated
where it crosses. Functions that are not in the table do not cross. Importing this module imports sympy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import sympy
import torch.utils._sympy.functions as torch_functions
from torch.utils._sympy.numbers import int_oo
from torch.utils._sympy.value_ranges import ValueRanges

from framelift_symbolic_shapes import functions
from framelift_symbolic_shapes.range import Range, is_infinite

__all__ = ["TORCH_NAMES", "from_torch", "range_to_torch", "to_torch"]

TORCH_NAMES: dict[str, str] = {
    "FloorDiv": "FloorDiv",
    "Mod": "PythonMod",
    "PowByNatural": "PowByNatural",
    "LShift": "LShift",
    "RShift": "RShift",
    "BitAnd": "BitwiseFn_bitwise_and",
    "BitOr": "BitwiseFn_bitwise_or",
    "BitXor": "BitwiseFn_bitwise_xor",
    "Minimum": "Min",
    "Maximum": "Max",
    "ToFloat": "ToFloat",
    "FloatPow": "FloatPow",
    "Floor": "FloorToInt",
    "Ceil": "CeilToInt",
    "Trunc": "TruncToInt",
    "Round": "RoundToInt",
    "RoundDigits": "RoundDecimal",
    **{
        name: f"OpaqueUnaryFn_{name}"
        for name in ("sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "log2", "exp", "log")
    },
}
"""Our name of a function to torch's, where each has one that means the same."""


def _of_integers(expression: Any) -> bool:
    return all(operand.is_integer for operand in expression.args)


def _true_divide(a: Any, b: Any) -> Any:
    kind = torch_functions.IntTrueDiv if a.is_integer and b.is_integer else torch_functions.FloatTrueDiv
    return kind(a, b)


# What is one function on one side and several, or sympy's own, on the other.
_OUT: dict[str, Callable[..., Any]] = {
    "TrueDiv": _true_divide,
    "FloatAdd": lambda a, b: a + b,
    "FloatSub": lambda a, b: a - b,
    "FloatMul": lambda a, b: a * b,
    "FloatNeg": lambda a: -a,
    "FloatMod": torch_functions.PythonMod,
    "FloatAbs": sympy.Abs,
    "IntAbs": sympy.Abs,
    "FloatMinimum": torch_functions.Min,
    "FloatMaximum": torch_functions.Max,
}


@functools.cache
def _in() -> dict[type, Callable[..., Any]]:
    ours = functions.FUNCTIONS
    table: dict[type, Callable[..., Any]] = {
        getattr(torch_functions, theirs): ours[name] for name, theirs in TORCH_NAMES.items()
    }
    table[torch_functions.Mod] = ours["Mod"]
    table[torch_functions.CleanDiv] = ours["FloorDiv"]
    table[torch_functions.IntTrueDiv] = table[torch_functions.FloatTrueDiv] = ours["TrueDiv"]
    for theirs, name in ((torch_functions.Min, "Minimum"), (torch_functions.Max, "Maximum")):
        table[theirs] = lambda *operands, name=name: functools.reduce(ours[name], operands)
    return table


def to_torch(expression: Any) -> Any:
    """Return `expression` in torch's functions.

    Raises:
        TypeError: it holds a function that torch has no counterpart of.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True, positive=True)
    >>> type(to_torch(functions.FUNCTIONS["FloorDiv"](s, 2))).__module__
    'torch.utils._sympy.functions'
    """
    if not expression.args:
        return expression
    operands = [to_torch(operand) for operand in expression.args]
    name = type(expression).__name__
    if isinstance(expression, tuple(functions.FUNCTIONS.values())):
        if name in _OUT:
            return _OUT[name](*operands)
        if name not in TORCH_NAMES:
            raise TypeError(f"{expression} can't be given to torch: it has no counterpart of {name}")
        return getattr(torch_functions, TORCH_NAMES[name])(*operands)
    if name == "SpecialFloat":
        return sympy.Float(expression.value)
    return expression.func(*operands)


def from_torch(expression: Any) -> Any:
    """Return an expression in torch's functions in ours.

    Raises:
        TypeError: it holds a function of torch that is not in the table.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True, positive=True)
    >>> from_torch(torch_functions.FloorDiv(s, 2))
    (s//2)
    """
    if not expression.args:
        return expression
    operands = [from_torch(operand) for operand in expression.args]
    ours = _in().get(type(expression))
    if ours is not None:
        return ours(*operands)
    if type(expression) is sympy.Pow and not operands[1].is_Integer and all(one.is_integer for one in operands):
        return _in()[torch_functions.PowByNatural](*operands)  # how torch 2.11 writes shifts
    if type(expression).__module__ == torch_functions.__name__:
        raise TypeError(f"{expression} holds torch's {type(expression).__name__}, which has no counterpart here")
    return expression.func(*operands)


def range_to_torch(values: Range, kind: type) -> Any:
    """Return a range as torch has it.

    Args:
        values: the range; of conditions, 0 and 1 stand for their truth.
        kind: `int`, `float` or `bool`.

    >>> range_to_torch(Range(2), int), range_to_torch(Range(1, 1), bool)
    (VR[2, int_oo], VR[True, True])
    """
    if kind is bool:
        return ValueRanges(sympy.sympify(bool(values.lower)), sympy.sympify(bool(values.upper)))
    infinity = int_oo if kind is int else sympy.oo
    lower = -infinity if is_infinite(values.lower) else values.lower
    upper = infinity if is_infinite(values.upper) else values.upper
    return ValueRanges(sympy.sympify(lower), sympy.sympify(upper))
