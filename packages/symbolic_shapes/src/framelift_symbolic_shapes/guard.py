"""Conditions that a capture relies on."""

from __future__ import annotations

import dataclasses
from typing import Any

__all__ = ["ShapeGuard"]


@dataclasses.dataclass(frozen=True, slots=True)
class ShapeGuard:
    """A condition on symbols that must hold for a capture to be used, and the user's line that asked for it.

    Args:
        expression: a sympy condition.
        user_line: what `ShapeEnv.user_line()` gave when the condition was decided.
    """

    expression: Any
    user_line: object = None

    def __str__(self) -> str:
        return str(self.expression)
