"""Equality of plain data that keeps apart what ``==`` confuses: ``1`` and ``True``, ``0.0`` and ``-0.0``; NaN holds."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import copysign, isnan

from framelift_guards.codegen import Builder
from framelift_guards.plain import ATOMS, SINGLETONS, NotPlain, fingerprint, same_plain, show
from framelift_guards.source import Scope

from .base import Discriminant, Predicate, again, both, compare, is_exactly

_HASHED = (int, str)


@dataclass(frozen=True, eq=False, repr=False)
class Equals(Predicate):
    """The value is plain data, of the same exact types all the way down, that no program can tell from this.

    Args:
        expected: plain data: see :func:`framelift_guards.plain.fingerprint`.

    Raises:
        TypeError: when ``expected`` is not plain data.

    >>> Equals((1, 0.0)).check((1, -0.0), Scope({}))
    False
    >>> Equals(float("nan")).check(float("nan"), Scope({}))
    True
    """

    expected: object
    fingerprint: Hashable = field(init=False)
    kind = "EQUALS_MATCH"
    uses = 3

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "fingerprint", fingerprint(self.expected))
        except NotPlain as error:
            raise TypeError(f"Equals needs plain data, not {show(self.expected)}: {error}; use Is") from error

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.fingerprint,)

    def check(self, value: object, scope: Scope) -> bool:
        return same_plain(value, self.fingerprint)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        kind = type(self.expected)
        if kind in SINGLETONS:
            return compare(value, ast.Is(), builder.constant(self.expected, "expected"))
        if kind in ATOMS:
            same = compare(again(value), ast.Eq(), builder.constant(self.expected, "expected"))
            return both(is_exactly(value, kind, builder), same)
        if kind is float:
            return both(is_exactly(value, float, builder), self._same_float(value, builder))
        expected = builder.constant(self.fingerprint, "fingerprint")
        return both(is_exactly(value, kind, builder), builder.call(same_plain, again(value), expected))

    def _same_float(self, value: ast.expr, builder: Builder) -> ast.expr:
        expected: float = self.expected  # type: ignore[assignment]
        if isnan(expected):
            return compare(again(value), ast.NotEq(), again(value))
        same = compare(again(value), ast.Eq(), builder.constant(expected, "expected"))
        if expected:
            return same
        sign = compare(
            builder.call(copysign, ast.Constant(1.0), again(value)), ast.Eq(), builder.constant(copysign(1.0, expected))
        )
        return both(same, sign)

    @property
    def discriminant(self) -> Discriminant | None:
        kind = type(self.expected)
        return None if kind not in _HASHED else Discriminant(("value", kind), self.expected, self._ask)

    def _ask(self, value: ast.expr, builder: Builder) -> ast.expr:
        return ast.IfExp(is_exactly(value, type(self.expected), builder), again(value), ast.Constant(None))

    def describe(self, name: str) -> str:
        return f"{name} == {show(self.expected)}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        found, expected = show(value), show(self.expected)
        if found == expected:  # cut short, or a subclass that prints alike
            found = f"another {type(value).__qualname__} that prints alike"
        elif type(value) is not type(self.expected):
            found = f"{found} of type {type(value).__qualname__}"
        return f"{name} was {expected}, is {found}"
