"""What an explanation consists of: graphs, guards, reasons why there is none, and how much of the work they cover."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch.fx

from framelift_guards import Guard

__all__ = ["CapturedGraph", "ExplainedGuard", "NotCaptured", "Operations", "Outcome"]


@dataclasses.dataclass(frozen=True, slots=True)
class CapturedGraph:
    """A graph of the call.

    Args:
        function: the function, or its continuation after a break, that was captured from.
        where: the user's file and line of it.
        module: the graph itself.
        operations: how many torch operations it does.
        runs: how often it ran in this call.
    """

    function: str
    where: tuple[str, int] | None
    module: torch.fx.GraphModule = dataclasses.field(repr=False)
    operations: int
    runs: int

    @property
    def code(self) -> str:
        """The graph as Python."""
        return str(self.module.code).strip()


@dataclasses.dataclass(frozen=True, slots=True)
class ExplainedGuard:
    """A guard of the call.

    Args:
        guard: the guard: its source, its predicate and the user's line that made it necessary.
        function: the function, or its continuation after a break, whose specialisation it guards.
        cost: seconds that its check takes by itself, measured; None where it could not be measured.
    """

    guard: Guard
    function: str
    cost: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class NotCaptured:
    """Why a call, or a part of it, ran as ordinary Python from its start.

    Args:
        code: the stable code of the reason.
        function: what ran.
        explanation: why.
        where: the user's file and line, where one is known.
    """

    code: str
    function: str
    explanation: str
    where: tuple[str, int] | None = None

    def __str__(self) -> str:
        place = "" if self.where is None else f" ({self.where[0]}:{self.where[1]})"
        return f"[{self.code}] {self.function} ran as ordinary Python: {self.explanation}{place}"


@dataclasses.dataclass(frozen=True, slots=True)
class Operations:
    """How many torch operations the call ran, and where.

    An operation is one call of a torch function or tensor method from Python, or one node of a graph, which is the same
    before and after capture; asking for a shape or dtype is none. Calls from C code and on other threads are not seen,
    and what other lifted functions run in graphs of their own, when a break calls them, counts as outside.

    Args:
        in_graphs: those that ran in graphs: the operations of each graph, as often as it ran.
        outside: those that ran between graphs, or instead of them.
    """

    in_graphs: int
    outside: int

    @property
    def share(self) -> float | None:
        """The part that ran in graphs, from 0 to 1; None when the call ran no torch operation.

        >>> Operations(3, 1).share
        0.75
        """
        total = self.in_graphs + self.outside
        return self.in_graphs / total if total else None


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What the call returned or raised."""

    value: Any
    error: Exception | None = None
