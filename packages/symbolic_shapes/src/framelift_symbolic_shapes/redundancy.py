"""Which of the conditions that a capture relies on have to be checked: those that do not follow from the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from framelift_symbolic_shapes.bounding import bound
from framelift_symbolic_shapes.evaluation import value_at
from framelift_symbolic_shapes.expression import Call, Constant, Expression, Opaque, Relation, Symbol
from framelift_symbolic_shapes.facts import Facts
from framelift_symbolic_shapes.float_range import float_interval
from framelift_symbolic_shapes.guard import ShapeGuard
from framelift_symbolic_shapes.range import Range

__all__ = ["essential"]

_EFFORT = 256
"""The most conditions that are taken as known, one after the other, to see what follows; then the rest is kept."""
_TOTAL = frozenset({
    "FloorDiv", "Mod", "BitAnd", "BitOr", "BitXor", "Minimum", "Maximum", "IntAbs", "Product", "ToFloat", "FloatAdd",
    "FloatSub", "FloatMul", "TrueDiv", "Floor", "Ceil", "Trunc", "Round",
})  # fmt: skip
"""The operations that raise nothing, divisions by numbers included."""


def essential(guards: Sequence[ShapeGuard], hints: Mapping[Expression, float]) -> list[ShapeGuard]:
    """Return the guards that do not follow from the rest of those that are returned.

    When a condition is recorded it does not follow from those before it, yet it may from those after it: `s > 4` says
    `s >= 2`. What computes something that can raise, such as `s % t`, comes last, behind what says that it does not,
    which nothing that it says itself makes superfluous.

    Args:
        guards: conditions on symbols that have hints.
        hints: the value of each symbol in the run that is captured.

    >>> from framelift_symbolic_shapes.expression import Constant, Relation, Symbol
    >>> s = Symbol("s", int)
    >>> essential([ShapeGuard(Relation(">=", s, Constant(2))), ShapeGuard(Relation(">", s, Constant(4)))], {s: 8})
    [ShapeGuard(condition=s > 4, user_line=None)]
    """
    search = _Search(hints)
    superfluous: set[int] = set()
    for places in _related(guards):
        superfluous |= search.superfluous({place: guards[place].condition for place in places})
    kept = [guard for place, guard in enumerate(guards) if place not in superfluous]
    return sorted(kept, key=lambda guard: not _is_total(guard.condition))


def _related(guards: Sequence[ShapeGuard]) -> list[list[int]]:
    """Return the places of guards that have symbols in common, directly or by others; what stands alone is left out."""
    groups: list[tuple[set[Symbol], list[int]]] = []
    for place, guard in enumerate(guards):
        symbols, places = set(guard.condition.symbols), [place]
        apart = []
        for group in groups:
            if group[0].isdisjoint(symbols):
                apart.append(group)
            else:
                symbols |= group[0]
                places += group[1]
        groups = [*apart, (symbols, places)]
    return [sorted(places) for _, places in groups if len(places) > 1]


class _Search:
    def __init__(self, hints: Mapping[Expression, float]) -> None:
        self._hints = hints
        self._effort = _EFFORT

    def superfluous(self, conditions: dict[int, Expression]) -> set[int]:
        total = {place: condition for place, condition in conditions.items() if _is_total(condition)}
        found: set[int] = set()
        for place, condition in total.items():
            others = [other for at, other in total.items() if at != place and at not in found]
            if self._follows(condition, others):
                found.add(place)
        before = [condition for place, condition in total.items() if place not in found]
        for place, condition in conditions.items():
            if place in total:
                continue
            if self._follows(condition, before):
                found.add(place)
            else:
                before.append(condition)
        return found

    def _follows(self, condition: Expression, others: Sequence[Expression]) -> bool:
        if len(others) > self._effort or self._is_refuted(condition, others):
            return False
        self._effort -= len(others)
        facts = Facts()
        for symbol in condition.symbols.union(*[other.symbols for other in others]):
            facts.declare(symbol, Range())
        for other in sorted(others, key=_is_inequation):  # each asks what those before it make of it
            facts.assume(other)
        return facts.decide(condition) is True

    def _is_refuted(self, condition: Expression, others: Sequence[Expression]) -> bool:
        """Tell whether the others hold near the hints at a point where the condition does not: often there is one."""
        if not all(map(_is_total, (condition, *others))):
            return False
        symbols = condition.symbols.union(*[other.symbols for other in others])
        for symbol in condition.symbols:
            here = self._hints[symbol]
            equal = [other for other in symbols if self._hints[other] == here]
            for moved in ([symbol], equal):
                for value in (*_PLACES, here - 1, here + 1, here * 2):
                    point = dict(self._hints)
                    point.update(dict.fromkeys(moved, value))
                    if not value_at(condition, point) and all(value_at(other, point) for other in others):
                        return True
        return False


_PLACES = (0, 1, 2, 3, 2**40)


def _is_inequation(condition: Expression) -> bool:
    return isinstance(condition, Relation) and condition.sign == "!="


def _is_finite(expression: Expression) -> bool:
    """Tell whether a float is a number wherever the symbols are of 64 bits, as sizes are."""
    ranges: dict[Expression, Range] = dict.fromkeys(expression.symbols, Range(-(2**63), 2**63))
    limits = float_interval(expression, lambda part: bound(part, ranges))
    return limits is not None and all(map(math.isfinite, limits))


def _is_total(expression: Expression) -> bool:
    if isinstance(expression, Opaque) or (expression.kind is float and not _is_finite(expression)):
        return False
    if isinstance(expression, Call):
        if expression.name not in _TOTAL:
            return False
        divisor = expression.operands[-1]
        if expression.name in ("FloorDiv", "Mod") and not (isinstance(divisor, Constant) and divisor.value != 0):
            return False
    return all(map(_is_total, expression.operands))
