"""Modules that are imported at their first use.

`import sympy` costs more than everything else that framelift imports together, and a capture without symbolic sizes
never needs it. `importlib.util.LazyLoader` was rejected: it leaves a half-made `sympy` in `sys.modules`, and a later
`import sympy.core.numbers` by anyone then loads that submodule twice (CPython 3.11, `_find_and_load_unlocked`).
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Deferred", "exchange", "functions", "printing", "sympy"]


class Deferred:
    """Stands for a module; the first attribute that is read imports it.

    Args:
        name: the absolute name of the module.

    >>> Deferred("math").sqrt(9.0)
    3.0
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, value)  # the next access is an ordinary one
        return value

    def __repr__(self) -> str:
        return f"Deferred({self._name!r})"


sympy: Any = Deferred("sympy")
functions: Any = Deferred("framelift_symbolic_shapes.functions")
# These two import expressions, which reach them when they are printed or exchanged.
exchange: Any = Deferred("framelift_symbolic_shapes.exchange")
printing: Any = Deferred("framelift_symbolic_shapes.printing")
