"""What symbols leave over when they are divided: congruences, and what follows from them for sums and products."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from framelift_symbolic_shapes.expression import Call, Constant, Expression, Monomial, Symbol, number, terms_of
from framelift_symbolic_shapes.range import Range, is_infinite

__all__ = ["Congruence", "Congruences", "divisor_of"]


class Congruence(NamedTuple):
    """A number is `residue + modulus * k` for some integer `k`; a modulus of 0 says that it is the residue.

    Args:
        modulus: 0 or more.
        residue: less than the modulus, but for one of 0.
    """

    modulus: int
    residue: int

    @classmethod
    def of(cls, modulus: int, residue: int) -> Congruence:
        """Return the congruence in its one form."""
        return cls(abs(modulus), residue % modulus if modulus else residue)

    def plus(self, other: Congruence) -> Congruence:
        """(r + m*i) + (s + n*k) = (r + s) + gcd(m, n) * j."""
        return Congruence.of(math.gcd(self.modulus, other.modulus), self.residue + other.residue)

    def times(self, other: Congruence) -> Congruence:
        """(r + m*i) * (s + n*k) = r*s + r*n*k + s*m*i + m*n*i*k = r*s + gcd(r*n, s*m, m*n) * j."""
        (m, r), (n, s) = self, other
        return Congruence.of(math.gcd(r * n, s * m, m * n), r * s)

    def both(self, other: Congruence) -> Congruence | None:
        """Return what holds where both hold (the Chinese remainder theorem); None: nothing does, or one is a number."""
        (m, r), (n, s) = self, other
        common = math.gcd(m, n)
        if m == 0 or n == 0 or (s - r) % common:
            return None
        step = (s - r) // common * pow(m // common, -1, n // common) if n // common > 1 else 0
        return Congruence.of(m // common * n, r + m * step)


_ANYTHING = Congruence(1, 0)


class Congruences:
    """The congruences of symbols.

    >>> s, t = Symbol("s", int), Symbol("t", int)
    >>> known = Congruences()
    >>> known.assume(s * 3 + 1, Congruence(8, 1))
    >>> known.of(s), known.of(s * t + 5), known.of(t)
    (Congruence(modulus=8, residue=0), Congruence(modulus=8, residue=5), Congruence(modulus=1, residue=0))
    """

    def __init__(self) -> None:
        self._symbols: dict[Expression, Congruence] = {}

    def __bool__(self) -> bool:
        return bool(self._symbols)

    def assume(self, expression: Expression, found: Congruence) -> None:
        """Take a congruence of an expression as true, as far as it says something of one symbol."""
        constant, terms = terms_of(expression)
        if len(terms) != 1 or found.modulus == 0:
            return
        ((monomial, coefficient),) = terms.items()
        ((atom, exponent), *others) = monomial
        if others or exponent != 1 or not isinstance(atom, Symbol):
            return
        # c * a = r (mod m) holds where (c/g) * a = r/g (mod m/g), for g = gcd(c, m).
        common = math.gcd(coefficient, found.modulus)
        rest, modulus = found.residue - constant, found.modulus // common
        if rest % common == 0 and modulus > 1:
            solution = Congruence.of(modulus, rest // common * pow(coefficient // common, -1, modulus))
            merged = self._symbols.get(atom, _ANYTHING).both(solution)
            if merged is not None:
                self._symbols[atom] = merged

    def drop(self, symbol: Expression) -> Congruence | None:
        """Forget a symbol, and return what was known of it."""
        return self._symbols.pop(symbol, None)

    def of(self, expression: Expression) -> Congruence:
        """Return the congruence of an integer expression: one modulo 1 if nothing is known."""
        constant, terms = terms_of(expression)
        total = Congruence(0, constant)
        for monomial, coefficient in terms.items():
            total = total.plus(Congruence(0, coefficient).times(self._of_monomial(monomial)))
        return total

    def _of_monomial(self, monomial: Monomial) -> Congruence:
        product = Congruence(0, 1)
        for atom, exponent in monomial:
            known = self._symbols.get(atom, _ANYTHING)
            for _ in range(min(exponent, _POWERS)):
                product = product.times(known)
            if exponent > _POWERS:
                product = product.times(_ANYTHING)
        return product

    def residue(self, expression: Expression, modulus: int) -> int | None:
        """Return `expression % modulus` as Python has it, where the congruences tell it."""
        known = self.of(expression)
        return known.residue % modulus if modulus and known.modulus % modulus == 0 else None

    def residues(self, expressions: Iterable[Expression]) -> dict[Expression, Expression]:
        """Return the remainders inside of expressions whose value is known, and these values."""
        found: dict[Expression, Expression] = {}
        pending = list(expressions)
        while pending:
            expression = pending.pop()
            divisor = divisor_of(expression)
            value = None if divisor is None else self.residue(expression.operands[0], divisor)
            if value is not None:
                found[expression] = Constant(value)
            pending += expression.operands
        return found

    def within(self, symbol: Expression, values: Range) -> Range:
        """Return the least range of the values of a symbol that are congruent; the range itself if there are none."""
        modulus, residue = self._symbols.get(symbol, _ANYTHING)
        lower, upper = values.lower, values.upper
        if not is_infinite(lower):
            lower = int(lower) + (residue - int(lower)) % modulus
        if not is_infinite(upper):
            upper = int(upper) - (int(upper) - residue) % modulus
        return Range(lower, upper) if lower <= upper else values


def divisor_of(expression: Expression) -> int | None:
    """Return the number of which an expression is the remainder, else `None`.

    >>> s = Symbol("s", int)
    >>> divisor_of(Call("Mod", (s, Constant(8)))), divisor_of(s)
    (8, None)
    """
    if not isinstance(expression, Call) or expression.name != "Mod" or expression.kind is not int:
        return None
    value = number(expression.operands[1])
    return value if type(value) is int and value else None


_POWERS = 8
"""The highest power that is multiplied out; of higher ones nothing is known but what the first ones say."""
