"""What calls of torch functions mean that are neither graph operations nor ordinary Python.

Global state that torch keeps in C++ is read from where it was when the capture started, as guards hold it there, and
changes of it become nodes, so that they happen in program order among the operations that they govern.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
import torch.utils._device

from framelift_bytecode_interp import Break, Value
from framelift_variable_tracking import (
    NOT_CONSTANT,
    Answer,
    Arguments,
    CallContext,
    FunctionRule,
    Keywords,
    OpaqueVariable,
    Tracking,
    Variable,
)

from .applied import grouped_tensors
from .handlers.tensor import session_of
from .reasons import RequestedBreak, UnsupportedArgument
from .torch_state import AUTOCAST_DEVICES
from .variables import TensorVariable

__all__ = ["TORCH_RULES", "break_on_call", "constant_rule"]


def constant_rule(value: object) -> FunctionRule:
    """Return the rule of a function whose answer during capture is known."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        return Value(domain.constant(value))

    return rule


def break_on_call(name: str) -> FunctionRule:
    """Return the rule of a function whose call ends the graph."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        return Break(RequestedBreak(name))

    return rule


def _reads(function: Callable[..., Any]) -> FunctionRule:
    """Return the rule of a function that reads guarded state; changes made by the capture are in effect meanwhile."""

    def rule(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
        values = [domain.as_constant(item) for item in args]
        if kwargs or any(value is NOT_CONSTANT for value in values):
            return Break(UnsupportedArgument(function.__name__, "unknown value"))
        return domain.from_native(function(*values))

    return rule


def _get_autocast_dtype(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if len(args) == 1 and type(domain.as_constant(args[0])) is str:
        session_of(domain).rely_on_autocast_dtype(domain.as_constant(args[0]))
    return _reads(torch.get_autocast_dtype)(domain, context, args, kwargs)


def _set_grad_enabled(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    mode = domain.as_constant(args[0]) if len(args) == 1 else NOT_CONSTANT
    if not isinstance(mode, bool):
        return Break(UnsupportedArgument("torch._C._set_grad_enabled", "unknown value"))
    session_of(domain).set_grad_enabled(mode)
    return Value(domain.constant(None))


def _is_grad_enabled(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    return Value(domain.constant(torch.is_grad_enabled()))


def _is_tensor(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    return Value(domain.constant(issubclass(args[0].python_type(), torch.Tensor)))


def _is_of_tensor_type(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """`isinstance(x, torch.FloatTensor)` and its like: no class, but a dtype, a layout and a kind of device."""
    candidate: Any = getattr(args[0], "value", None)
    if len(args) != 2 or kwargs or getattr(candidate, "__module__", None) not in ("torch", "torch.cuda"):
        return Break(UnsupportedArgument("torch.tensortype.__instancecheck__", "type of another device"))
    if not isinstance(args[1], TensorVariable):
        known = not issubclass(args[1].python_type(), torch.Tensor)
        return Value(domain.constant(False)) if known else domain.unsupported(args[1], "isinstance()")
    fake: Any = session_of(domain).realise(args[1]).fake
    look = fake.dtype, fake.layout, fake.device.type
    return Value(domain.constant(look == (candidate.dtype, candidate.layout, "cuda" if candidate.is_cuda else "cpu")))


_AUTOCAST_READS = (
    torch.is_autocast_enabled, torch.is_autocast_cache_enabled,
    torch.amp.is_autocast_available, torch._C._is_autocast_available, torch._C._get_privateuse1_backend_name,
)  # fmt: skip

_MACHINE_READS = tuple(
    [
        function
        for home in (torch.cuda, torch.xpu, torch.mps, torch.accelerator, torch.backends.mps, torch.backends.cuda)
        for name in ("is_available", "is_built", "device_count", "is_bf16_supported")
        if (function := getattr(home, name, None)) is not None
    ]
)
"""What a machine has does not change while a program runs, or not so that torch would see it."""


def _fields(domain: Tracking, region: Variable, names: tuple[str, ...]) -> list[Any] | None:
    """Return the values of attributes of an autocast region, None where one is not known."""
    values = []
    for name in names:
        found = domain.get_attribute(region, name)
        values.append(domain.as_constant(found.value) if isinstance(found, Value) else NOT_CONSTANT)
    return None if any(value is NOT_CONSTANT for value in values) else values


def _enter_autocast(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    region = args[0]
    fields = _fields(domain, region, ("device", "fast_dtype", "_enabled", "_cache_enabled"))
    if fields is None or fields[0] not in AUTOCAST_DEVICES:
        return Break(UnsupportedArgument("torch.autocast.__enter__", "unknown value"))
    before = {
        "prev_cache_enabled": torch.is_autocast_cache_enabled(),
        "prev": torch.is_autocast_enabled(fields[0]),
        "prev_fastdtype": torch.get_autocast_dtype(fields[0]),
    }
    for name, value in before.items():
        stored = domain.set_attribute(region, name, domain.constant(value))
        if not isinstance(stored, Value):
            return stored
    session_of(domain).enter_autocast(region, *fields)
    return Value(region)


def _exit_autocast(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    fields = _fields(domain, args[0], ("device", "prev_fastdtype", "prev", "prev_cache_enabled"))
    if fields is None or not session_of(domain).exit_autocast(args[0], *fields):
        return Break(UnsupportedArgument("torch.autocast.__exit__", "region that another graph has entered"))
    return Value(domain.constant(False))


def _enter_inference_mode(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    fields = _fields(domain, args[0], ("mode",))
    if fields is None or type(fields[0]) is not bool:
        return Break(UnsupportedArgument("torch.inference_mode.__enter__", "unknown value"))
    # torch's guard object: while it is there, the region can't be made again, and so not be split by a break.
    stored = domain.set_attribute(args[0], "_inference_mode_context", OpaqueVariable(_InRegion(), None))
    if not isinstance(stored, Value):
        return stored
    session_of(domain).enter_inference_mode(args[0], fields[0])
    return Value(domain.constant(None))


class _InRegion:
    """Stands for a region of inference mode that is open in a graph."""


def _exit_inference_mode(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if not session_of(domain).exit_inference_mode(args[0]):
        return Break(UnsupportedArgument("torch.inference_mode.__exit__", "region that another graph has entered"))
    return Value(domain.constant(None))


def _get_default_device(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    with session_of(domain).default_device or contextlib.nullcontext():
        return domain.from_native(torch.get_default_device())


def _enter_record_function(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    """Enter a region that labels what a profiler sees: nothing else depends on it, so a graph carries no such labels.

    A region that a break splits is left by torch's own `__exit__`, which must then find nothing to end.
    """
    stored = domain.set_attribute(args[0], "run_callbacks_on_exit", domain.constant(False))
    return Value(args[0]) if isinstance(stored, Value) else stored


def _exit_record_function(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    if _fields(domain, args[0], ("record",)) != [None]:
        return Break(UnsupportedArgument("torch.autograd.profiler.record_function.__exit__", "region of a profiler"))
    stored = domain.set_attribute(args[0], "run_callbacks_on_exit", domain.constant(True))
    return Value(domain.constant(None)) if isinstance(stored, Value) else stored


def _group_tensors(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    return domain.polyfill(grouped_tensors, *args, *[kwargs[name] for name in ("with_indices",) if name in kwargs])


_FULL_BACKWARD_HOOKS: dict[Any, FunctionRule] = {
    function: break_on_call("register_full_backward_hook()")
    for function in [getattr(torch.utils.hooks.BackwardHook, "_apply_on_tensors", None)]
    if function is not None
}
"""A full backward hook hangs on the graph that autograd makes as a module runs; a compiled graph has no such nodes."""

TORCH_RULES: dict[Any, FunctionRule] = {
    **_FULL_BACKWARD_HOOKS,
    torch.is_grad_enabled: _is_grad_enabled,
    torch._C._set_grad_enabled: _set_grad_enabled,
    torch.is_tensor: _is_tensor,
    type(torch.FloatTensor).__instancecheck__: _is_of_tensor_type,
    torch.get_default_device: _get_default_device,
    **{
        function: break_on_call(f"torch.utils._device.{function.__qualname__}()")
        for function in (torch.utils._device.DeviceContext.__enter__, torch.utils._device.DeviceContext.__exit__)
    },
    torch.set_default_device: break_on_call("torch.set_default_device()"),
    torch.get_default_dtype: _reads(torch.get_default_dtype),
    torch.is_inference_mode_enabled: _reads(torch.is_inference_mode_enabled),
    torch.are_deterministic_algorithms_enabled: _reads(torch.are_deterministic_algorithms_enabled),
    **{function: _reads(function) for function in (*_AUTOCAST_READS, *_MACHINE_READS)},
    torch.get_autocast_dtype: _get_autocast_dtype,
    torch.autocast.__enter__: _enter_autocast,
    torch.autocast.__exit__: _exit_autocast,
    torch.inference_mode.__enter__: _enter_inference_mode,
    torch.inference_mode.__exit__: _exit_inference_mode,
    torch.autograd.profiler.record_function.__enter__: _enter_record_function,
    torch.autograd.profiler.record_function.__exit__: _exit_record_function,
    torch._C._group_tensors_by_device_and_dtype: _group_tensors,
    torch._C._get_tracing_state: constant_rule(None),
    torch.compiler.is_compiling: constant_rule(True),
    torch.compiler.is_dynamo_compiling: constant_rule(True),
    torch._jit_internal.is_scripting: constant_rule(False),
    torch.jit._trace.is_tracing: constant_rule(False),
    torch._C._log_api_usage_once: constant_rule(None),
    torch.overrides.has_torch_function: constant_rule(False),
    torch.overrides.has_torch_function_unary: constant_rule(False),
    torch.overrides.has_torch_function_variadic: constant_rule(False),
}
"""The rules, by function."""
