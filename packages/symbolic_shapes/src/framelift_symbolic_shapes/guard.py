"""Conditions that a capture relies on."""

from __future__ import annotations

import dataclasses
from typing import Any

from framelift_symbolic_shapes.deferred import exchange
from framelift_symbolic_shapes.expression import Expression

__all__ = ["ShapeGuard"]


@dataclasses.dataclass(frozen=True, slots=True)
class ShapeGuard:
    """A condition on symbols that must hold for a capture to be used, and the user's line that asked for it.

    Args:
        condition: the condition.
        user_line: what `ShapeEnv.user_line()` gave when the condition was decided.

    >>> from framelift_symbolic_shapes.expression import Constant, Relation, Symbol
    >>> guard = ShapeGuard(Relation("<", Symbol("s", int), Constant(10)), "model.py:7")
    >>> str(guard), guard.expression.free_symbols
    ('s < 10', {s})
    """

    condition: Expression
    user_line: object = None

    @property
    def expression(self) -> Any:
        """The condition in sympy's form."""
        return exchange.to_sympy(self.condition)

    def __str__(self) -> str:
        return str(self.condition)
