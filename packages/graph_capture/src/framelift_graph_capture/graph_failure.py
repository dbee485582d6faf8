"""What happens when a graph raises: the user's code runs as it is, so that the error is raised where Python raises it.

A graph has no `try` and no lines of the user's. But nothing of its call has happened yet that can be seen, unless it
writes to what it was given: so the call can be made again without it, and then handlers, messages and tracebacks are
the user's own. Finding the operation that failed and raising below a stand-in of its line was rejected: compiled graphs
do not know it, and a `try` around it would still not see the error.
"""

from __future__ import annotations

import traceback
import warnings
from typing import Any

import torch.fx

from framelift_guards import is_interruption

from .entry_point import EntryPoint

__all__ = ["GraphFailure", "failing_line"]


class GraphFailure:
    """What entry code calls when its graph has raised.

    Args:
        entry_point: what can be run again from the parameters of the call.
        writes: the graph writes to its inputs, so it must not be run twice.

    >>> from framelift_graph_capture import FunctionCall
    >>> GraphFailure(FunctionCall(lambda x: x / 0), writes=False)(RuntimeError("in the graph"), 1)
    Traceback (most recent call last):
    ZeroDivisionError: division by zero
    """

    def __init__(self, entry_point: EntryPoint, *, writes: bool) -> None:
        self._entry_point = entry_point
        self._writes = writes

    def __call__(self, error: Exception, *values: Any) -> object:
        """Run the call without the graph; where that is impossible, raise what the graph raised.

        Args:
            error: what the graph raised.
            values: the parameters of the entry point.
        """
        point = self._entry_point
        if is_interruption(error):
            raise error
        if self._writes:
            place = failing_line(error)
            if place is None and point.where is not None:
                place = f"in {point.name}, {point.where[0]}:{point.where[1]}"
            error.add_note(f"raised by a captured graph, {place}")
            raise error
        # What made it fail may hold much memory: the frames of the graph.
        said = f"{type(error).__name__}: {error}"
        error.__traceback__ = None
        del error
        result = point.run(dict(zip(point.parameters, values, strict=True)))
        warnings.warn(
            f"the graph of {point.name} raised {said:.200}; the call was made again without it, which went through",
            RuntimeWarning,
            stacklevel=3,
        )
        return result


def failing_line(error: BaseException) -> str | None:
    """Return the user's stack at the operation of a `GraphModule` that raised, innermost last; None if there is none.

    Args:
        error: an exception with the traceback of the module's generated code.
    """
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = frame.f_locals.get("self")
        if isinstance(module, torch.fx.GraphModule) and frame.f_code is type(module).forward.__code__:
            return _stack_at(module, line)
    return None


def _stack_at(module: torch.fx.GraphModule, line: int) -> str | None:
    table = getattr(module, "_lineno_map", None) or {}
    index = table.get(line - (getattr(module, "_prologue_start", None) or 0))
    nodes = list(module.graph.nodes)
    stack = nodes[index].meta.get("stack_trace") if index is not None and index < len(nodes) else None
    return None if stack is None else f"at\n{stack.rstrip()}"
