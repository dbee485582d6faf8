"""What a program says about its own capture: break here, leave this alone, take this as a constant."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import torch

from framelift_bytecode_interp import Break
from framelift_graph_capture import Mark, RequestedBreak, break_on_call, constant_rule, mark
from framelift_guards.plain import show
from framelift_variable_tracking import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking

from .errors import ConfigurationError

__all__ = ["DIRECTIVE_RULES", "allow_in_graph", "assume_constant_result", "disable", "graph_break", "is_compiling"]

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


def _call_disabled(reason: str | None, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def disable(fn: Any = None, *, recursive: bool = True, reason: str | None = None) -> Any:
    """Return a function that capture does not enter: calls of it run between two graphs.

    `torch.compiler.disable` is honoured alike.

    Args:
        fn: the function, method or callable; left out, `disable` is a decorator with arguments.
        recursive: must be True: what the function calls is not captured either.
        reason: what the graph break says.

    Raises:
        ConfigurationError: `fn` is a class or a module, or an argument has another type.

    >>> import torch, framelift
    >>> quiet = disable(lambda x: x * 2)
    >>> quiet(3)
    6
    """
    if recursive is not True:
        raise ConfigurationError(
            "disable(recursive=)", "must be True", show(recursive), "lift the functions that it calls by themselves"
        )
    if reason is not None and not isinstance(reason, str):
        raise ConfigurationError("disable(reason=)", "must be a string or None", show(reason), "pass a string")
    if fn is None:
        return functools.partial(disable, reason=reason)
    if not callable(fn) or isinstance(fn, (type, torch.nn.Module)):
        raise ConfigurationError(
            f"disable({show(fn)})", "takes a function, a method or a callable", f"a {type(fn).__name__}",
            "disable the method that is called, such as forward",
        )  # fmt: skip

    @functools.wraps(fn)
    def disabled(*args: Any, **kwargs: Any) -> Any:
        return _call_disabled(reason, fn, *args, **kwargs)

    return disabled


def _disabled_rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    reason = domain.as_constant(args[0])
    return Break(RequestedBreak("framelift.disable" + (f" ({reason})" if isinstance(reason, str) else "")))


def allow_in_graph(fn: Any) -> Any:
    """Let each call of a function be one operation of the graph, whatever it does inside.

    The function must take and return tensors, numbers and containers of them, depend on nothing else that changes, and
    have no effects: it is run with tensors without data in the capture, and by the graph in each call. What
    `torch.compiler.allow_in_graph` has marked is treated alike.

    Args:
        fn: a Python function, or a list or tuple of them.

    Returns:
        `fn`, marked.

    Raises:
        ConfigurationError: it is something else.

    >>> import torch, framelift
    >>> @allow_in_graph
    ... def twice(x):
    ...     return x + x
    >>> f = framelift.compile(lambda x: twice(x) + 1, backend="eager")
    >>> f(torch.ones(1)), [node.name for node in f.framelift.graphs[0].graph.nodes]
    (tensor([3.]), ['l_x_', 'twice', 'add', 'output'])
    """
    if isinstance(fn, (list, tuple)):
        return [allow_in_graph(one) for one in fn]
    return _marked(fn, Mark.ALLOWED)


def assume_constant_result(fn: Any) -> Any:
    """Take what a function returns to be the same ever after: it is called in the capture, and never again.

    That is not checked, so it is for what cannot be captured and does not change, such as reading a configuration. It
    is called with arguments that are known in the capture and not changed by it; with others, the graph breaks and it
    runs for real. What `torch.compiler.assume_constant_result` has marked is treated alike.

    Args:
        fn: a Python function.

    Returns:
        `fn`, marked.

    Raises:
        ConfigurationError: it is something else.

    >>> import framelift, itertools, torch
    >>> numbers = itertools.count()
    >>> @assume_constant_result
    ... def number():
    ...     return next(numbers)
    >>> f = framelift.compile(lambda x: x + number(), backend="eager")
    >>> f(torch.ones(1)), f(torch.ones(1))
    (tensor([1.]), tensor([1.]))
    """
    return _marked(fn, Mark.CONSTANT)


def _marked(fn: Any, meaning: Mark) -> Any:
    if not isinstance(fn, types.FunctionType):
        raise ConfigurationError(
            f"{meaning.value}({show(fn)})", "takes a Python function", f"a {type(fn).__name__}",
            "wrap it in a function",
        )  # fmt: skip
    mark(fn, meaning)
    return fn


DIRECTIVE_RULES: dict[Any, FunctionRule] = {
    graph_break: break_on_call("framelift.graph_break()"),
    allow_in_graph: break_on_call("framelift.allow_in_graph()"),
    assume_constant_result: break_on_call("framelift.assume_constant_result()"),
    is_compiling: constant_rule(True),
    _call_disabled: _disabled_rule,
}
"""The rules of these functions, for a registry."""
