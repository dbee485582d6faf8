"""Intervals of numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TypeAlias

from framelift_symbolic_shapes.expression import Expression

__all__ = ["ANY", "Bound", "Bounds", "Range", "added", "is_infinite", "multiplied"]

Bound: TypeAlias = int | float
"""An integer, or an infinity."""

_INFINITY = math.inf


def is_infinite(limit: Bound) -> bool:
    """Tell whether a bound is none; `math.isinf` refuses integers of more than 308 digits.

    >>> is_infinite(10**400), is_infinite(float("-inf"))
    (False, True)
    """
    return limit in (_INFINITY, -_INFINITY)


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

Bounds: TypeAlias = Callable[[Expression], Range]


def added(a: Bound, b: Bound) -> Bound:
    """Return the sum of two bounds of one side.

    >>> added(10**400, float("inf"))
    inf
    """
    if is_infinite(a):
        return a
    return b if is_infinite(b) else a + b


def multiplied(a: Bound, b: Bound) -> Bound:
    """Return the product of two bounds.

    >>> multiplied(-(10**400), float("inf")), multiplied(0, float("inf"))
    (-inf, 0)
    """
    if a == 0 or b == 0:
        return 0  # 0 * inf is 0 here: infinity is a bound, never a value
    if is_infinite(a) or is_infinite(b):
        return _INFINITY if (a > 0) == (b > 0) else -_INFINITY
    return a * b
