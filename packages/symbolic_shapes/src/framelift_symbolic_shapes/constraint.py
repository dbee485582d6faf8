"""Promises about sizes, and what is said when one is broken."""

from __future__ import annotations

import dataclasses

from framelift_symbolic_shapes.errors import ConstraintViolation
from framelift_symbolic_shapes.range import Bound, Range, is_infinite

__all__ = ["Constraint", "ConstraintViolation", "Freedom"]


@dataclasses.dataclass(frozen=True, slots=True)
class Freedom:
    """How a size may vary: what `ShapeEnv.create_symbol` is asked for.

    Args:
        minimum: the least value that was promised, if any.
        maximum: the greatest value that was promised, if any.
        strict: it must stay free: a decision that takes values from it is an error.
        shared: sizes that are equal now share a symbol, and have to be equal again.

    >>> Freedom(maximum=8)
    Freedom(minimum=None, maximum=8, strict=False, shared=False)
    """

    minimum: int | None = None
    maximum: int | None = None
    strict: bool = False
    shared: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Constraint:
    """What the user promised of a size.

    Args:
        name: the size, such as `L['x'].size()[0]`.
        minimum: the least value, if any.
        maximum: the greatest value, if any.
        strict: the size must stay free: a decision that leaves only one value is an error, not a specialisation.

    >>> Constraint("L['x'].size()[0]", maximum=8).check(9)
    Traceback (most recent call last):
    framelift_symbolic_shapes.errors.ConstraintViolation: L['x'].size()[0] must be at most 8, and is 9;
      widen the range that was marked, or pass another input
    """

    name: str
    minimum: int | None = None
    maximum: int | None = None
    strict: bool = False

    @property
    def range(self) -> Range:
        """The values that the promise allows."""
        infinity: Bound = float("inf")
        lower: Bound = -infinity if self.minimum is None else self.minimum
        return Range(lower, infinity if self.maximum is None else self.maximum)

    def check(self, value: float) -> None:
        """Check the value of the run that is captured.

        Raises:
            ConstraintViolation: it is outside of the promised range.
        """
        remedy = "widen the range that was marked, or pass another input"
        if self.minimum is not None and value < self.minimum:
            raise ConstraintViolation(self.name, f"must be at least {self.minimum}", str(value), remedy)
        if self.maximum is not None and value > self.maximum:
            raise ConstraintViolation(self.name, f"must be at most {self.maximum}", str(value), remedy)

    @property
    def is_bounded(self) -> bool:
        """Whether a range was promised."""
        return self.minimum is not None or self.maximum is not None

    def unequal(self, value: object, other: str, other_value: object, line: object) -> ConstraintViolation:
        """Return the error for two sizes that were promised to be equal, and are not."""
        return ConstraintViolation(
            self.name,
            f"must be equal to {other}",
            f"{value} where that is {other_value}",
            "pass inputs whose sizes are equal, or do not promise it",
            line,
        )

    def zero_or_one(self, value: object) -> ConstraintViolation:
        """Return the error for a size that must stay free, and is one of the two that never do."""
        return ConstraintViolation(
            self.name,
            "was marked dynamic",
            f"{value}, and sizes 0 and 1 are always specialised",
            "use maybe_mark_dynamic instead, or make the first call with a larger size",
        )

    def specialised(self, value: object, condition: str, line: object) -> ConstraintViolation:
        """Return the error for a decision that left only one value."""
        by = "" if condition in (f"{self.name} == {value}", f"{value} == {self.name}") else f" by {condition}"
        return ConstraintViolation(
            self.name,
            "was marked dynamic",
            f"specialised to {value}{by}",
            "make that line work for any size (what it has to equal there needs the mark, too), or use "
            "maybe_mark_dynamic instead",
            line,
        )

    def restricted(self, condition: str, narrower: Range | None, line: object) -> ConstraintViolation:
        """Return the error for a decision that does not hold in all of the promised range.

        Args:
            condition: what was decided, as text.
            narrower: the range that could be promised instead, if it is a range in which the condition holds.
            line: the user's line.
        """
        remedy = "mark it without a range"
        if narrower is not None:
            limits = [("min", self.minimum, narrower.lower), ("max", self.maximum, narrower.upper)]
            changed = [f"{word}={limit}" for word, known, limit in limits if limit != known and not is_infinite(limit)]
            remedy = f"mark it with {' and '.join(changed)}"
        return ConstraintViolation(
            self.name,
            f"was marked to be {_told(self.range)}",
            f"limited by {condition}",
            f"{remedy}, or make that line do the same for all of these sizes",
            line,
        )


def _told(values: Range) -> str:
    """Return a range as a user says it.

    >>> _told(Range(2)), _told(Range(2, 8))
    ('at least 2', 'from 2 to 8')
    """
    if is_infinite(values.upper):
        return f"at least {values.lower}"
    return f"at most {values.upper}" if is_infinite(values.lower) else f"from {values.lower} to {values.upper}"
