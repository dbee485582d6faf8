"""Recompilations as data: what missed, why each specialisation that was there did not fit, and when."""

from __future__ import annotations

import dataclasses

from framelift_guards import Failure

__all__ = ["Recompilation"]


@dataclasses.dataclass(frozen=True, slots=True)
class Recompilation:
    """One capture of an entry point that had specialisations already, none of which fitted the call.

    Args:
        name: the entry point: the function, or its continuation after a break.
        where: the user's file and line of it.
        number: how many specialisations there were before.
        failures: the first guard that failed in each of those, in the order in which they were tried: the guard with
            its source, predicate and user line, what was expected and found, and a remedy where there is one.

    >>> import framelift, torch
    >>> f = framelift.compile(lambda x: x + 1, backend="eager", dynamic=False)
    >>> _ = f(torch.ones(2)), f(torch.ones(3))
    >>> (once,) = f.framelift.recompilations
    >>> print(once)
    recompiled <lambda>: L['x'].size(0) was 2, is 3 (<doctest framelift.recompilation.Recompilation[1]>:1 relies on it); mark_dynamic(x, 0) would avoid this
    """  # noqa: E501 - the line that a user sees

    name: str
    where: tuple[str, int] | None
    number: int
    failures: tuple[Failure, ...]

    @property
    def failure(self) -> Failure | None:
        """Why the specialisation that was made last did not fit: what changed since."""
        return self.failures[-1] if self.failures else None

    def __str__(self) -> str:
        why = "another thread was faster" if self.failure is None else str(self.failure)
        return f"recompiled {self.name}: {why}"
