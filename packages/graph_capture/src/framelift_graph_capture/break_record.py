"""The record of a graph break: what users read of it."""

from __future__ import annotations

import dataclasses

__all__ = ["BreakRecord"]


@dataclasses.dataclass(frozen=True)
class BreakRecord:
    """Where capture stopped, and why.

    Args:
        code: the stable code of the reason.
        explanation: what could not be done.
        hint: what the user can do about it.
        where: the user's file and line.
        stack: the user's stack as text, outermost first.
        eager: the whole call runs eagerly, because the frames cannot be resumed from here.
    """

    code: str
    explanation: str
    hint: str
    where: tuple[str, int]
    stack: str
    eager: bool = False

    def __str__(self) -> str:
        return f"[{self.code}] {self.explanation} ({self.where[0]}:{self.where[1]}); {self.hint}"
