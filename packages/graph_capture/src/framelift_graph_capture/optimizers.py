"""Optimizers: their step is captured as torch's own `capturable` code, which asks no tensor for its number.

Without `capturable` the code of a step reads the count of steps out of a tensor, or hands a tensor to an operation as a
number; either would end the graph. With it the same update is written in tensors alone, in another order of operations.
torch.compile changes the option in `param_groups` for good; here only the call that is captured sees it.
"""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable, Iterator

from framelift_bytecode_interp import Break, Value
from framelift_variable_tracking import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking

from .body import trace
from .handlers.tensor import session_of

__all__ = ["OPTIMIZER_RULES"]

_CAPTURABLE = ("adadelta", "adam", "adamax", "asgd", "nadam", "radam", "rmsprop", "rprop")


def _capturable(update: object) -> FunctionRule:
    """Return the rule of an update that has the option.

    What can't be finished so is run as it is, from the start of the captured call: outside of a capture torch refuses
    the option for the tensors of some devices.
    """

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        chosen = {**kwargs, "capturable": domain.constant(True)}
        body = trace(domain, session_of(domain), domain.reference(update), args, chosen, writes=True)
        return body if isinstance(body, Break) else Value(body.result)

    return rule


def _updates() -> Iterator[Callable[..., object]]:
    """Yield torch's functions that update parameters and have the option; others are left as they are."""
    for name in _CAPTURABLE:
        update = getattr(importlib.import_module(f"torch.optim.{name}"), name, None)
        if isinstance(update, types.FunctionType) and hasattr(update, "__wrapped__"):
            yield update


OPTIMIZER_RULES: dict[object, FunctionRule] = {update: _capturable(inspect.unwrap(update)) for update in _updates()}
"""The rules, by function."""
