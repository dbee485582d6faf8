"""Runs a program eagerly and lifted and compares all that can be seen of it.

That is: result or exception, what it left of its arguments, what it printed, warnings, the grad mode.
"""

from __future__ import annotations

import contextlib
import copy
import io
import random
import warnings
from collections.abc import Callable
from typing import Any

import torch

import framelift
from framelift.testing import CompileCounter

ATOMS = (int, float, complex, str, bytes, type(None), type)


def describe(value: Any, seen: dict[int, int] | None = None) -> Any:
    """Return the structure of a value: types, contents, attributes, strides, gradients, and what is one object."""
    seen = {} if seen is None else seen
    if isinstance(value, ATOMS):
        return type(value).__name__, repr(value)
    if id(value) in seen:
        return "again", seen[id(value)]
    seen[id(value)] = len(seen)
    fields = [(name, describe(item, seen)) for name, item in getattr(value, "__dict__", {}).items()]
    if isinstance(value, torch.Tensor):
        gradient = describe(value.grad, seen) if value.is_leaf else None
        shown = str(value.dtype), value.shape, value.stride(), value.requires_grad, value.detach().tolist()
        return type(value).__name__, shown, gradient, fields
    if callable(value):
        return "callable", getattr(value, "__qualname__", type(value).__name__)
    parts: Any = None
    if isinstance(value, dict):
        parts = [(describe(key, seen), describe(item, seen)) for key, item in dict.items(value)]
    elif isinstance(value, (list, tuple)):
        parts = [describe(item, seen) for item in value]
    elif isinstance(value, (set, frozenset)):
        parts = sorted(map(repr, value))
    return type(value).__name__, parts, fields


def observe(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function, and return all that can be seen of the call."""
    torch.manual_seed(0)
    random.seed(0)
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            outcome: Any = "returned", describe(function(*arguments))
        except Exception as error:
            causes = type(error.__cause__).__name__, type(error.__context__).__name__
            outcome = "raised", type(error).__name__, str(error), causes
    grad_mode = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    told = [(one.category.__name__, str(one.message)) for one in warned]
    return outcome, describe(list(arguments)), printed.getvalue(), grad_mode, told


def compare(
    function: Callable[..., Any], arguments: tuple[Any, ...], *, dynamic: bool | None, reset: Callable[[], object]
) -> tuple[Any, CompileCounter]:
    """Call a function three times eagerly and three times lifted, and compare what is seen of each call."""
    counter = CompileCounter()
    lifted = framelift.compile(function, backend=counter, dynamic=dynamic)

    def history(called: Callable[..., Any]) -> list[Any]:
        reset()
        return [observe(called, copy.deepcopy(arguments)) for _ in range(3)]

    assert history(lifted) == history(function)
    assert not lifted.framelift.capture_errors, lifted.framelift.capture_errors
    return lifted, counter
