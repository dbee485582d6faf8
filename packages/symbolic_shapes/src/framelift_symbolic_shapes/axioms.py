"""What Python's operations say of their operands, as linear inequalities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from framelift_symbolic_shapes.expression import Call, Constant, Expression
from framelift_symbolic_shapes.range import Bounds

__all__ = ["axioms"]

Build: TypeAlias = Callable[[str, "tuple[Expression, ...]"], Expression]
Margins: TypeAlias = "list[Expression]"


def _division(a: Expression, b: Expression, build: Build, bounds: Bounds) -> Margins:
    """A = b * (a // b) + a % b where b != 0, and 0 <= a % b < b where b > 0.

    Where also a >= 0 and b >= l > 0, l * (a // b) + a % b <= a.
    """
    if 0 in bounds(b):
        return []
    quotient, rest = build("FloorDiv", (a, b)), build("Mod", (a, b))
    difference = a - b * quotient - rest
    margins = [difference, -difference]
    least = bounds(b).lower
    if least > 0 and not isinstance(b, Constant):
        margins += [rest, b - rest - 1]
        if bounds(a).lower >= 0:
            margins.append(a - quotient * int(least) - rest)
    return margins


def _minimum(a: Expression, b: Expression, build: Build, bounds: Bounds) -> Margins:
    """min(a, b) <= a and min(a, b) <= b."""
    least = build("Minimum", (a, b))
    return [a - least, b - least]


def _maximum(a: Expression, b: Expression, build: Build, bounds: Bounds) -> Margins:
    """max(a, b) >= a and max(a, b) >= b."""
    most = build("Maximum", (a, b))
    return [most - a, most - b]


def _absolute(a: Expression, build: Build, bounds: Bounds) -> Margins:
    """abs(a) >= a and abs(a) >= -a."""
    size = build("IntAbs", (a,))
    return [size - a, size + a]


_AXIOMS: dict[str, Callable[..., Margins]] = {
    "FloorDiv": _division, "Mod": _division, "Minimum": _minimum, "Maximum": _maximum, "IntAbs": _absolute,
}  # fmt: skip


def axioms(atom: Expression, build: Build, bounds: Bounds) -> Margins:
    """Return expressions that are at least 0, whatever the symbols are.

    Args:
        atom: a factor of a product.
        build: applies an operation of Python, simplified by what is known.
        bounds: gives a range that holds every value of an integer expression.

    >>> from framelift_symbolic_shapes.expression import Symbol, call
    >>> from framelift_symbolic_shapes.bounding import bound
    >>> half = call("FloorDiv", (Symbol("s", int), Constant(2)))
    >>> axioms(half, call, lambda expression: bound(expression, {}))
    [s - (s%2) - 2*(s//2), -s + (s%2) + 2*(s//2)]
    """
    if not isinstance(atom, Call) or atom.name not in _AXIOMS:
        return []
    return _AXIOMS[atom.name](*atom.operands, build, bounds)
