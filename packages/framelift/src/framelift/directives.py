"""What a program says about its own capture: break here, leave this alone, take this as a constant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import Break
from framelift_graph_capture import RequestedBreak, break_on_call, constant_rule
from framelift_variable_tracking import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking

__all__ = ["DIRECTIVE_RULES", "disable", "graph_break", "is_compiling"]

__framelift_hidden__ = True  # frames of this module are not the user's


def graph_break() -> None:
    """End the graph here; outside a capture, do nothing.

    >>> graph_break()
    """


def is_compiling() -> bool:
    """Say whether the caller is being captured.

    >>> is_compiling()
    False
    """
    return False


def _call_disabled(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def disable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that capture does not enter: calls of it run between two graphs.

    Args:
        fn: the function.

    >>> import torch, framelift
    >>> quiet = disable(lambda x: x * 2)
    >>> quiet(3)
    6
    """

    @functools.wraps(fn)
    def disabled(*args: Any, **kwargs: Any) -> Any:
        return _call_disabled(fn, *args, **kwargs)

    return disabled


def _disabled_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    return Break(RequestedBreak("framelift.disable"))


DIRECTIVE_RULES: dict[Any, FunctionRule] = {
    graph_break: break_on_call("framelift.graph_break()"),
    is_compiling: constant_rule(True),
    _call_disabled: _disabled_rule,
}
"""The rules of these functions, for a registry."""
