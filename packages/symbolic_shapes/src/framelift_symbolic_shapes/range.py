"""Intervals of numbers, and the interval of an expression from those of its symbols."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from framelift_symbolic_shapes.deferred import functions, sympy

__all__ = ["ANY", "Bound", "Range", "bound"]

Bound: TypeAlias = int | float
"""An integer, or an infinity."""

_INFINITY = math.inf


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """All numbers from `lower` to `upper`, both included; an infinite bound is none.

    >>> Range(2, 5) & Range(4, 9)
    Range(lower=4, upper=5)
    >>> 3 in Range(2, 5), Range(4, 4).is_singleton()
    (True, True)
    """

    lower: Bound = -_INFINITY
    upper: Bound = _INFINITY

    def __post_init__(self) -> None:
        """Refuse an empty range.

        Raises:
            ValueError: the lower bound is above the upper one.
        """
        if self.lower > self.upper:
            raise ValueError(f"a range must not be empty; its bounds are {self.lower} and {self.upper}")

    def __contains__(self, value: Bound) -> bool:
        return self.lower <= value <= self.upper

    def __and__(self, other: Range) -> Range:
        return Range(max(self.lower, other.lower), min(self.upper, other.upper))

    def __or__(self, other: Range) -> Range:
        return Range(min(self.lower, other.lower), max(self.upper, other.upper))

    def is_singleton(self) -> bool:
        """Tell whether there is exactly one number in the range."""
        return self.lower == self.upper

    def issubset(self, other: Range) -> bool:
        """Tell whether every number of this range is in `other`."""
        return other.lower <= self.lower and self.upper <= other.upper


ANY = Range()


def _add(a: Range, b: Range) -> Range:
    return Range(a.lower + b.lower, a.upper + b.upper)


def _product(a: Bound, b: Bound) -> Bound:
    return 0 if a == 0 or b == 0 else a * b  # 0 * inf is 0 here: infinity is a bound, never a value


def _mul(a: Range, b: Range) -> Range:
    corners = [_product(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)]
    return Range(min(corners), max(corners))


def _power(base: Range, exponent: int) -> Range:
    if exponent < 0:
        return ANY
    if exponent % 2 == 0 and base.lower < 0:
        largest = max(abs(base.lower), abs(base.upper))
        smallest = 0 if base.upper >= 0 else -base.upper
        return Range(smallest**exponent, largest**exponent)
    return Range(base.lower**exponent, base.upper**exponent)


def _quotient(a: Bound, b: Bound) -> Bound:
    if math.isinf(b):
        if math.isinf(a):
            return 0  # any quotient is possible; the other corners give the extremes
        return 0 if a == 0 or (a > 0) == (b > 0) else -1
    if math.isinf(a):
        return a if b > 0 else -a
    return a // b


def _floor_div(a: Range, b: Range) -> Range:
    if 0 in b:
        return ANY
    corners = [_quotient(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)]
    if math.isinf(a.lower) and math.isinf(b.upper if b.lower > 0 else b.lower):
        corners.append(-1)
    if math.isinf(a.upper) and math.isinf(b.upper if b.lower > 0 else b.lower):
        corners += [0, -1]
    return Range(min(corners), max(corners))


def _mod(a: Range, b: Range) -> Range:
    if b.lower > 0:
        if a.lower >= 0 and a.upper < b.lower:
            return a
        upper = b.upper - 1
        return Range(0, min(upper, a.upper) if a.lower >= 0 else upper)
    if b.upper < 0:
        return Range(b.lower + 1, 0)
    return ANY


def _absolute(a: Range) -> Range:
    if a.lower >= 0:
        return a
    if a.upper <= 0:
        return Range(-a.upper, -a.lower)
    return Range(0, max(-a.lower, a.upper))


def _function_rules() -> dict[type, Callable[..., Range]]:
    table = functions.FUNCTIONS
    return {
        table["FloorDiv"]: _floor_div,
        table["Mod"]: _mod,
        table["Minimum"]: lambda a, b: Range(min(a.lower, b.lower), min(a.upper, b.upper)),
        table["Maximum"]: lambda a, b: Range(max(a.lower, b.lower), max(a.upper, b.upper)),
        table["IntAbs"]: _absolute,
    }


class _Rules:
    """The table of functions with an interval rule, made when the first expression needs it."""

    def __init__(self) -> None:
        self._table: dict[type, Callable[..., Range]] | None = None

    def get(self, kind: type) -> Callable[..., Range] | None:
        if self._table is None:
            self._table = _function_rules()
        return self._table.get(kind)


_RULES = _Rules()


def _bound_sum(expression: Any, ranges: Mapping[Any, Range]) -> Range:
    total = Range(0, 0)
    for term in expression.args:
        total = _add(total, bound(term, ranges))
    if math.isinf(total.lower) or math.isinf(total.upper):
        # s * t - t may be anything, term by term; t * (s - 1) is not.
        common, rest = _common_factor(expression)
        if common is not None:
            total &= _mul(bound(common, ranges), bound(rest, ranges))
    return total


def _common_factor(expression: Any) -> tuple[Any, Any]:
    """Return a product of symbols that divides every term, and the sum without it."""
    terms = [term.as_powers_dict() for term in expression.args]
    common = {
        base: min(int(term[base]) for term in terms)
        for base in terms[0]
        if base.is_Symbol and all(base in term and term[base].is_Integer for term in terms)
    }
    if not common:
        return None, expression
    factor = sympy.Mul(*[base**exponent for base, exponent in common.items()])
    return factor, sympy.Add(*[term / factor for term in expression.args])


def bound(expression: Any, ranges: Mapping[Any, Range]) -> Range:
    """Return a range that holds every value of an integer expression.

    Args:
        expression: a sympy expression.
        ranges: the range of each symbol; a symbol without one may be anything.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True)
    >>> bound(2 * s + 1, {s: Range(2, 10)})
    Range(lower=5, upper=21)
    """
    if expression.is_Integer:
        value = int(expression)
        return Range(value, value)
    if expression.is_Symbol:
        return ranges.get(expression, ANY)
    if expression.is_Add:
        return _bound_sum(expression, ranges)
    if expression.is_Mul:
        total = Range(1, 1)
        for factor in expression.args:
            total = _mul(total, bound(factor, ranges))
        return total
    if expression.is_Pow and expression.exp.is_Integer:
        return _power(bound(expression.base, ranges), int(expression.exp))
    if isinstance(expression, sympy.Piecewise):
        branches = [bound(branch, ranges) for branch, _ in expression.args]
        return Range(min(r.lower for r in branches), max(r.upper for r in branches))
    rule = _RULES.get(type(expression))
    if rule is None:
        return ANY
    return rule(*[bound(operand, ranges) for operand in expression.args])
