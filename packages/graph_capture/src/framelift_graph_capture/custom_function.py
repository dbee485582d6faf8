"""`torch.autograd.Function`: a call of `apply` is one node, whose gradient is what the class says.

The node runs the real `apply`, so `forward` and `backward` are torch's affair. Before it is recorded, `forward` is
interpreted: that guards all that it reads, and shows that it does nothing beside computing. What that records is taken
back. Where `forward` breaks, the call breaks; where it changes something that existed before, no graph can hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from framelift_bytecode_interp import Break, Enter, Interpreter, Return, Value
from framelift_variable_tracking import (
    Answer,
    Arguments,
    CallContext,
    ConstantVariable,
    Keywords,
    ObjectVariable,
    ReferenceVariable,
    Tracking,
    UnsupportedCall,
    Variable,
)

from .function_context import FunctionContext, run_forward, run_forward_and_setup
from .handlers.tensor import session_of
from .session import Session
from .torch_state import restored_state
from .variables import SymbolicNumberVariable, TensorVariable

__all__ = ["FUNCTION_RULES"]

_PLAIN = (TensorVariable, ConstantVariable, SymbolicNumberVariable)
_SETUP = torch.autograd.Function.setup_context


def _apply(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`Function.apply(*args)`."""
    owner, *rest = args
    name = "torch.autograd.Function.apply"
    if kwargs or not isinstance(owner, ReferenceVariable) or not all(isinstance(arg, _PLAIN) for arg in rest):
        return Break(UnsupportedCall(name, "its arguments are not all tensors and constants"))
    if domain.effects.is_pending():
        return Break(UnsupportedCall(name, "its forward may depend on what changed before it"))
    session = session_of(domain)
    failed = _rehearse(domain, session, context, owner, tuple(rest))
    if failed is not None:
        return failed
    return session.record(context.frame, _application(owner.value), tuple(rest), {})


def _application(cls: Any) -> Callable[..., Any]:
    """Return `cls.apply` as a function that fx can name: it takes functions of torch's modules to be in them."""

    def apply(*args: Any) -> Any:
        return cls.apply(*args)

    apply.__name__ = f"apply_{cls.__name__}"
    return apply


def _rehearse(
    domain: Tracking, session: Session, context: CallContext, owner: ReferenceVariable, args: Arguments
) -> Break | None:
    """Interpret `forward`, take back what that recorded, and return the break if it must not be a node."""
    effects, mark = list(domain.effects), session.recorder.mark()
    entered = _enter(domain, session, owner, args)
    if not isinstance(entered, Enter):
        return Break(UnsupportedCall(f"{owner.value.__qualname__}.forward", "it is no function of Python"))
    outer = domain.interpreter
    assert outer is not None
    inner: Interpreter[Variable] = Interpreter(outer.domain, count=outer.count)
    entered.frame.back = context.frame
    domain.interpreter = inner
    try:
        with restored_state():
            torch._C._set_grad_enabled(False)
            outcome = inner.run([entered.frame])
    finally:
        domain.interpreter = outer
        session.recorder.take_back(mark)
    now = list(domain.effects)
    if len(now) != len(effects) or any(mine is not theirs for mine, theirs in zip(now, effects, strict=True)):
        session.gave_up = True
        return Break(UnsupportedCall(f"{owner.value.__qualname__}.forward", "it changes what existed before"))
    if isinstance(outcome, Break):
        return outcome
    if not isinstance(outcome, Return):
        return Break(UnsupportedCall(f"{owner.value.__qualname__}.forward", "it raises"))
    return None


def _enter(domain: Tracking, session: Session, owner: ReferenceVariable, args: Arguments) -> Any:
    made = ObjectVariable(FunctionContext)
    needed: list[Variable] = []
    for arg in args:
        tensor: Any = session.realise(arg).fake if isinstance(arg, TensorVariable) else None
        needed.append(domain.constant(tensor is not None and tensor.requires_grad))
    flags, packed = domain.build_tuple(needed), domain.build_tuple(args)
    assert isinstance(flags, Value)
    assert isinstance(packed, Value)
    made.fields["needs_input_grad"] = flags.value
    run = run_forward if owner.value.setup_context is _SETUP else run_forward_and_setup
    return domain.polyfill(run, owner, made, packed.value)


FUNCTION_RULES: dict[Any, Any] = {vars(torch.autograd.Function)["apply"].__func__: _apply}
"""The rule, by torch's function for it."""
