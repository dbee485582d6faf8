"""What a backend's work comes to: the graph as a function, and what was assumed beyond what the capture assumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from framelift_guards import Guard

__all__ = ["CompiledGraph"]


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledGraph:
    """A compiled graph, and what holds whenever it may run.

    Args:
        run: the graph, as a function of its inputs.
        guards: what the compiler assumed beyond what the capture did; they join the capture's own.

    >>> CompiledGraph(lambda x: (x + 1,))(2)
    (3,)
    """

    run: Callable[..., Any]
    guards: tuple[Guard, ...] = ()

    def __call__(self, *inputs: Any) -> Any:
        """Run the graph."""
        return self.run(*inputs)
