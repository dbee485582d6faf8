"""What lists and tuples share: indices, slices, ordering, repetition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import Break, Raise, Unwind

from ..classes import is_subclass, name_of
from ..evaluation import LARGEST_RESULT, too_large
from ..handler import Answer, Tracking
from ..polyfills import sequence as polyfills
from ..reasons import UnsupportedOperation
from ..variable import ConstantVariable, Variable
from .container import ContainerHandler, all_equal, constant, known_equal, on_class
from .slice import SliceVariable

OUTCOMES = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}


def has_index(variable: Variable) -> bool:
    """Tell whether the variable's class has `__index__`."""
    return on_class(variable.python_type(), "__index__") is not None


def index_of(domain: Tracking, variable: Variable) -> int:
    """Return the plain integer that a variable with `__index__` stands for.

    Raises:
        Unwind: it is not known.
    """
    if isinstance(variable, ConstantVariable):
        return int(variable.value)
    index = domain.recorder.as_index(variable)
    if index is None:
        raise Unwind(
            Break(UnsupportedOperation(name_of(variable.python_type()), "use as an index", "its value is not known"))
        )
    return index


def bound_of(domain: Tracking, variable: Variable) -> int | None:
    """Return a bound of a slice: None or an integer.

    Raises:
        Unwind: it is neither, or not known.
    """
    if isinstance(variable, ConstantVariable) and variable.value is None:
        return None
    if not has_index(variable):
        message = "slice indices must be integers or None or have an __index__ method"
        raise Unwind(domain.raise_error(TypeError, message))
    return index_of(domain, variable)


def slice_of(domain: Tracking, variable: SliceVariable) -> slice:
    """Return the host slice.

    Raises:
        Unwind: a bound is not known, or not an integer.
    """
    step = bound_of(domain, variable.step)
    if step == 0:
        raise Unwind(domain.raise_error(ValueError, "slice step cannot be zero"))
    return slice(bound_of(domain, variable.start), bound_of(domain, variable.stop), step)


def count_of(domain: Tracking, right: Variable) -> int | None:
    """Return the number of repetitions that an operand of `*` asks for; None if its own class is asked first.

    Raises:
        Unwind: it is no number, or not known.
    """
    if is_subclass(right.python_type(), int):
        return index_of(domain, right)
    if on_class(right.python_type(), "__rmul__") is not None and not _has_no_number(domain, right):
        return None
    if not has_index(right):
        name = name_of(right.python_type())
        raise Unwind(domain.raise_error(TypeError, f"can't multiply sequence by non-int of type {name!r}"))
    return index_of(domain, right)


def _has_no_number(domain: Tracking, variable: Variable) -> bool:
    """Tell whether no method for numbers of the variable's class answers for a sequence on the left."""
    return isinstance(variable, ConstantVariable) or isinstance(domain.handler_of(variable), ContainerHandler)


def repeated(domain: Tracking, variable: Variable, items: Sequence[Variable], times: int) -> list[Variable]:
    """Return the items of `variable * times`.

    Raises:
        Unwind: there are too many.
    """
    if len(items) * times > LARGEST_RESULT:
        raise Unwind(too_large(name_of(variable.python_type()), "the operator '*'"))
    return list(items) * times


def order(
    domain: Tracking, op: str, left: Variable, right: Variable, mine: Sequence[Variable], other: Sequence[Variable]
) -> Answer:
    """Compare two sequences of the same kind."""
    if op in {"==", "!="}:
        equal = all_equal(domain, mine, other)
        if equal is not None:
            return constant(equal is (op == "=="))
        return domain.polyfill(polyfills.EQUALITY[op], left, right)
    for one, two in zip(mine, other, strict=False):
        equal = known_equal(domain, one, two)
        if equal is None:
            return domain.polyfill(polyfills.ORDER[op], left, right)
        if not equal:
            return domain.compare(op, one, two)
    sign = (len(mine) > len(other)) - (len(mine) < len(other))
    return constant(sign in OUTCOMES[op])


def concatenation_error(domain: Tracking, left: Variable, right: Variable) -> Raise[Variable] | None:
    """Raise the TypeError of `[] + ()`; None if the right operand's class is asked first."""
    if on_class(right.python_type(), "__radd__") is not None and not _has_no_number(domain, right):
        return None
    kind = name_of(left.cls)
    return domain.raise_error(
        TypeError, f'can only concatenate {kind} (not "{name_of(right.python_type())}") to {kind}'
    )


def optional_range(domain: Tracking, args: Sequence[Variable], length: int) -> tuple[int, int]:
    """Return the bounds of `index(item, start, stop)`, clipped as CPython does.

    Raises:
        Unwind: they are no integers, or not known.
    """
    bounds: list[Any] = [0, length]
    for position, argument in enumerate(args):
        if not has_index(argument):
            message = "slice indices must be integers or have an __index__ method"
            raise Unwind(domain.raise_error(TypeError, message))
        bounds[position] = index_of(domain, argument)
    start, stop, _ = slice(bounds[0], bounds[1]).indices(length)
    return start, stop
