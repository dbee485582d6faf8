"""Functions, with what is special about lifted ones."""

from __future__ import annotations

from typing import Any

from framelift_guards import Is, Source
from framelift_variable_tracking import FunctionHandler, FunctionVariable, Tracking, Variable

from ..original import original_of

__all__ = ["LiftableFunctionHandler"]


class LiftableFunctionHandler(FunctionHandler):
    """`types.FunctionType`: a lifted function is known by identity.

    Its code is generated anew with each specialisation, so a guard on it would not hold for long, and never does in a
    function that calls itself by its lifted name.
    """

    def wrap(self, domain: Tracking, value: Any, source: Source) -> Variable:
        if original_of(value) is None:
            return super().wrap(domain, value, source)
        domain.guard(source, Is(value))
        made = FunctionVariable(value.__code__, value.__globals__, source, value)
        made.name, made.qualname = value.__name__, value.__qualname__
        return made
