"""What is known of the symbols, and which conditions follow from it."""

from __future__ import annotations

import math
from typing import Any

from framelift_symbolic_shapes.deferred import functions, sympy
from framelift_symbolic_shapes.range import Range, bound

__all__ = ["Facts"]


class Facts:
    """Ranges, equalities and inequalities, and the conditions that follow from them.

    `version` grows with each fact that changes what an expression simplifies to.

    >>> from framelift_symbolic_shapes.deferred import sympy
    >>> s = sympy.Symbol("s", integer=True)
    >>> facts = Facts()
    >>> facts.declare(s, Range(2))
    >>> facts.decide(sympy.Ge(s, 1)), facts.decide(sympy.Ge(s, 5))
    (True, None)
    >>> facts.assume(sympy.Ge(s, 5))
    >>> facts.decide(sympy.Ne(s, 4))
    True
    """

    def __init__(self) -> None:
        self.ranges: dict[Any, Range] = {}
        self.replacements: dict[Any, Any] = {}
        self.version = 0
        self._unbacked: set[Any] = set()
        self._true: set[Any] = set()
        # Margins (expressions that are at least 0) of several symbols, without their constant: that constant. What is
        # known of one symbol alone is its range.
        self._margins: dict[Any, int] = {}
        self._bounds: dict[Any, Range] = {}
        self._decided: dict[Any, bool] = {}  # facts are never taken back, so what follows from them stays
        self._undecided: set[Any] = set()

    def declare(self, symbol: Any, values: Range, unbacked: bool = False) -> None:
        """Introduce a symbol; equalities replace an unbacked one by others, and no other by an unbacked one."""
        self.ranges[symbol] = values
        if unbacked:
            self._unbacked.add(symbol)
        self._forget_bounds()

    def bound(self, expression: Any) -> Range:
        """Return a range that holds every value of an integer expression."""
        known = self._bounds.get(expression)
        if known is None:
            known = self._bounds[expression] = bound(expression, self.ranges)
        return known

    def replace(self, expression: Any) -> Any:
        """Return `expression` with the symbols and terms whose value is known replaced."""
        if not self.replacements:
            return expression
        for _ in range(len(self.replacements) + 1):  # a replacement may hold a symbol that was replaced later
            replaced = expression.xreplace(self.replacements)
            if replaced == expression:
                break
            expression = replaced
        return expression

    def decide(self, condition: Any) -> bool | None:
        """Return whether `condition` holds, as far as it follows from the facts."""
        known = self._decided.get(condition)
        if known is not None or condition in self._undecided:
            return known
        answer = self._decide(self.replace(condition))
        if answer is None:
            self._undecided.add(condition)
        else:
            self._decided[condition] = answer
        return answer

    def _decide(self, condition: Any) -> bool | None:
        value = functions.number(condition)
        if value is not None:
            return bool(value)
        if condition in self._true:
            return True
        if isinstance(condition, sympy.Not):
            answer = self.decide(condition.args[0])
            return None if answer is None else not answer
        if isinstance(condition, (sympy.And, sympy.Or)):
            return self._decide_junction(condition, isinstance(condition, sympy.Or))
        if condition.is_Relational:
            if sympy.Not(condition) in self._true:
                return False
            return self._decide_relation(condition)
        return None

    def _decide_junction(self, condition: Any, dominant: bool) -> bool | None:
        answers = [self.decide(operand) for operand in condition.args]
        if dominant in answers:
            return dominant
        return None if None in answers else not dominant

    def _decide_relation(self, relation: Any) -> bool | None:
        if not _of_integers(relation):
            return None
        difference = _expand(relation.lhs - relation.rhs)
        if relation.is_Equality or relation.rel_op == "!=":
            equal = self._is_zero(difference)
            return equal if equal is None or relation.is_Equality else not equal
        # Each of the others says that some difference is at least 0 or at least 1.
        larger, least = {
            "<": (-difference, 1), "<=": (-difference, 0), ">": (difference, 1), ">=": (difference, 0)
        }[relation.rel_op]  # fmt: skip
        if self._is_at_least(larger, least):
            return True
        return False if self._is_at_least(-larger, 1 - least) else None

    def _is_zero(self, difference: Any) -> bool | None:
        if self._is_at_least(difference, 1) or self._is_at_least(-difference, 1):
            return False
        here = self.bound(difference)
        if here.is_singleton():
            return here.lower == 0
        if _indivisible(difference):
            return False
        if self._is_at_least(difference, 0) and self._is_at_least(-difference, 0):
            return True
        if sympy.Ne(difference, 0) in self._true or sympy.Ne(-difference, 0) in self._true:
            return False
        return None

    def _is_at_least(self, expression: Any, least: int) -> bool:
        if self.bound(expression).lower >= least:
            return True
        if not self._margins:
            return False
        constant, terms = expression.as_coeff_Add()
        known = self._margins.get(terms)
        if known is not None and constant - known >= least:
            return True
        symbols = expression.free_symbols
        return any(
            self._exceeds(terms, int(constant) - margin_constant, margin, least)
            for margin, margin_constant in self._margins.items()
            if not symbols.isdisjoint(margin.free_symbols)
        )

    def _exceeds(self, terms: Any, constant: int, margin: Any, least: int) -> bool:
        """Tell whether `terms + constant - margin` is at least `least`, whatever the symbols are."""
        coefficients = dict(terms.as_coefficients_dict())
        for term, coefficient in margin.as_coefficients_dict().items():
            coefficients[term] = coefficients.get(term, 0) - coefficient
        total: float = constant
        linear = True
        for term, coefficient in coefficients.items():
            if coefficient == 0:
                continue
            here = self.bound(term)
            total += int(coefficient) * (here.lower if coefficient > 0 else here.upper)
            linear = linear and term.is_Symbol
        # Products need a second look: t * (s - 1) has a bound where s * t - t has none, term by term.
        return total >= least or (not linear and self.bound(_expand(terms + constant - margin)).lower >= least)

    def _know_margin(self, margin: Any) -> None:
        if len(margin.free_symbols) > 1 or not self._tighten(margin):
            constant, terms = margin.as_coeff_Add()
            self._margins[terms] = min(int(constant), self._margins.get(terms, int(constant)))

    def assume(self, condition: Any) -> None:
        """Take `condition` as true from now on."""
        condition = self.replace(condition)
        if functions.number(condition) is not None:
            return
        self._true.add(condition)
        if isinstance(condition, sympy.And):
            for operand in condition.args:
                self.assume(operand)
        elif isinstance(condition, sympy.Not):
            self._assume_not(condition.args[0])
        elif condition.is_Relational and _of_integers(condition):
            self._assume_relation(condition)
        self._undecided.clear()

    def _assume_not(self, condition: Any) -> None:
        if isinstance(condition, sympy.Or):
            for operand in condition.args:
                self.assume(sympy.Not(operand))

    def _assume_relation(self, relation: Any) -> None:
        difference = _expand(relation.lhs - relation.rhs)
        if relation.is_Equality:
            self._equal(relation, difference)
            return
        if relation.rel_op == "!=":
            self._true.add(sympy.Ne(difference, 0))
            self._exclude(difference)
            return
        margin = {"<": -difference - 1, "<=": -difference, ">": difference - 1, ">=": difference}[relation.rel_op]
        self._know_margin(margin)

    def _equal(self, relation: Any, difference: Any) -> None:
        # The symbol that came last goes first: names that the user has seen stay.
        order = {symbol: (symbol in self._unbacked, place) for place, symbol in enumerate(self.ranges)}
        for symbol in sorted(difference.free_symbols & order.keys(), key=order.__getitem__, reverse=True):
            coefficient = difference.coeff(symbol)
            rest = difference - coefficient * symbol
            if not coefficient.is_Integer or coefficient == 0 or symbol in rest.free_symbols:
                continue
            if symbol not in self._unbacked and not self._unbacked.isdisjoint(rest.free_symbols):
                continue  # a guard on the symbol would become one on what is not known when guards are checked
            if abs(coefficient) == 1 or (rest.is_Integer and rest % coefficient == 0):
                self._substitute(symbol, _expand(-rest / coefficient))
                return
        for side, value in ((relation.lhs, relation.rhs), (relation.rhs, relation.lhs)):
            if not side.is_Symbol and not side.is_Integer and value.is_Integer:
                self.replacements[side] = value  # such as s % 8 == 0
                self.version += 1
                return

    def _substitute(self, symbol: Any, value: Any) -> None:
        values = self.ranges.get(symbol, Range())
        self.replacements[symbol] = value
        self.version += 1
        self._forget_bounds()
        self._true = {self.replace(condition) for condition in self._true}
        margins, self._margins = self._margins, {}
        for terms, constant in margins.items():
            self._know_margin(_expand(self.replace(terms + constant)))
        # What was known of the symbol is known of its value.
        for limit, margin in ((values.lower, value - values.lower), (values.upper, values.upper - value)):
            if not math.isinf(limit) and not value.is_Integer:
                self._know_margin(margin)

    def _tighten(self, margin: Any) -> bool:
        """Use `coefficient * symbol + constant >= 0`; return whether the range says all of it."""
        symbols = margin.free_symbols
        if len(symbols) != 1:
            return not symbols  # a number says nothing of any symbol
        (symbol,) = symbols
        coefficient = margin.coeff(symbol)
        constant = margin - coefficient * symbol
        if not (coefficient.is_Integer and constant.is_Integer) or coefficient == 0:
            return False
        here = self.ranges.get(symbol, Range())
        if coefficient > 0:
            limit = Range(lower=-(int(constant) // int(coefficient)))
        else:
            limit = Range(upper=int(constant) // -int(coefficient))
        return self._narrow(symbol, here, limit)

    def _exclude(self, difference: Any) -> None:
        """Use `symbol != constant` where the constant is an end of the symbol's range."""
        symbols = difference.free_symbols
        if len(symbols) != 1:
            return
        (symbol,) = symbols
        coefficient, constant = difference.coeff(symbol), difference.subs(symbol, 0)
        if abs(coefficient) != 1 or difference != coefficient * symbol + constant:
            return
        value, here = int(-constant / coefficient), self.ranges.get(symbol, Range())
        if value == here.lower:
            self._narrow(symbol, here, Range(lower=value + 1))
        elif value == here.upper:
            self._narrow(symbol, here, Range(upper=value - 1))

    def _narrow(self, symbol: Any, here: Range, limit: Range) -> bool:
        if max(here.lower, limit.lower) > min(here.upper, limit.upper):
            return False
        narrower = here & limit
        if narrower != here:
            self.ranges[symbol] = narrower
            self._forget_bounds()
        return True

    def _forget_bounds(self) -> None:
        self._bounds.clear()
        self._undecided.clear()


def _of_integers(relation: Any) -> bool:
    return bool(relation.lhs.is_integer and relation.rhs.is_integer)


def _expand(expression: Any) -> Any:
    return expression.expand() if expression.has(sympy.Mul, sympy.Pow) else expression


def _indivisible(difference: Any) -> bool:
    """Tell whether `2 * (…) + 1` and the like: a constant that no multiple of the terms' common factor cancels."""
    constant, terms = difference.as_coeff_Add()
    if not terms.is_Add and not terms.is_Mul:
        return False
    divisor = math.gcd(*[int(term.as_coeff_Mul()[0]) for term in sympy.Add.make_args(terms)])
    return divisor > 1 and int(constant) % divisor != 0
