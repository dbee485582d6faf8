"""Errors that torch's code catches under its own names. Importing this module imports sympy."""

from __future__ import annotations

from typing import Any

from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from framelift_symbolic_shapes.errors import DataDependentCondition

__all__ = ["GuardOnDataDependentCondition"]


class GuardOnDataDependentCondition(DataDependentCondition, GuardOnDataDependentSymNode):
    """A condition on an unbacked symbol was asked for its truth by code that knows torch's error.

    Args:
        condition: the condition, as text.
        line: the user's line that asked, if known.
        cond: the condition in sympy's form.

    >>> error = GuardOnDataDependentCondition("u3 > 5", None, None)
    >>> isinstance(error, GuardOnDataDependentSymNode), str(error)[:24]
    (True, "u3 > 5 can't be decided:")
    """

    def __init__(self, condition: str, line: object, cond: Any) -> None:
        super().__init__(condition, line)
        self.args = (str(DataDependentCondition(condition, line)),)  # torch's class keeps no text
        self.cond = cond
