"""Simplification as a table of rules: each is one law of Python's integer arithmetic, stated in its docstring.

A rule takes the operands of one function and a way to ask for ranges, and returns a simpler expression or `None`. Rules
are tried when a function is applied, so operands are simple already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from framelift_symbolic_shapes.deferred import functions, sympy
from framelift_symbolic_shapes.range import Range

__all__ = ["RULES", "Rule", "simplify"]

Bounds: TypeAlias = Callable[[Any], Range]
Rule: TypeAlias = Callable[..., Any]


def _nonzero(expression: Any, bounds: Bounds) -> bool:
    return 0 not in bounds(expression)


def divide_by_one(a: Any, b: Any, bounds: Bounds) -> Any:
    """A // 1 = a."""
    return a if b == 1 else None


def divide_small(a: Any, b: Any, bounds: Bounds) -> Any:
    """A // b = 0 where 0 <= a < b."""
    return sympy.S.Zero if bounds(a).lower >= 0 and bounds(b - a).lower > 0 else None


def divide_multiple(a: Any, b: Any, bounds: Bounds) -> Any:
    """(q * b + r) // b = q + r // b where b != 0."""
    if not _nonzero(b, bounds):
        return None
    quotient, rest = _split(a, b)
    if quotient == 0:
        return None
    return quotient + simplify("FloorDiv", (rest, b), bounds)


def divide_twice(a: Any, b: Any, bounds: Bounds) -> Any:
    """(n // d) // b = n // (d * b) where b > 0 and d != 0."""
    if type(a).__name__ != "FloorDiv" or bounds(b).lower <= 0 or not _nonzero(a.args[1], bounds):
        return None
    return simplify("FloorDiv", (a.args[0], a.args[1] * b), bounds)


def modulo_one(a: Any, b: Any, bounds: Bounds) -> Any:
    """A % 1 = 0."""
    return sympy.S.Zero if b == 1 else None


def modulo_small(a: Any, b: Any, bounds: Bounds) -> Any:
    """A % b = a where 0 <= a < b."""
    return a if bounds(a).lower >= 0 and bounds(b - a).lower > 0 else None


def modulo_multiple(a: Any, b: Any, bounds: Bounds) -> Any:
    """(q * b + r) % b = r % b where b != 0."""
    if not _nonzero(b, bounds):
        return None
    quotient, rest = _split(a, b)
    return None if quotient == 0 else simplify("Mod", (rest, b), bounds)


def minimum(a: Any, b: Any, bounds: Bounds) -> Any:
    """min(a, b) = a where a <= b; = b where b <= a."""
    difference = bounds(b - a)
    if difference.lower >= 0:
        return a
    return b if difference.upper <= 0 else None


def maximum(a: Any, b: Any, bounds: Bounds) -> Any:
    """max(a, b) = b where a <= b; = a where b <= a."""
    difference = bounds(b - a)
    if difference.lower >= 0:
        return b
    return a if difference.upper <= 0 else None


def absolute(a: Any, bounds: Bounds) -> Any:
    """abs(a) = a where a >= 0; = -a where a <= 0."""
    here = bounds(a)
    if here.lower >= 0:
        return a
    return -a if here.upper <= 0 else None


def shift_left(a: Any, b: Any, bounds: Bounds) -> Any:
    """A << k = a * 2**k for a constant k >= 0."""
    return a * 2 ** int(b) if b.is_Integer and b >= 0 else None


def shift_right(a: Any, b: Any, bounds: Bounds) -> Any:
    """A >> k = a // 2**k for a constant k >= 0."""
    return simplify("FloorDiv", (a, sympy.Integer(2 ** int(b))), bounds) if b.is_Integer and b >= 0 else None


def natural_power(a: Any, b: Any, bounds: Bounds) -> Any:
    """A ** k is a polynomial for a constant k >= 0."""
    return a ** int(b) if b.is_Integer and b >= 0 else None


_EXACT = Range(-(2**53), 2**53)


def round_integer(a: Any, bounds: Bounds) -> Any:
    """floor(float(n)) = n, and so for ceil, trunc and round, where |n| <= 2**53: such floats are exact."""
    if type(a).__name__ != "ToFloat":
        return None
    return a.args[0] if bounds(a.args[0]).issubset(_EXACT) else None


def _split(a: Any, b: Any) -> tuple[Any, Any]:
    """Return q and r with a = q * b + r, where every term of a that holds b as a factor went to q."""
    quotient, rest = [], []
    for term in sympy.Add.make_args(a):
        part = _cofactor(term, b)
        if part is None:
            rest.append(term)
        else:
            quotient.append(part)
    return sympy.Add(*quotient), sympy.Add(*rest)


def _cofactor(term: Any, b: Any) -> Any:
    coefficient, divisor = term.as_coeff_Mul(), b.as_coeff_Mul()
    if int(coefficient[0]) % int(divisor[0]) != 0:
        return None
    factors = list(sympy.Mul.make_args(coefficient[1]))
    for factor in sympy.Mul.make_args(divisor[1]):
        if factor == 1:
            continue
        base, exponent = factor.as_base_exp()
        for index, candidate in enumerate(factors):
            candidate_base, candidate_exponent = candidate.as_base_exp()
            if candidate_base == base and (candidate_exponent - exponent).is_nonnegative:
                factors[index] = base ** (candidate_exponent - exponent)
                break
        else:
            return None
    return sympy.Integer(int(coefficient[0]) // int(divisor[0])) * sympy.Mul(*factors)


RULES: dict[str, tuple[Rule, ...]] = {
    "FloorDiv": (divide_by_one, divide_small, divide_multiple, divide_twice),
    "Mod": (modulo_one, modulo_small, modulo_multiple),
    "Minimum": (minimum,),
    "Maximum": (maximum,),
    "IntAbs": (absolute,),
    "LShift": (shift_left,),
    "RShift": (shift_right,),
    "PowByNatural": (natural_power,),
    "Floor": (round_integer,),
    "Ceil": (round_integer,),
    "Trunc": (round_integer,),
    "Round": (round_integer,),
}
"""The rules of each function, in the order in which they are tried."""


def simplify(name: str, operands: tuple[Any, ...], bounds: Bounds) -> Any:
    """Return the function `name` applied to `operands`, simplified.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True)
    >>> simplify("FloorDiv", (4 * s + 6, sympy.Integer(2)), lambda expression: Range(2, 9) if expression == s
    ...     else Range(int(expression), int(expression)) if expression.is_Integer else Range())
    2*s + 3
    """
    applied = functions.FUNCTIONS[name](*operands)
    if type(applied).__name__ != name:
        return applied
    for rule in RULES.get(name, ()):
        simpler = rule(*operands, bounds)
        if simpler is not None:
            return simpler
    return applied
