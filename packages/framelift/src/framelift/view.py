"""What a lifted function or module shows of itself: `f.framelift`."""

from __future__ import annotations

import types
from typing import Any

import torch

from framelift_graph_capture import BreakRecord, Capture
from framelift_guards import Guard

from .recompilation import Recompilation
from .specialiser import Lifted, Specialiser

__all__ = ["View"]


class View:
    """Captures, guards, breaks and generated code of one lifted function or module.

    >>> import framelift, torch
    >>> f = framelift.compile(lambda x: x + 1, backend="eager")
    >>> _ = f(torch.ones(2))
    >>> len(f.framelift.graphs), f.framelift.breaks
    (1, [])
    """

    def __init__(self, original: types.FunctionType, root: Lifted, specialiser: Specialiser) -> None:
        self.original = original
        self._root = root
        self._specialiser = specialiser

    def _lifted(self) -> list[Lifted]:
        return [self._root, *self._specialiser.continuations]

    @property
    def specialisations(self) -> list[Capture]:
        """The captures, those of the function first, then those of continuations after breaks."""
        return [capture for lifted in self._lifted() for capture in lifted.captures.values()]

    @property
    def graphs(self) -> list[torch.fx.GraphModule]:
        """The graphs of all specialisations."""
        return [capture.graph for capture in self.specialisations if capture.graph is not None]

    @property
    def breaks(self) -> list[BreakRecord]:
        """Where capture stopped, and why."""
        return [capture.break_ for capture in self.specialisations if capture.break_ is not None]

    @property
    def capture_errors(self) -> list[BaseException]:
        """Internal errors, after which calls run eagerly."""
        return [error for lifted in self._lifted() for error in lifted.capture_errors]

    @property
    def guards(self) -> list[Guard]:
        """The guards of all specialisations."""
        return [guard for capture in self.specialisations for guard in capture.guards]

    @property
    def recompilations(self) -> list[Recompilation]:
        """Each capture beyond the first of an entry point, with the guards that failed."""
        return [one for lifted in self._lifted() for one in lifted.recompilations]

    def why_missed(self, values: dict[str, Any]) -> list[str]:
        """Say in a line each why no specialisation fits these arguments."""
        return [str(failure) for failure in self._root.dispatcher.failures(values)]

    def source(self) -> str:
        """Return the generated Python: the dispatcher's, and each entry code's."""
        parts = [lifted.dispatcher.source() for lifted in self._lifted()]
        return "\n\n".join([*parts, *[capture.source() for capture in self.specialisations]])

    def clear(self) -> None:
        """Forget all captures; the next call captures again."""
        self._root.clear()
        self._specialiser.clear()
