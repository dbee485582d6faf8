"""What a lifted function or module shows of itself: `f.framelift`."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import torch

from framelift_graph_capture import BreakRecord, Capture
from framelift_guards import Guard

from .config import Config
from .delegation import of_same_kind
from .recompilation import Recompilation, advised
from .specialiser import Lifted, Specialiser

__all__ = ["View", "view_of"]


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
        self.function: Callable[..., Any] = of_same_kind(original, root.dispatcher.function)
        self._root = root
        self._specialiser = specialiser

    @property
    def config(self) -> Config:
        """What `compile` was asked to do."""
        return self._specialiser.config

    @property
    def lifted(self) -> list[Lifted]:
        """The lifted entry points: the function's, and those of continuations after breaks."""
        return [self._root, *self._specialiser.continuations]

    @property
    def specialisations(self) -> list[Capture]:
        """The captures, those of the function first, then those of continuations after breaks."""
        return [capture for lifted in self.lifted for capture in lifted.captures.values()]

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
        return [error for lifted in self.lifted for error in lifted.capture_errors]

    def guards(self) -> list[Guard]:
        """Return the guards of all specialisations, in the order of `specialisations`."""
        return [guard for capture in self.specialisations for guard in capture.guards]

    @property
    def recompilations(self) -> list[Recompilation]:
        """Each capture beyond the first of an entry point, with the guards that failed."""
        return [one for lifted in self.lifted for one in lifted.recompilations]

    def why_recompiled(self) -> list[str]:
        """Say in a line each why what was captured before did not fit: the guard that failed, expected and found.

        >>> import framelift, torch
        >>> f = framelift.compile(lambda x, n: x + n, backend="eager", dynamic=False)
        >>> _ = f(torch.ones(2), "a" == "b"), f(torch.ones(2), True)
        >>> for reason in f.framelift.why_recompiled():
        ...     print(reason)
        recompiled <lambda>: n was False, is True (<doctest...>:1 relies on it); keep n as it was between calls
        """
        return [str(one) for one in self.recompilations]

    def next_recompilation(self, /, *args: Any, **kwargs: Any) -> Recompilation | None:
        """Return the recompilation that a call would cause: None where it would be the first, or something fits it.

        Args:
            args: the arguments of the call, after the object of a method or the module.
            kwargs: its arguments by name.
        """
        try:
            bound = inspect.signature(self.original, follow_wrapped=False).bind(*args, **kwargs)
        except TypeError:  # the call itself raises that
            return None
        bound.apply_defaults()
        entry_point, dispatcher = self._root.entry_point, self._root.dispatcher
        values = {name: bound.arguments[name] for name in entry_point.parameters}
        number, failures = len(dispatcher.specialisations), tuple(dispatcher.failures(values))
        if number == 0 or len(failures) < number:
            return None
        advice = tuple([advised(failure, self.config.dynamic) for failure in failures])
        return Recompilation(entry_point.name, entry_point.where, number, advice)

    def source(self) -> str:
        """Return the generated Python: the dispatcher's, and each entry code's."""
        parts = [lifted.dispatcher.source() for lifted in self.lifted]
        return "\n\n".join([*parts, *[capture.source() for capture in self.specialisations]])

    def clear(self) -> None:
        """Forget all captures; the next call captures again."""
        self._root.clear()
        self._specialiser.clear()

    def suspend(self, suspended: bool) -> None:
        """Let calls run as they are from now on, or captured again; captures are kept."""
        for lifted in self.lifted:
            lifted.dispatcher.suspend(suspended)


def view_of(function: types.FunctionType) -> View | None:
    """Return the view of a lifted function, None for any other one: a wrapper of one has a copy of its attributes.

    >>> view_of(lambda: 1) is None
    True
    """
    found = function.__dict__.get("framelift")
    return found if isinstance(found, View) and found.function is function else None
