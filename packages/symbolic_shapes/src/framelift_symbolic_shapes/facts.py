"""What is known of the symbols, and which conditions follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from framelift_symbolic_shapes.axioms import axioms
from framelift_symbolic_shapes.bounding import bound, bound_monomial
from framelift_symbolic_shapes.congruence import Congruences, divided_factors, modulus_of, remainders, without_remainder
from framelift_symbolic_shapes.expression import (
    Call,
    Choice,
    Constant,
    Expression,
    Junction,
    Monomial,
    Not,
    Relation,
    Symbol,
    make_sum,
    negate,
    substitute,
    terms_of,
)
from framelift_symbolic_shapes.float_range import decide_floats
from framelift_symbolic_shapes.linear import Linear
from framelift_symbolic_shapes.persistence import Reader, Writer
from framelift_symbolic_shapes.products import primitive, products
from framelift_symbolic_shapes.range import Bound, Range, added, is_infinite, multiplied
from framelift_symbolic_shapes.simplification import simplify

__all__ = ["Facts"]

_COLUMNS = 64
"""The most products of atoms whose linear facts are taken together; of later ones, each fact is taken alone."""
_PRODUCTS = 128
"""The most products of facts that are looked at."""
_INNER = 16
"""The most inequations `a != b` that are asked, after each fact, whether they have become `a < b` or `a > b`."""
_CASES = 3
"""How many of `min`, `max` and `abs` are taken apart, each into two cases."""


class Facts:
    """Ranges, equalities and inequalities, and the conditions that follow from them.

    `version` grows with each fact that changes what an expression simplifies to.

    >>> from framelift_symbolic_shapes.expression import Relation
    >>> s = Symbol("s", int)
    >>> facts = Facts()
    >>> facts.declare(s, Range(2))
    >>> facts.decide(Relation(">=", s, Constant(1))), facts.decide(Relation(">=", s, Constant(5)))
    (True, None)
    >>> facts.assume(Relation(">=", s, Constant(5)))
    >>> facts.decide(Relation("!=", s, Constant(4)))
    True
    """

    def __init__(self) -> None:
        self.ranges: dict[Expression, Range] = {}
        self.replacements: dict[Expression, Expression] = {}
        self.version = 0
        self._replaced: dict[Expression, Expression] = {}  # as of that version
        self._replaced_at = 0
        self._unbacked: dict[Expression, None] = {}
        self._true: dict[Expression, None] = {}
        self._different: dict[Expression, None] = {}  # from 0
        self._inner: dict[Expression, None] = {}  # those that are not known to be on one side of it
        # Margins (expressions that are at least 0) of several symbols, without their constant: that constant. What is
        # known of one symbol alone is its range.
        self._margins: dict[Expression, int] = {}
        self._linear = Linear()
        self._pending: list[Expression] = []  # margins that it does not know yet
        self._multiplied: dict[Expression, None] = {}  # margins that are products of others, which it was told
        self._congruences = Congruences()
        self._moved = False  # whether it does not know the ranges as they are
        self._bounds: dict[Expression, Range] = {}
        self._decided: dict[Expression, bool] = {}  # facts are never taken back, so what follows from them stays
        self._undecided: set[Expression] = set()

    def to_json(self, writer: Writer) -> dict[str, Any]:
        """Return all that is known as JSON has it."""
        return {
            "ranges": [
                [writer.place(symbol), writer.range(values)]
                for symbol, values in self.ranges.items()
                if symbol not in self._congruences.quotients
            ],
            "replacements": [writer.places(pair) for pair in self.replacements.items()],
            "true": writer.places([*self._true]),
            "different": writer.places([*self._different]),
            "margins": [[writer.place(terms), constant] for terms, constant in self._margins.items()],
            "unbacked": writer.places([*self._unbacked]),
            "congruences": [[writer.place(dividend), modulus] for dividend, modulus in self._congruences.known],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any], reader: Reader) -> Facts:
        """Return what `to_json` told."""
        facts = cls()
        facts.ranges = {reader[place]: reader.range(limits) for place, limits in record["ranges"]}
        facts.replacements = {reader[one]: reader[other] for one, other in record["replacements"]}
        facts.version = len(facts.replacements)
        facts._true.update(dict.fromkeys(reader.operands(record["true"])))
        facts._different.update(dict.fromkeys(reader.operands(record["different"])))
        facts._inner.update(facts._different)
        facts._margins = {reader[place]: int(constant) for place, constant in record["margins"]}
        facts._pending = [terms + constant for terms, constant in facts._margins.items()]
        facts._unbacked.update(dict.fromkeys(reader.operands(record["unbacked"])))
        for place, modulus in record["congruences"]:
            facts._know_congruence(reader[place], int(modulus))
        return facts

    def declare(self, symbol: Expression, values: Range, unbacked: bool = False) -> None:
        """Introduce a symbol; equalities replace an unbacked one by others, and no other by an unbacked one."""
        self.ranges[symbol] = values
        if unbacked:
            self._unbacked[symbol] = None
        self._forget_bounds()

    def bound(self, expression: Expression) -> Range:
        """Return a range that holds every value of an integer expression."""
        known = self._bounds.get(expression)
        return bound(expression, self.ranges, self._bounds) if known is None else known

    def replace(self, expression: Expression) -> Expression:
        """Return `expression` with the symbols and terms whose value is known replaced."""
        if not self.replacements:
            return expression
        if self._replaced_at != self.version:
            self._replaced.clear()
            self._replaced_at = self.version
        for _ in range(len(self.replacements) + 1):  # a replacement may hold a symbol that was replaced later
            replaced = substitute(expression, self.replacements, self._build, self._replaced)
            if replaced is expression or replaced == expression:
                break
            expression = replaced
        return expression

    def _build(self, name: str, operands: tuple[Expression, ...]) -> Expression:
        return simplify(name, operands, self.bound)

    def decide(self, condition: Expression) -> bool | None:
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

    def _decide(self, condition: Expression) -> bool | None:
        if isinstance(condition, Constant):
            return bool(condition.value)
        if condition in self._true:
            return True
        if isinstance(condition, Not):
            answer = self.decide(condition.operand)
            return None if answer is None else not answer
        if isinstance(condition, Junction):
            return self._decide_junction(condition, condition.any_of)
        if isinstance(condition, Choice):
            return self._decide_choice(condition)
        if isinstance(condition, Relation):
            if negate(condition) in self._true:
                return False
            return self._decide_relation(condition)
        return None

    def _decide_choice(self, condition: Choice) -> bool | None:
        chosen = self.decide(condition.condition)
        if chosen is not None:
            return self.decide(condition.then if chosen else condition.otherwise)
        then = self.decide(condition.then)
        return then if then is not None and then is self.decide(condition.otherwise) else None

    def _decide_junction(self, condition: Junction, dominant: bool) -> bool | None:
        answers = [self.decide(operand) for operand in condition.operands]
        if dominant in answers:
            return dominant
        return None if None in answers else not dominant

    def _decide_relation(self, relation: Relation) -> bool | None:
        if not _of_integers(relation):
            return decide_floats(relation, self.bound)
        difference = primitive(relation.left - relation.right, self.bound)
        forms = [difference]
        if self._congruences.known:
            written = self._written(difference)
            if written != difference:
                forms.insert(0, primitive(written, self.bound))  # often a number by now
        for form in forms:
            answer = self._compare(relation.sign, form)
            if answer is not None:
                return answer
        plain = self._without_remainders(forms[0])
        if plain != forms[0]:
            answer = self._compare(relation.sign, primitive(plain, self.bound))
            if answer is not None:
                return answer
        return self._compare_by_cases(relation.sign, forms[0], _CASES)

    def _without_remainders(self, expression: Expression) -> Expression:
        """Return an expression with n - m * (n // m) for each n % m: products of such terms may cancel."""
        found: dict[Expression, Expression] = {
            part: without_remainder(part, self._build) for part in remainders(expression)
        }
        return substitute(expression, found, self._build) if found else expression

    def _compare(self, sign: str, difference: Expression) -> bool | None:
        """Return how `difference` compares with 0."""
        if sign in ("==", "!="):
            equal = self._is_zero(difference)
            return equal if equal is None or sign == "==" else not equal
        larger, least = _margin(sign, difference)
        if self._is_at_least(larger, least):
            return True
        return False if self._is_at_least(-larger, 1 - least) else None

    def _compare_by_cases(self, sign: str, difference: Expression, most: int) -> bool | None:
        """Return how `difference` compares with 0 if that is so whichever operand `min`, `max` and `abs` give."""
        atoms = [atom for monomial in terms_of(difference)[1] for atom, _ in monomial]
        found = next((atom for atom in atoms if _has_cases(atom)), None) if most else None
        if found is None:
            return None
        one, other = found.operands if len(found.operands) == 2 else (-found.operands[0], found.operands[0])
        answers = set()
        for less, more in ((one, other), (other, one)):
            if self._follows(less - more, 1):
                continue  # it never is the case
            case = substitute(difference, _cases(less, more), self._build)
            here = self._compare(sign, primitive(case, self.bound))
            answers.add(self._compare_by_cases(sign, case, most - 1) if here is None else here)
            if self._follows(more - less, 0):
                break  # it always is
        return answers.pop() if len(answers) == 1 else None

    def _written(self, expression: Expression) -> Expression:
        """Return an expression by what congruences say; the ranges of the quotients in it are those of now."""
        if self._moved:
            self._limit_quotients()
        return self._congruences.written(expression, self._build)

    def _limit_quotients(self) -> None:
        for quotient in self._congruences.quotients:
            self.ranges[quotient] = self._congruences.range(quotient, self.bound)
            self._bounds.clear()

    def _know_congruence(self, dividend: Expression, modulus: int) -> None:
        for symbol in self._congruences.assume(dividend, modulus, self._build):
            form = self._congruences.forms[symbol]
            self._pending += [symbol - form, form - symbol]
        self._limit_quotients()
        self._forget_bounds()

    def value(self, expression: Expression) -> int | None:
        """Return the value of an integer expression, where it is known.

        >>> s = Symbol("s", int)
        >>> facts = Facts()
        >>> facts.declare(s, Range(2))
        >>> facts.assume(Relation("==", Call("Mod", (s, Constant(8))), Constant(3)))
        >>> facts.value(Call("Mod", (s * 2, Constant(4))))
        2
        """
        values = self.bound(expression)
        if not values.is_singleton() and (self.replacements or self._congruences.known):
            values = self.bound(self._written(self.replace(expression)))
        return int(values.lower) if values.is_singleton() else None

    def _is_zero(self, difference: Expression) -> bool | None:
        here = self.bound(difference)
        if here.is_singleton():
            return here.lower == 0
        if _indivisible(difference) or _incongruent(difference) or self._congruences.excludes(difference):
            return False
        if self._is_at_least(difference, 1) or self._is_at_least(-difference, 1):
            return False
        if self._is_at_least(difference, 0) and self._is_at_least(-difference, 0):
            return True
        return False if self._differs(difference) else None

    def _is_at_least(self, expression: Expression, least: int) -> bool:
        if self._follows(expression, least):
            return True
        # At least one less, and not that.
        below = expression - (least - 1)
        return bool(self._different) and self._differs(below) and self._follows(below, 0)

    def _differs(self, difference: Expression) -> bool:
        return difference in self._different or -difference in self._different

    def _follows(self, expression: Expression, least: int) -> bool:
        if self.bound(expression).lower >= least:
            return True
        constant, terms = terms_of(expression)
        known = self._margins.get(expression - constant)
        if known is not None and constant - known >= least:
            return True
        if not terms or (not self._margins and not self._pending and all(map(_is_single_symbol, terms))):
            return False
        if self._prepare(terms):
            if self._linear.follows(constant - least, terms):
                return True
            if all(map(_is_single, terms)) and not any(map(_is_quotient, terms)):
                return False
            if self._multiply(terms) and self._linear.follows(constant - least, terms):
                return True
        inner = self._of_dividend(expression - least)
        if inner is not None and self._follows(inner, 0):
            return True
        return self._follows_from_one(expression, least)

    def _prepare(self, terms: Mapping[Monomial, int]) -> bool:
        """Tell the linear facts what they do not know yet, within bounds; return whether they know these terms."""
        linear = self._linear
        if self._moved:
            self._limit_quotients()
            linear.limit(lambda monomial: bound_monomial(monomial, self.bound))
            self._moved = False
        self._introduce(terms)
        while self._pending and len(linear) < _COLUMNS:
            margin = self._pending.pop()
            constant, margin_terms = terms_of(margin)
            if margin_terms:
                self._introduce(margin_terms)
                linear.assume(constant, margin_terms)
        return all(term in linear for term in terms)

    def _multiply(self, terms: Mapping[Monomial, int]) -> bool:
        """Tell the linear facts what follows of these products; return whether that is more than they knew."""
        linear, before = self._linear, len(self._multiplied)
        for monomial in terms:
            if _is_single(monomial):
                continue
            margins = [terms_ + constant for terms_, constant in self._margins.items()]
            for margin in products(monomial, margins, self.bound):
                if len(self._multiplied) >= _PRODUCTS or margin in self._multiplied:
                    continue
                constant, found = terms_of(margin)
                if found and len(found) + len(linear) <= _COLUMNS:
                    self._multiplied[margin] = None
                    self._introduce(found)
                    linear.assume(constant, found)
        return len(self._multiplied) > before

    def _introduce(self, terms: Mapping[Monomial, int]) -> None:
        for monomial in terms:
            if monomial in self._linear or len(self._linear) >= _COLUMNS:
                continue
            self._linear.introduce(monomial, bound_monomial(monomial, self.bound))
            for atom, _ in monomial:
                self._pending += axioms(atom, self._build, self.bound)

    def _follows_from_one(self, expression: Expression, least: int) -> bool:
        constant, terms = terms_of(expression)
        symbols = expression.symbols
        return any(
            self._exceeds(terms, constant - margin_constant, margin, least)
            for margin, margin_constant in self._margins.items()
            if not symbols.isdisjoint(margin.symbols)
        )

    def _exceeds(self, terms: Mapping[Monomial, int], constant: int, margin: Expression, least: int) -> bool:
        """Tell whether `terms + constant - margin` is at least `least`, whatever the symbols are."""
        coefficients = dict(terms)
        for term, coefficient in terms_of(margin)[1].items():
            coefficients[term] = coefficients.get(term, 0) - coefficient
        total: Bound = constant
        linear = True
        for term, coefficient in coefficients.items():
            if coefficient == 0:
                continue
            here = bound_monomial(term, self.bound)
            total = added(total, multiplied(coefficient, here.lower if coefficient > 0 else here.upper))
            linear = linear and len(term) == 1
        if total >= least or linear:
            return total >= least
        # Products need a second look: t * (s - 1) has a bound where s * t - t has none, term by term.
        left = {term: coefficient for term, coefficient in coefficients.items() if coefficient}
        return self.bound(make_sum(0, left)).lower + constant >= least

    def _of_dividend(self, margin: Expression) -> Expression | None:
        """Return `a - l * n` for `a // n >= l`, and `u * n + n - 1 - a` for `a // n <= u`: the same where n > 0."""
        constant, terms = terms_of(margin)
        if len(terms) != 1:
            return None
        ((monomial, coefficient),) = terms.items()
        ((atom, exponent), *others) = monomial
        if others or exponent != 1 or not (isinstance(atom, Call) and atom.name == "FloorDiv"):
            return None
        dividend, divisor = atom.operands
        if self.bound(divisor).lower <= 0:
            return None
        if coefficient > 0:
            return dividend - divisor * -(constant // coefficient)
        return divisor * (constant // -coefficient + 1) - 1 - dividend

    def _know_margin(self, margin: Expression) -> None:
        inner = self._of_dividend(margin)
        if inner is not None:
            self._know_margin(inner)
        if len(margin.symbols) > 1 or not self._tighten(margin):
            constant = terms_of(margin)[0]
            terms = margin - constant
            self._margins[terms] = min(constant, self._margins.get(terms, constant))
            self._pending.append(margin)

    def assume(self, condition: Expression) -> None:
        """Take `condition` as true from now on."""
        condition = self.replace(condition)
        if isinstance(condition, Constant):
            return
        self._true[condition] = None
        if isinstance(condition, Junction) and not condition.any_of:
            for operand in condition.operands:
                self.assume(operand)
        elif isinstance(condition, Relation) and _of_integers(condition):
            self._assume_relation(condition)
        self._undecided.clear()

    def _assume_relation(self, relation: Relation) -> None:
        difference = relation.left - relation.right
        shorter = primitive(difference, self.bound)
        if shorter != difference:
            self._assume_relation(Relation(relation.sign, shorter, Constant(0)))
            if relation.sign == "==" and not isinstance(relation.right, Constant):
                return
        if relation.sign == "==":
            self._equal(relation, difference)
            self._exclude_ends(self._inner)
            return
        if relation.sign == "!=":
            self._different[difference] = self._inner[difference] = None
            plain = primitive(self._without_remainders(difference), self.bound)
            self._different[plain] = None
            self._exclude_ends([difference])
            return
        larger, least = _margin(relation.sign, difference)
        self._know_margin(larger - least)
        self._exclude_ends(self._inner)

    def _equal(self, relation: Relation, difference: Expression) -> None:
        # The symbol that came last goes first: names that the user has seen stay.
        order = {symbol: (symbol in self._unbacked, place) for place, symbol in enumerate(self.ranges)}
        constant, terms = terms_of(difference)
        for symbol in sorted(difference.symbols & order.keys(), key=order.__getitem__, reverse=True):
            coefficient = terms.get(symbol.monomial, 0)
            rest = difference - symbol * coefficient
            if coefficient == 0 or symbol in rest.symbols:
                continue
            if symbol not in self._unbacked and not self._unbacked.keys().isdisjoint(rest.symbols):
                continue  # a guard on the symbol would become one on what is not known when guards are checked
            if all(known % coefficient == 0 for known in (constant, *terms.values())):
                others = {term: -known // coefficient for term, known in terms.items() if term != symbol.monomial}
                self._substitute(symbol, make_sum(-constant // coefficient, others))
                return
        self._know_margin(difference)
        self._know_margin(-difference)
        divided = modulus_of(difference)
        if divided is not None:
            self._know_congruence(*divided)
        for factor, divisor in divided_factors(difference):
            if self.bound(factor).lower > 0:
                self._know_congruence(factor, divisor)
        for side, value in ((relation.left, relation.right), (relation.right, relation.left)):
            if not isinstance(side, (Symbol, Constant)) and isinstance(value, Constant):
                self.replacements[side] = value  # such as s % 8 == 0
                self.version += 1
                return

    def _substitute(self, symbol: Expression, value: Expression) -> None:
        values = self.ranges.get(symbol, Range())
        self.replacements[symbol] = value
        self.version += 1
        self._forget_bounds()
        self._true = dict.fromkeys([self.replace(condition) for condition in self._true])
        self._different = dict.fromkeys([self.replace(difference) for difference in self._different])
        self._inner = dict(self._different)
        self._linear, self._pending, self._multiplied = Linear(), [], {}
        congruences, self._congruences = self._congruences, Congruences()
        for quotient in congruences.quotients:
            del self.ranges[quotient]
        for dividend, modulus in congruences.known:
            self._know_congruence(self.replace(dividend), modulus)
        margins, self._margins = self._margins, {}
        for terms, constant in margins.items():
            self._know_margin(self.replace(terms + constant))
        # What was known of the symbol is known of its value.
        if isinstance(value, Constant):
            return
        if not is_infinite(values.lower):
            self._know_margin(value - int(values.lower))
        if not is_infinite(values.upper):
            self._know_margin(-value + int(values.upper))

    def _tighten(self, margin: Expression) -> bool:
        """Use `coefficient * symbol + constant >= 0`; return whether the range says all of it."""
        constant, terms = terms_of(margin)
        if not terms:
            return True  # a number says nothing of any symbol
        if len(terms) > 1:
            return False
        ((term, coefficient),) = terms.items()
        ((symbol, exponent), *others) = term
        if others or exponent != 1 or not isinstance(symbol, Symbol):
            return False
        here = self.ranges.get(symbol, Range())
        if coefficient < 0:
            return self._narrow(symbol, here, Range(upper=constant // -coefficient))
        return self._narrow(symbol, here, Range(lower=-(constant // coefficient)))

    def _exclude_ends(self, differences: Iterable[Expression]) -> None:
        """Use each `difference != 0` where 0 has become an end of its range; that may make it an end of another's."""
        asked = [*differences][-_INNER:]
        while asked:
            moved = False
            for difference in asked:
                for side in (difference, -difference):
                    if difference in self._inner and self._follows(side, 0):
                        del self._inner[difference]
                        self._know_margin(side - 1)
                        moved = True
            asked = [*self._inner][-_INNER:] if moved else []

    def _narrow(self, symbol: Expression, here: Range, limit: Range) -> bool:
        if max(here.lower, limit.lower) > min(here.upper, limit.upper):
            return False
        narrower = here & limit
        if narrower != here:
            self.ranges[symbol] = narrower
            self._forget_bounds()
            if narrower.is_singleton():
                self._substitute(symbol, Constant(int(narrower.lower)))
        return True

    def _forget_bounds(self) -> None:
        self._moved = True
        self._bounds.clear()
        self._undecided.clear()


def _is_single_symbol(monomial: Monomial) -> bool:
    return _is_single(monomial) and all(isinstance(atom, Symbol) for atom, _ in monomial)


def _is_single(monomial: Monomial) -> bool:
    return len(monomial) == 1 and all(exponent == 1 for _, exponent in monomial)


def _is_quotient(monomial: Monomial) -> bool:
    """Tell whether it is one division by what is no number: of those by numbers, the linear facts know all."""
    ((atom, _), *others) = monomial
    return (
        not others and isinstance(atom, Call) and atom.name == "FloorDiv" and not isinstance(atom.operands[1], Constant)
    )


def _margin(sign: str, difference: Expression) -> tuple[Expression, int]:
    """Return what an inequality says to be at least 0, or at least 1."""
    return {"<": (-difference, 1), "<=": (-difference, 0), ">": (difference, 1), ">=": (difference, 0)}[sign]


def _has_cases(atom: Expression) -> bool:
    return isinstance(atom, Call) and atom.name in ("Minimum", "Maximum", "IntAbs")


def _cases(less: Expression, more: Expression) -> dict[Expression, Expression]:
    """Return what `min`, `max` and `abs` give where `less <= more`."""
    cases: dict[Expression, Expression] = {}
    for pair in ((less, more), (more, less)):
        cases[Call("Minimum", pair)], cases[Call("Maximum", pair)] = less, more
    if less == -more:
        cases[Call("IntAbs", (more,))] = cases[Call("IntAbs", (less,))] = more
    return cases


def _of_integers(relation: Relation) -> bool:
    return relation.left.kind is int and relation.right.kind is int


def _indivisible(difference: Expression) -> bool:
    """Tell whether `2 * (…) + 1` and the like: a constant that no multiple of the terms' common factor cancels."""
    constant, terms = terms_of(difference)
    divisor = math.gcd(*terms.values())
    return divisor > 1 and constant % divisor != 0


def _incongruent(difference: Expression) -> bool:
    """Tell whether `(2 * (…) + 1) % 4` and the like, which is 0 nowhere."""
    divided = modulus_of(difference)
    if divided is None:
        return False
    constant, terms = terms_of(divided[0])
    return constant % math.gcd(divided[1], *terms.values()) != 0
