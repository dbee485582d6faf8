"""Comparison of one captured call with plain Python, and a look at its guards and its entry code."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from driver import capture, entry_code, outcome_of, parameters

from framelift_guards import GuardSet, Scope


@dataclass
class LiftedCall:
    """A captured call.

    Args:
        guards: what the capture relies on.
        run: the entry code.
    """

    guards: GuardSet
    run: Callable[..., Any]

    @property
    def source(self) -> str:
        return inspect.getsource(self.run)


def lift(function: Callable[..., Any], *args: Any) -> LiftedCall:
    """Capture a call of a function; its guards hold of the arguments."""
    names = parameters(function)
    captured = capture(function, dict(zip(names, args, strict=True)))
    failure = captured.guards.first_failure(Scope(dict(zip(names, args, strict=True))))
    assert failure is None, failure
    return LiftedCall(captured.guards, entry_code(captured, names))


def agree(function: Callable[..., Any], *args: Any) -> LiftedCall:
    """Check that the entry code returns, raises and changes what the function does, on equal arguments."""
    native_args, lifted_args = copy.deepcopy(args), copy.deepcopy(args)
    lifted = lift(function, *args)
    expected = outcome_of(function, *native_args)
    found = outcome_of(lifted.run, *lifted_args)
    assert repr(found) == repr(expected), f"{found!r} is not {expected!r}\n{lifted.source}"
    assert repr(lifted_args) == repr(native_args), f"left {lifted_args!r}, not {native_args!r}\n{lifted.source}"
    return lifted
