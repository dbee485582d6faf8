"""What remainders say of symbols: `x % 8 == 0` makes `x` eight times some integer, and is used as that.

A linear congruence is solved for one of its symbols: `c * x + rest = 0 (mod m)`, where `g = gcd(c, m)` divides the
rest, is `x = (m / g) * q - (c / g)**-1 * (rest / g)` for an integer `q`. Written with `q`, the rules of simplification
find remainders and exact quotients by themselves. Congruences of products, which have no such symbol, reduce what is
divided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from framelift_symbolic_shapes.expression import (
    Call,
    Constant,
    Expression,
    Monomial,
    Symbol,
    make_sum,
    number,
    substitute,
    terms_of,
)
from framelift_symbolic_shapes.range import ANY, Bounds, Range, is_infinite

__all__ = ["Build", "Congruences", "cofactor", "divided_factors", "modulus_of", "remainders", "without_remainder"]

Build = Callable[[str, "tuple[Expression, ...]"], Expression]

_MOST = 64
"""The most congruences that are kept; a later one is a fact like others."""


class Congruences:
    """Sums that some number divides, and symbols as multiples.

    >>> s = Symbol("s", int)
    >>> known = Congruences()
    >>> known.assume(s - 3, 8)
    [s]
    >>> known.forms[s], known.written(s * 2)
    (8*s/8 + 3, 16*s/8 + 6)
    """

    def __init__(self) -> None:
        self.known: dict[tuple[Expression, int], None] = {}
        self.forms: dict[Expression, Expression] = {}
        self.quotients: dict[Expression, tuple[Expression, int]] = {}  # the symbol that it is of, and the divisor
        self._products: list[tuple[Monomial, Expression, int]] = []
        self._unsolved: dict[tuple[Expression, int], Expression | None] = {}  # and how it was written when it was tried

    def assume(self, dividend: Expression, modulus: int, build: Build | None = None) -> list[Expression]:
        """Take `dividend % modulus` as 0; return the symbols that have a form now.

        What has no symbol to solve for is tried again when its parts have forms: `s // 2` is one where `s` is even.

        >>> s = Symbol("s", int)
        >>> half, known = Call("FloorDiv", (s, Constant(2))), Congruences()
        >>> divide = {"FloorDiv": lambda a, b: make_sum(0, {Symbol("s/2", int).monomial: 1})}
        >>> known.assume(half, 2), known.assume(s, 2, lambda name, operands: divide[name](*operands))
        ([], [s, s/2])

        Args:
            dividend: what is divided.
            modulus: a number more than 1.
            build: applies an operation of Python, simplified by what is known.
        """
        if len(self.known) >= _MOST:
            return []
        self.known[dividend, modulus] = None
        self._unsolved[dividend, modulus] = None
        solved: list[Expression] = []
        moved = True
        while moved:
            moved = False
            for one, tried in [*self._unsolved.items()]:
                written = self.written(one[0], build)
                if written == tried:
                    continue
                symbol = self._solve(written, one[1])
                if symbol is None:
                    self._unsolved[one] = written
                else:
                    del self._unsolved[one]
                    solved.append(symbol)
                    moved = True
        return solved

    def _solve(self, dividend: Expression, modulus: int) -> Expression | None:
        constant, terms = _reduced(dividend, modulus)
        for monomial, coefficient in terms.items():
            others = {term: known for term, known in terms.items() if term != monomial}
            symbol = _linear_symbol(monomial)
            if symbol is None or any(_inside(symbol, term) for term in others):
                continue
            shared = math.gcd(coefficient, modulus)
            step = modulus // shared
            if step > 1 and constant % shared == 0 and all(known % shared == 0 for known in others.values()):
                inverse = pow(coefficient // shared, -1, step)
                rest = {term: known // shared * -inverse % step for term, known in others.items()}
                quotient = Symbol(f"{symbol.name}/{step}", int)
                rest[quotient.monomial] = step
                offset = constant // shared * -inverse % step
                self.forms[symbol] = make_sum(offset, {term: known for term, known in rest.items() if known})
                self.quotients[quotient] = (symbol, step)
                return symbol
        for monomial, coefficient in terms.items():
            if math.gcd(coefficient, modulus) == 1:
                inverse = pow(coefficient, -1, modulus)
                self._products.append((monomial, make_sum(constant, dict(terms)) * inverse, modulus))
                break
        return None

    def written(self, expression: Expression, build: Build | None = None) -> Expression:
        """Return `expression` with symbols as the multiples that they are, and remainders of products reduced.

        Args:
            expression: any expression.
            build: applies an operation of Python, simplified by what is known; by default only sums are written anew.
        """
        if build is not None and self._products:
            reduced = {part: self._reduce(part) for part in remainders(expression)}
            expression = substitute(expression, {part: build("Mod", new.operands) for part, new in reduced.items()})
        for _ in range(len(self.forms)):
            written = substitute(expression, self.forms) if build is None else substitute(expression, self.forms, build)
            if written is expression:
                break
            expression = written
        return expression

    def _reduce(self, remainder: Expression) -> Expression:
        dividend, divisor = remainder.operands
        modulus = int(number(divisor) or 0)
        for leading, factor, known in self._products:
            if modulus == 0 or known % modulus:
                continue
            for monomial, coefficient in dict(terms_of(dividend)[1]).items():
                part = cofactor(monomial, leading)
                if part is not None:
                    share = make_sum(0, {part: coefficient}) if part else Constant(coefficient)
                    dividend = dividend - share * factor
            constant, terms = _reduced(dividend, modulus)
            dividend = make_sum(constant, terms)
        return Call("Mod", (dividend, divisor))

    def excludes(self, difference: Expression) -> bool:
        """Tell whether `difference` is never 0, since it leaves a remainder modulo a number that divides products.

        >>> a, b = Symbol("a", int), Symbol("b", int)
        >>> known = Congruences()
        >>> known.assume(a * b, 4)
        []
        >>> known.excludes(a * b - 6), known.excludes(a * b - 8)
        (True, False)
        """
        moduli = dict.fromkeys(modulus for _, _, modulus in self._products)
        left = [number(self._reduce(Call("Mod", (difference, Constant(modulus)))).operands[0]) for modulus in moduli]
        return any(left)

    def range(self, quotient: Expression, bounds: Bounds) -> Range:
        """Return the range of a quotient, from that of its symbol: a lower bound is rounded up, an upper one down."""
        symbol, step = self.quotients[quotient]
        here = bounds(symbol - (self.forms[symbol] - quotient * step))
        lower = here.lower if is_infinite(here.lower) else -(-int(here.lower) // step)
        upper = here.upper if is_infinite(here.upper) else int(here.upper) // step
        return Range(lower, upper) if lower <= upper else ANY  # what is not there at all has no range


def modulus_of(difference: Expression) -> tuple[Expression, int] | None:
    """Return a sum and a number that divides it, where `difference` is 0; `None` where that says nothing of one.

    >>> modulus_of(Call("Mod", (Symbol("s", int), Constant(8))) - 3)
    (s - 3, 8)
    >>> modulus_of(Symbol("s", int) - Call("FloorDiv", (Symbol("s", int), Constant(4))) * 4)
    (s, 4)
    """
    constant, terms = terms_of(difference)
    if len(terms) != 1:
        return _modulus_of_quotient(difference)
    ((monomial, coefficient),) = terms.items()
    ((atom, exponent), *others) = monomial
    if others or exponent != 1 or constant % coefficient or not (isinstance(atom, Call) and atom.name == "Mod"):
        return None
    modulus = number(atom.operands[1])
    return (atom.operands[0] + constant // coefficient, int(modulus)) if modulus is not None and modulus > 0 else None


def _modulus_of_quotient(difference: Expression) -> tuple[Expression, int] | None:
    """Use k * m * (a // m) - k * a = -k * (a % m): where that and c are 0 in all, m divides a - c / k."""
    for term, coefficient in terms_of(difference)[1].items():
        quotient = _quotient_of(term)
        if quotient is None:
            continue
        dividend, by = quotient.operands
        modulus = int(number(by) or 0)
        factor = coefficient // modulus
        remainder = number(difference - quotient * coefficient + dividend * factor)
        if modulus > 1 and coefficient % modulus == 0 and remainder is not None and remainder % factor == 0:
            return dividend - int(remainder) // factor, modulus
    return None


def divided_factors(difference: Expression) -> list[tuple[Expression, int]]:
    """Return the factors of a product, and what divides each of them, where `difference` is 0 and they are positive.

    a * b = c * d * (a // c) * (b // d) says that c divides a, and d divides b: 0 <= c * (a // c) <= a, and so for b,
    and products of such are equal only where all factors are.

    >>> a, b = Symbol("a", int), Symbol("b", int)
    >>> divided_factors(a * b - Call("FloorDiv", (a, Constant(4))) * Call("FloorDiv", (b, Constant(2))) * 8)
    [(a, 4), (b, 2)]
    """
    constant, terms = terms_of(difference)
    if constant or len(terms) != 2:
        return []
    (one, known), (other, factor) = terms.items()
    for whole, parts, times, share in ((one, other, known, -factor), (other, one, factor, -known)):
        quotients = [(_quotient_of(frozenset({(atom, 1)})), exponent) for atom, exponent in parts]
        found = {(quotient.operands[0], exponent): quotient for quotient, exponent in quotients if quotient is not None}
        divisors = {dividend: int(number(one.operands[1]) or 0) for (dividend, _), one in found.items()}
        if len(found) == len(parts) and whole == frozenset(found):
            product = math.prod(divisors[dividend] ** exponent for dividend, exponent in whole)
            if times * product == share:
                return sorted(divisors.items(), key=str)
    return []


def _quotient_of(monomial: Monomial) -> Expression | None:
    """Return the atom of a product that is one division by a number more than 0."""
    ((atom, exponent), *others) = monomial
    if others or exponent != 1 or not (isinstance(atom, Call) and atom.name == "FloorDiv"):
        return None
    divisor = number(atom.operands[1])
    return atom if divisor is not None and divisor > 0 else None


def cofactor(monomial: Monomial, factor: Monomial) -> Monomial | None:
    """Return what times `factor` is `monomial`; `None` where nothing is.

    >>> s, t = Symbol("s", int), Symbol("t", int)
    >>> cofactor(frozenset({(s, 2)}), frozenset({(s, 1)})), cofactor(frozenset({(s, 2)}), frozenset({(t, 1)}))
    (frozenset({(s, 1)}), None)
    """
    left = dict(monomial)
    for atom, exponent in factor:
        left[atom] = left.get(atom, 0) - exponent
        if left[atom] < 0:
            return None
    return frozenset((atom, exponent) for atom, exponent in left.items() if exponent)


def _reduced(expression: Expression, modulus: int) -> tuple[int, dict[Monomial, int]]:
    constant, terms = terms_of(expression)
    return constant % modulus, {term: known % modulus for term, known in terms.items() if known % modulus}


def _linear_symbol(monomial: Monomial) -> Symbol | None:
    ((atom, exponent), *others) = monomial
    return atom if isinstance(atom, Symbol) and exponent == 1 and not others else None


def _inside(symbol: Symbol, monomial: Monomial) -> bool:
    return any(symbol in atom.symbols for atom, _ in monomial)


def remainders(expression: Expression) -> Iterable[Call]:
    """Yield the parts `a % m`, for a number m, that are in no other.

    >>> [*remainders(Call("Mod", (Symbol("s", int), Constant(8))) * 2 - 3)]
    [(s%8)]
    """
    if isinstance(expression, Call) and expression.name == "Mod" and number(expression.operands[1]):
        yield expression
        return
    for operand in expression.operands:
        yield from remainders(operand)


def without_remainder(remainder: Call, build: Build) -> Expression:
    """Return n - m * (n // m) for n % m.

    >>> without_remainder(Call("Mod", (Symbol("s", int), Constant(8))), Call)
    s - 8*(s//8)
    """
    dividend, divisor = remainder.operands
    return dividend - divisor * build("FloorDiv", (dividend, divisor))
