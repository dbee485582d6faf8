"""What can go wrong with symbolic numbers."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ComplexResult",
    "ConstraintViolation",
    "DataDependentCondition",
    "ForeignSymbol",
    "InvalidSize",
    "MalformedRecord",
    "RuntimeAssertionFailed",
    "ShapeError",
]


class ShapeError(Exception):
    """The base of the errors of this package.

    >>> issubclass(ConstraintViolation, ShapeError)
    True
    """


class ComplexResult(ShapeError, TypeError):
    """A power of a negative number is complex, and symbolic numbers are not.

    Args:
        base: the number.
        exponent: the exponent.

    >>> print(ComplexResult(-2.0, 0.5))
    -2.0 ** 0.5 must be a real number to be symbolic, and is complex; compute it with plain numbers: float(x) ** y
    """

    def __init__(self, base: object, exponent: object) -> None:
        super().__init__(
            f"{base} ** {exponent} must be a real number to be symbolic, and is complex; "
            "compute it with plain numbers: float(x) ** y"
        )
        self.base, self.exponent = base, exponent


class ConstraintViolation(ShapeError):
    """What was promised of a size does not hold.

    Args:
        name: the size.
        rule: what was promised.
        found: what holds instead.
        remedy: what to change.
        line: the user's line that decided it, if known.

    >>> print(ConstraintViolation("L['x'].size()[0]", "must be at most 8", "9", "widen the range", "model.py:31"))
    L['x'].size()[0] must be at most 8, and is 9 (model.py:31);
      widen the range
    """

    def __init__(self, name: str, rule: str, found: str, remedy: str, line: object = None) -> None:
        where = "" if line is None else f" ({line})"
        super().__init__(f"{name} {rule}, and is {found}{where};\n  {remedy}")
        self.name, self.rule, self.found, self.remedy, self.line = name, rule, found, remedy, line


class DataDependentCondition(ShapeError, RuntimeError):
    """A condition on an unbacked symbol was asked for its truth, and nothing known decides it.

    Args:
        condition: the condition, as text.
        line: the user's line that asked, if known.
    """

    def __init__(self, condition: str, line: object = None) -> None:
        where = f" (at {line})" if line is not None else ""
        super().__init__(
            f"{condition} can't be decided{where}: its value comes from the data of a tensor; "
            "state what is known of it with torch._check."
        )
        self.condition = condition


class RuntimeAssertionFailed(ShapeError, RuntimeError):
    """What was taken as true of the data of tensors does not hold in a run.

    Args:
        condition: what was taken as true, as text.
        values: the numbers that it is about, by name.
        line: the user's line that stated it, if known.

    >>> print(RuntimeAssertionFailed("x.item() <= 9", {"x.item()": 12}, "model.py:7"))
    x.item() <= 9 must hold, and does not: x.item() is 12 (stated in model.py:7)
    """

    def __init__(self, condition: str, values: Mapping[str, object], line: object = None) -> None:
        where = "" if line is None else f" (stated in {line})"
        found = ", ".join(f"{name} is {value}" for name, value in values.items())
        super().__init__(f"{condition} must hold, and does not: {found}{where}")
        self.condition, self.values, self.line = condition, dict(values), line


class InvalidSize(ShapeError, ValueError):
    """A number that no dimension can have was given as a size.

    Args:
        name: what was to become a symbol.
        value: the number.

    >>> print(InvalidSize("L['n']", -1))
    L['n'] must be from 0 to 2**63 - 1 to be a size, and is -1
    """

    def __init__(self, name: str, value: object) -> None:
        super().__init__(f"{name} must be from 0 to 2**63 - 1 to be a size, and is {value}")
        self.name, self.value = name, value


class ForeignSymbol(ShapeError, ValueError):
    """A symbol of another environment was used.

    Args:
        symbol: the symbol, as text.
    """

    def __init__(self, symbol: str) -> None:
        super().__init__(
            f"{symbol} is a symbol of another environment; create it with this environment's create_symbol."
        )
        self.symbol = symbol


class MalformedRecord(ShapeError, ValueError):
    """A text was to be read as an environment, and is none.

    Args:
        cause: what is wrong with it.

    >>> print(MalformedRecord("KeyError: 'symbols'"))
    the text must be JSON that to_json wrote, and is not: KeyError: 'symbols'
    """

    def __init__(self, cause: str) -> None:
        super().__init__(f"the text must be JSON that to_json wrote, and is not: {cause}")
        self.cause = cause
