"""What follows of products from what is known of their factors, as linear inequalities over products of atoms.

If `f >= 0` and `g >= 0` then `f * g >= 0`; written out, it is linear in the products. With bounds of the factors these
are the inequalities of G. P. McCormick, "Computability of global solutions to factorable nonconvex programs" (1976).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from framelift_symbolic_shapes.bounding import bound_monomial
from framelift_symbolic_shapes.congruence import cofactor
from framelift_symbolic_shapes.expression import Constant, Expression, Monomial, Relation, make_sum, terms_of
from framelift_symbolic_shapes.range import Bounds, is_infinite

__all__ = ["common_factor", "compared_with_zero", "primitive", "products"]


def products(monomial: Monomial, margins: Iterable[Expression], bounds: Bounds) -> Iterator[Expression]:
    """Yield expressions that are at least 0: products of two that are, in which `monomial` occurs.

    Args:
        monomial: a product of atoms.
        margins: expressions that are at least 0.
        bounds: gives a range that holds every value of an integer expression.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.range import Range
    >>> a, b = Symbol("a", int), Symbol("b", int)
    >>> next(products(frozenset({(a, 1), (b, 1)}), [], lambda atom: Range(2)))
    a*b - 2*a - 2*b + 4
    """
    for atom, exponent in sorted(monomial, key=str):
        other = cofactor(monomial, atom.monomial)
        if other:
            for one in _sides(atom.monomial, bounds):
                for factor in _sides(other, bounds):
                    yield one * factor
        if exponent > 2:
            return  # powers have ranges of their own
    for margin in margins:
        for term in terms_of(margin)[1]:
            part = cofactor(monomial, term)
            if part:
                lower = bound_monomial(part, bounds).lower
                if lower >= 0:
                    yield margin * (make_sum(0, {part: 1}) - int(lower))


def _sides(monomial: Monomial, bounds: Bounds) -> Iterator[Expression]:
    here = bound_monomial(monomial, bounds)
    product = make_sum(0, {monomial: 1})
    if not is_infinite(here.lower):
        yield product - int(here.lower)
    if not is_infinite(here.upper):
        yield -product + int(here.upper)


def primitive(expression: Expression, bounds: Bounds) -> Expression:
    """Return what is negative, 0 or positive just where `expression` is, without factors that are always positive.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.range import Range
    >>> a, b, c = (Symbol(name, int) for name in "abc")
    >>> primitive(a * c * 2 - b * c * 2, lambda atom: Range(1))
    a - b
    >>> primitive(a * 24 - 24, lambda atom: Range())
    a - 1
    """
    constant, terms = terms_of(expression)
    if not terms:
        return expression
    common = () if constant else common_factor(terms)
    positive = frozenset((atom, exponent) for atom, exponent in common if bounds(atom).lower > 0)
    divisor = math.gcd(constant, *terms.values())
    if not positive and divisor == 1:
        return expression
    whole, rest = constant // divisor, {}
    for monomial, coefficient in terms.items():
        part = cofactor(monomial, positive)
        if part:
            rest[part] = coefficient // divisor
        else:
            whole += coefficient // divisor
    return make_sum(whole, rest) if rest else Constant(whole)


_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compared_with_zero(sign: str, difference: Expression) -> Relation:
    """Return how `difference` compares with 0, as a user would write it: two sums without signs where there are two.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> a, b = Symbol("a", int), Symbol("b", int)
    >>> compared_with_zero("<", a - b * 4 + 1), compared_with_zero("<", -a + 1)
    (a + 1 < 4*b, a > 1)
    """
    _, terms = terms_of(difference)
    if all(coefficient < 0 for coefficient in terms.values()):
        sign, difference = _MIRRORED[sign], -difference
    return Relation(sign, *_split_by_sign(difference))


def _split_by_sign(difference: Expression) -> tuple[Expression, Expression]:
    constant, terms = terms_of(difference)
    left = {monomial: coefficient for monomial, coefficient in terms.items() if coefficient > 0}
    right = {monomial: -coefficient for monomial, coefficient in terms.items() if coefficient < 0}
    if not left or not right:
        return difference - constant, Constant(-constant)
    return make_sum(max(constant, 0), left), make_sum(max(-constant, 0), right)


def common_factor(monomials: Iterable[Monomial]) -> Monomial:
    """Return the greatest product of atoms that divides each of some products.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> a, b, c = (Symbol(name, int) for name in "abc")
    >>> common_factor([*terms_of(a * a * b + a * b * c)[1]]) == frozenset({(a, 1), (b, 1)})
    True
    """
    first, *others = map(dict, monomials)
    least = {atom: min([exponent, *[other.get(atom, 0) for other in others]]) for atom, exponent in first.items()}
    return frozenset((atom, exponent) for atom, exponent in least.items() if exponent)
