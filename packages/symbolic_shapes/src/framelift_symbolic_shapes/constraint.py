"""Promises about sizes, and what is said when one is broken."""

from __future__ import annotations

import dataclasses

from framelift_symbolic_shapes.errors import ConstraintViolation
from framelift_symbolic_shapes.range import Bound, Range

__all__ = ["Constraint", "ConstraintViolation"]


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
      widen the range that was marked, or pass another input.
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
        remedy = "widen the range that was marked, or pass another input."
        if self.minimum is not None and value < self.minimum:
            raise ConstraintViolation(f"{self.name} must be at least {self.minimum}, and is {value};\n  {remedy}")
        if self.maximum is not None and value > self.maximum:
            raise ConstraintViolation(f"{self.name} must be at most {self.maximum}, and is {value};\n  {remedy}")

    def specialised(self, value: object, line: object) -> ConstraintViolation:
        """Return the error for a decision that left only one value."""
        where = f"\n  decided at {line}" if line is not None else ""
        return ConstraintViolation(
            f"{self.name} was marked dynamic, and was specialised to {value};{where}\n"
            "  unmark it, or change that line so that it does not depend on one value."
        )
