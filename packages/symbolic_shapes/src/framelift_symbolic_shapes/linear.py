"""Which linear inequalities follow from others, by the simplex method with exact fractions.

The method is that of B. Dutertre and L. de Moura, "A fast linear-arithmetic solver for DPLL(T)" (CAV 2006): every fact
is a row `slack = sum of terms` with a bound on its slack, and a point that satisfies all of them is kept. What is asked
for follows if no point satisfies the facts and its opposite.

What follows over the rationals is found, always. Where facts are bounds and differences (`a - b <= 3`), whose matrix
is totally unimodular, that is all that follows over the integers, too; with other coefficients it may be less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from framelift_symbolic_shapes.expression import Monomial
from framelift_symbolic_shapes.range import Range, is_infinite

__all__ = ["Linear"]

_WITNESSES = 8
_PIVOTS = 200


class Linear:
    """Linear inequalities, over products of atoms as if they were independent.

    >>> from framelift_symbolic_shapes.expression import Symbol, terms_of
    >>> a, b, c = (Symbol(name, int) for name in "abc")
    >>> known = Linear()
    >>> for fact in (b - a - 1, c - b - 1):
    ...     known.assume(*terms_of(fact))
    >>> known.follows(*terms_of(c - a - 2)), known.follows(*terms_of(c - a - 3))
    (True, False)
    """

    def __init__(self) -> None:
        self._columns: dict[Monomial, int] = {}
        self._slacks: dict[frozenset[tuple[Monomial, int]], int] = {}
        self._rows: dict[int, dict[int, Fraction]] = {}  # of a basic variable: its coefficients of the others
        self._lower: list[Fraction | None] = []
        self._upper: list[Fraction | None] = []
        self._values: list[Fraction] = []
        self._points: list[list[Fraction]] = []  # of the columns, points that satisfy all facts
        self._consistent = True

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, monomial: object) -> bool:
        return monomial in self._columns

    def limit(self, values: Callable[[Monomial], Range]) -> None:
        """Use the range of every product of atoms that is in a fact."""
        for monomial in self._columns:
            self._limit(monomial, values(monomial))
        self._settle()

    def introduce(self, monomial: Monomial, values: Range) -> None:
        """Use a product of atoms from now on, which is in a range."""
        self._column(monomial)
        self._limit(monomial, values)

    def _limit(self, monomial: Monomial, values: Range) -> None:
        column = self._columns[monomial]
        if not is_infinite(values.lower):
            self._raise_lower(column, Fraction(values.lower))
        if not is_infinite(values.upper):
            self._reduce_upper(column, Fraction(values.upper))

    def assume(self, constant: int, terms: Mapping[Monomial, int]) -> None:
        """Take a sum as at least 0."""
        divisor = math.gcd(*terms.values())
        slack = self._slack({term: coefficient // divisor for term, coefficient in terms.items()})
        self._raise_lower(slack, Fraction(-(constant // divisor)))
        self._settle()
        kept = [(point, self._at(point, constant, terms)) for point in self._points]
        self._points = [point for point, here in kept if here is not None and here >= 0]

    def follows(self, constant: int, terms: Mapping[Monomial, int]) -> bool:
        """Tell whether a sum is at least 0 wherever the facts hold."""
        if not self._consistent:
            return False  # nothing that a run can reach; what is asked there must not be answered from it
        columns = {self._column(term): Fraction(coefficient) for term, coefficient in terms.items()}
        for point in self._points:
            here = self._at(point, constant, terms)
            if here is not None and here <= -1:  # of integers: at least 0 has the opposite at most -1
                return False
        kept = [*self._values]
        row = self._expressed(columns)
        asked = self._new(sum((kept[other] * factor for other, factor in row.items()), Fraction(0)))
        self._rows[asked] = row
        self._upper[asked] = Fraction(-constant - 1)
        possible = self._solve()
        if possible:
            self._points = [[*self._values[:-1]], *self._points[: _WITNESSES - 1]]
        self._remove(asked, kept)
        return possible is False

    def _at(self, point: list[Fraction], constant: int, terms: Mapping[Monomial, int]) -> Fraction | None:
        here = Fraction(constant)
        for term, coefficient in terms.items():
            column = self._columns[term]
            if column >= len(point):
                return None  # it says nothing of a later variable
            here += point[column] * coefficient
        return here

    # ---- the tableau ------------------------------------------------------------------------------------------------

    def _new(self, value: Fraction) -> int:
        self._lower.append(None)
        self._upper.append(None)
        self._values.append(value)
        return len(self._values) - 1

    def _column(self, monomial: Monomial) -> int:
        column = self._columns.get(monomial)
        if column is None:
            column = self._columns[monomial] = self._new(Fraction(0))
        return column

    def _slack(self, terms: Mapping[Monomial, int]) -> int:
        if len(terms) == 1:
            ((monomial, coefficient),) = terms.items()
            if coefficient == 1:
                return self._column(monomial)
        key = frozenset(terms.items())
        slack = self._slacks.get(key)
        if slack is None:
            columns = {self._column(term): Fraction(coefficient) for term, coefficient in terms.items()}
            row = self._expressed(columns)
            value = sum((self._values[other] * factor for other, factor in row.items()), Fraction(0))
            slack = self._slacks[key] = self._new(value)
            self._rows[slack] = row
        return slack

    def _expressed(self, columns: Mapping[int, Fraction]) -> dict[int, Fraction]:
        """Return a sum of variables as one of variables that have no row."""
        row: dict[int, Fraction] = {}
        for variable, factor in columns.items():
            for other, coefficient in self._rows.get(variable, {variable: Fraction(1)}).items():
                _increase(row, other, coefficient * factor)
        return row

    def _raise_lower(self, variable: int, limit: Fraction) -> None:
        known = self._lower[variable]
        if known is None or known < limit:
            self._lower[variable] = limit
            if variable not in self._rows and self._values[variable] < limit:
                self._move(variable, limit)
            self._points = [point for point in self._points if variable >= len(point) or point[variable] >= limit]

    def _reduce_upper(self, variable: int, limit: Fraction) -> None:
        known = self._upper[variable]
        if known is None or known > limit:
            self._upper[variable] = limit
            if variable not in self._rows and self._values[variable] > limit:
                self._move(variable, limit)
            self._points = [point for point in self._points if variable >= len(point) or point[variable] <= limit]

    def _move(self, variable: int, value: Fraction) -> None:
        step = value - self._values[variable]
        self._values[variable] = value
        for basic, row in self._rows.items():
            if variable in row:
                self._values[basic] += row[variable] * step

    def _settle(self) -> None:
        self._consistent = self._consistent and self._solve() is True

    def _solve(self) -> bool | None:
        """Move to a point that satisfies all bounds; return False if there is none, `None` if it was not found."""
        for _ in range(_PIVOTS):
            found = self._violated()
            if found is None:
                return True
            basic, goal, upwards = found
            entering = self._entering(self._rows[basic], upwards)
            if entering is None:
                return False
            coefficient = self._rows[basic][entering]
            self._move(entering, self._values[entering] + (goal - self._values[basic]) / coefficient)
            self._pivot(basic, entering)
        return None

    def _violated(self) -> tuple[int, Fraction, bool] | None:
        for basic in sorted(self._rows):  # the least, by which the method ends (Bland's rule)
            value, lower, upper = self._values[basic], self._lower[basic], self._upper[basic]
            if lower is not None and value < lower:
                return basic, lower, True
            if upper is not None and value > upper:
                return basic, upper, False
        return None

    def _entering(self, row: Mapping[int, Fraction], upwards: bool) -> int | None:
        for other in sorted(row):
            limit = self._upper[other] if (row[other] > 0) is upwards else self._lower[other]
            if limit is None or limit != self._values[other]:
                return other
        return None

    def _pivot(self, basic: int, entering: int) -> None:
        row = self._rows.pop(basic)
        coefficient = row.pop(entering)
        solved = {other: -factor / coefficient for other, factor in row.items()}
        solved[basic] = 1 / coefficient
        for other_row in self._rows.values():
            share = other_row.pop(entering, None)
            if share is not None:
                for other, factor in solved.items():
                    _increase(other_row, other, factor * share)
        self._rows[entering] = solved

    def _remove(self, asked: int, kept: list[Fraction]) -> None:
        """Forget the variable that came last, and go back to the point before it."""
        if asked not in self._rows:
            basic = next(basic for basic, row in self._rows.items() if asked in row)
            self._pivot(basic, asked)
        del self._rows[asked]
        self._lower.pop()
        self._upper.pop()
        self._values = kept


def _increase(row: dict[int, Fraction], variable: int, by: Fraction) -> None:
    known = row.get(variable, 0) + by
    if known:
        row[variable] = Fraction(known)
    else:
        row.pop(variable, None)
