"""Evaluation of pure operations during the capture, when all operands are known built-in constants."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Sequence
from typing import Any, Final

from framelift_bytecode_interp import Break, Enter, Raise, Result, Value
from framelift_guards import is_interruption

from .handler import Tracking
from .reasons import UnsupportedOperation
from .variable import NOT_CONSTANT, ConstantVariable, Variable

NUMBERS: Final = frozenset((int, bool, float, complex))
"""The types of numbers that are evaluated."""

TEXTS: Final = frozenset((str, bytes))
"""The types of immutable texts that are evaluated."""

SINGLETONS: Final = frozenset((type(None), types.EllipsisType, types.NotImplementedType))
"""The types with one instance."""

SCALARS: Final = NUMBERS | TEXTS | SINGLETONS
"""The types whose values hold no other objects, so that no user code can run when C code handles them."""

LARGEST_RESULT: Final = 1 << 20
"""Bytes, characters or bits of a result; a larger one is left to run for real."""

_LONG_NUMBER: Final = re.compile(r"\d{6,}")


def is_plain(value: object) -> bool:
    """Tell whether a value consists of exact built-in constants only; sets are out, since their order varies.

    >>> is_plain((1, ["a", {2: None}])), is_plain({1}), is_plain(object())
    (True, False, False)
    """
    cls = type(value)
    if cls in SCALARS or cls is range:
        return True
    if isinstance(value, (tuple, list)) and cls in {tuple, list}:
        return all(map(is_plain, value))
    if isinstance(value, dict) and cls is dict:
        return all(is_plain(k) and is_plain(v) for k, v in value.items())
    if isinstance(value, slice):
        return is_plain(value.start) and is_plain(value.stop) and is_plain(value.step)
    return False


def plain(domain: Tracking, variable: Variable) -> Any:
    """Return the value of a variable that is known and plain (see `is_plain`), else NOT_CONSTANT."""
    if isinstance(variable, ConstantVariable):
        return variable.value if variable.cls in SCALARS else NOT_CONSTANT
    value = domain.as_constant(variable)
    return value if value is not NOT_CONSTANT and is_plain(value) else NOT_CONSTANT


def plain_all(domain: Tracking, variables: Sequence[Variable]) -> list[Any] | None:
    """Return the values of variables that are all plain, else None."""
    values = [plain(domain, variable) for variable in variables]
    return None if any(value is NOT_CONSTANT for value in values) else values


def scalars(variables: Sequence[Variable]) -> list[Any] | None:
    """Return the values of variables that are all constants, else None.

    For functions that hand their arguments on: a container would come out as another object.
    """
    if all(isinstance(variable, ConstantVariable) and variable.cls in SCALARS for variable in variables):
        return [variable.value for variable in variables if isinstance(variable, ConstantVariable)]
    return None


def evaluate(domain: Tracking, function: Callable[..., Any], *values: Any, **keywords: Any) -> Result[Variable]:
    """Call pure C code with plain values; what it raises is what the program sees raised."""
    try:
        result = function(*values, **keywords)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # noqa: BLE001 - it is the program's own, and handed to the program
        return native_error(domain, error)
    return native_result(domain, result)


def native_result(domain: Tracking, value: object) -> Result[Variable]:
    """Return the variable of what C code answered."""
    return Value(ConstantVariable(value)) if type(value) in SCALARS else domain.from_native(value)


def native_error(domain: Tracking, error: Exception) -> Raise[Variable] | Break:
    """Raise in the program what C code raised; it must be its plain arguments and nothing more."""
    if is_interruption(error):
        raise error
    if not all(map(is_plain, error.args)) or error.__dict__:
        return too_special(type(error).__name__, "raising it")
    return domain.raise_error(type(error), *error.args)


def enter_whole(
    domain: Tracking, function: Callable[..., Any], polyfill: Callable[..., Any], *values: Variable
) -> Result[Variable]:
    """Enter a polyfill of `function`, unless the driver found before that the capture breaks inside it.

    For what may not be cut in two: the driver then captures once more, with a break at the call (`Tracking.refused`).
    """
    reason = domain.refused.get(function)
    if reason is not None:
        return Break(reason)
    entered = domain.polyfill(polyfill, *values)
    if type(entered) is Enter:
        domain.indivisible[entered.frame.code.raw] = function
    return entered


def constant(value: object) -> Value[Variable]:
    """Answer a constant."""
    return Value(ConstantVariable(value))


def too_large(type_name: str, operation: str) -> Break:
    """Break: the result would be large, and is made for real."""
    return Break(UnsupportedOperation(type_name, operation, f"the result exceeds {LARGEST_RESULT} bits or characters"))


def too_special(type_name: str, operation: str) -> Break:
    """Break: the operands are no plain constants."""
    return Break(UnsupportedOperation(type_name, operation, "its operands are not all built-in constants"))


def index_of(domain: Tracking, variable: Variable) -> int | None:
    """Return the value of an int, of a bool or of a symbolic number (which is guarded), else None."""
    if isinstance(variable, ConstantVariable):
        return variable.value if variable.cls in {int, bool} else None
    return domain.recorder.as_index(variable)


def wide(template: str) -> bool:
    """Tell whether a format template or specification may ask for a huge width or precision."""
    return _LONG_NUMBER.search(template) is not None
