"""The interval of an integer expression, from those of its symbols."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from framelift_symbolic_shapes.expression import (
    Call,
    Choice,
    Constant,
    Expression,
    Monomial,
    Sum,
    Symbol,
    make_sum,
    multiply,
    power,
    terms_of,
    total,
)
from framelift_symbolic_shapes.float_range import float_interval
from framelift_symbolic_shapes.range import ANY, Bound, Bounds, Range, added, is_infinite, multiplied

__all__ = ["bound", "bound_monomial"]


def _mul(a: Range, b: Range) -> Range:
    corners = [multiplied(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)]
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
    if is_infinite(b):
        if is_infinite(a):
            return 0  # any quotient is possible; the other corners give the extremes
        return 0 if a == 0 or (a > 0) == (b > 0) else -1
    if is_infinite(a):
        return a if b > 0 else -a
    return a // b


def _floor_div(a: Range, b: Range) -> Range:
    if 0 in b:
        return ANY
    corners = [_quotient(x, y) for x in (a.lower, a.upper) for y in (b.lower, b.upper)]
    if is_infinite(a.lower) and is_infinite(b.upper if b.lower > 0 else b.lower):
        corners.append(-1)
    if is_infinite(a.upper) and is_infinite(b.upper if b.lower > 0 else b.lower):
        corners.append(0 if b.lower > 0 else -1)
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


_RULES: dict[str, Callable[..., Range]] = {
    "FloorDiv": _floor_div,
    "Mod": _mod,
    "Product": _mul,
    "Minimum": lambda a, b: Range(min(a.lower, b.lower), min(a.upper, b.upper)),
    "Maximum": lambda a, b: Range(max(a.lower, b.lower), max(a.upper, b.upper)),
    "IntAbs": _absolute,
}
_ROUNDING: dict[str, Callable[[float], int]] = {
    "Floor": math.floor, "Ceil": math.ceil, "Trunc": math.trunc, "Round": round,
}  # fmt: skip


def bound_monomial(monomial: Monomial, bounds: Bounds) -> Range:
    """Return a range that holds every value of a product of powers.

    Args:
        monomial: the atoms with their exponents.
        bounds: gives the range of an atom.

    >>> bound_monomial((Symbol("s", int) * Symbol("t", int)).operands[0].monomial, lambda atom: Range(2, 3))
    Range(lower=2, upper=3)
    """
    result = _ONE
    for atom, exponent in monomial:
        here = bounds(atom)
        if exponent != 1:
            here = _power(here, exponent)
        result = here if result is _ONE else _mul(result, here)
    return result


_ONE = Range(1, 1)


def _bound_sum(expression: Sum, bounds: Bounds) -> Range:
    lower: Bound = expression.constant
    upper: Bound = expression.constant
    for monomial, coefficient in expression.terms.items():
        here = bound_monomial(monomial, bounds)
        least, most = (here.lower, here.upper) if coefficient > 0 else (here.upper, here.lower)
        lower, upper = added(lower, multiplied(coefficient, least)), added(upper, multiplied(coefficient, most))
    if is_infinite(lower) or is_infinite(upper):
        # s * t - t may be anything, term by term; t * (s - 1) is not.
        common = _common_factor(expression)
        if common is not None:
            factored = _mul(*map(bounds, common))
            lower, upper = max(lower, factored.lower), min(upper, factored.upper)
        if is_infinite(lower) or is_infinite(upper):
            moved = _bound_from_least(expression, bounds)
            lower, upper = max(lower, moved.lower), min(upper, moved.upper)
    return Range(lower, upper)


def _bound_from_least(expression: Sum, bounds: Bounds) -> Range:
    """Return a range by each atom's distance from its least value: (a - 1) * (b - 1), written out, is at least 0.

    Where no coefficient is negative once it is written in these distances, its constant is its least value.
    """
    if all(len(monomial) == 1 and exponent == 1 for monomial in expression.terms for _, exponent in monomial):
        return ANY  # of what is linear, the terms one by one tell as much
    whole: Expression = Constant(expression.constant)
    for monomial, coefficient in expression.terms.items():
        product: Expression = Constant(coefficient)
        for atom, exponent in monomial:
            least = bounds(atom).lower
            if is_infinite(least):
                return ANY
            product = multiply(product, power(total(atom, Constant(int(least))), exponent))  # the atom: the distance
        whole = total(whole, product)
    constant, terms = terms_of(whole)
    known = {atom for monomial in expression.terms for atom, _ in monomial}
    if not all(atom in known for monomial in terms for atom, _ in monomial):
        return ANY  # too long to be written out
    signs = {coefficient > 0 for coefficient in terms.values()}
    return Range(-math.inf if False in signs else constant, math.inf if True in signs else constant)


def _common_factor(expression: Sum) -> tuple[Expression, Expression] | None:
    """Return a product of symbols that divides every term, and the sum without it."""
    if expression.constant or len(expression.terms) == 1:
        return None
    first, *rest = [dict(monomial) for monomial in expression.terms]
    common: dict[Expression, int] = {
        atom: min(exponent, *[other.get(atom, 0) for other in rest])
        for atom, exponent in first.items()
        if isinstance(atom, Symbol)
    }
    common = {atom: exponent for atom, exponent in common.items() if exponent}
    if not common:
        return None
    factor: Expression = Constant(1)
    for atom, exponent in common.items():
        factor = multiply(factor, power(atom, exponent))
    constant, terms = 0, {}
    for monomial, coefficient in expression.terms.items():
        left = {atom: exponent - common.get(atom, 0) for atom, exponent in monomial}
        remaining = frozenset((atom, exponent) for atom, exponent in left.items() if exponent)
        if remaining:
            terms[remaining] = coefficient
        else:
            constant = coefficient
    return factor, make_sum(constant, terms)


def bound(
    expression: Expression, ranges: Mapping[Expression, Range], known: dict[Expression, Range] | None = None
) -> Range:
    """Return a range that holds every value of an integer expression.

    Args:
        expression: an expression.
        ranges: the range of each symbol; a symbol without one may be anything.
        known: what was found before for these ranges; it grows.

    >>> s = Symbol("s", int)
    >>> bound(s * 2 + 1, {s: Range(2, 10)})
    Range(lower=5, upper=21)
    """
    found: dict[Expression, Range] = {} if known is None else known

    def bounds(part: Expression) -> Range:
        here = found.get(part)
        if here is None:
            here = found[part] = _bound(part, ranges, bounds)
        return here

    return bounds(expression)


def _bound(expression: Expression, ranges: Mapping[Expression, Range], bounds: Bounds) -> Range:
    if isinstance(expression, Symbol):
        return ranges.get(expression, ANY)
    if isinstance(expression, Constant):
        value = int(expression.value)
        return Range(value, value)
    if isinstance(expression, Sum):
        return _bound_sum(expression, bounds)
    if isinstance(expression, Choice):
        return bounds(expression.then) | bounds(expression.otherwise)
    if isinstance(expression, Call):
        rule = _RULES.get(expression.name)
        if rule is not None:
            return rule(*map(bounds, expression.operands))
        rounding = _ROUNDING.get(expression.name)
        inside = float_interval(expression.operands[0], bounds) if rounding else None
        if rounding and inside:
            return Range(*[end if is_infinite(end) else rounding(end) for end in inside])
    return ANY
