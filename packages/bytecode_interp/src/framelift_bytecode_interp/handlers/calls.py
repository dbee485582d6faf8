"""Calls, functions, classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from .._cpython import CallLayout
from ..completion import deliver
from ..domain import Domain
from ..frame import NULL, Frame
from ..instruction import Instruction
from ..outcome import Outcome, Value

V = TypeVar("V")


def call_operands(layout: CallLayout, stack: list[Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Callee, positional arguments and keyword arguments of a CALL, from the stack before it."""
    end = len(stack) - layout.names_on_stack
    first = end - layout.count
    args = stack[first:end]
    lower, upper = stack[first - 2], stack[first - 1]
    if layout.null_first:
        if lower is NULL:
            callee = upper
        else:
            callee = lower
            args.insert(0, upper)
    else:
        callee = lower
        if upper is not NULL:
            args.insert(0, upper)
    names = layout.names
    if not names:
        return callee, tuple(args), {}
    positional = len(args) - len(names)
    return callee, tuple(args[:positional]), dict(zip(names, args[positional:], strict=True))


def call(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Call with the arguments on the stack; see `CallLayout` for where they are."""
    callee, args, kwargs = call_operands(instruction.arg, frame.stack)
    return deliver(frame, instruction.completion, domain.call(frame, callee, args, kwargs), domain)


def unpacked_operands(arg: tuple[bool, bool], stack: list[Any]) -> tuple[Any, Any, Any]:
    """Callee, positional arguments and keyword arguments (or None) of a CALL_FUNCTION_EX."""
    has_kwargs, null_first = arg
    kwargs = stack[-1] if has_kwargs else None
    base = len(stack) - 3 - has_kwargs
    return stack[base + null_first], stack[base + 2], kwargs


def call_function_ex(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`callee(*args, **kwargs)`."""
    callee, args, kwargs = unpacked_operands(instruction.arg, frame.stack)
    return deliver(frame, instruction.completion, domain.call_unpacked(frame, callee, args, kwargs), domain)


def load_super(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[super, class, self] -> [super(class, self)]`; a shadowed `super()` is called as it was written."""
    callee, cls, self = frame.stack[-3:]
    arguments: tuple[V, ...] = (cls, self)
    if instruction.arg:
        real = domain.identical(callee, domain.constant(super))
        if type(real) is Value:
            truth = domain.truth(real.value)
            if type(truth) is Value and not truth.value:
                arguments = ()
    return deliver(frame, instruction.completion, domain.call(frame, callee, arguments, {}), domain)


def make_function(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[defaults?, kwdefaults?, annotations?, closure?, code] -> [function]`, by the flags."""
    flags, code = instruction.arg
    stack = frame.stack
    at = len(stack) - 1 - flags.bit_count()
    found: list[V | None] = []
    for bit in (1, 2, 4, 8):
        if flags & bit:
            found.append(stack[at])
            at += 1
        else:
            found.append(None)
    defaults, kwdefaults, annotations, closure = found
    result = domain.make_function(frame, code, defaults, kwdefaults, annotations, closure)
    return deliver(frame, instruction.completion, result, domain)


def load_build_class(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push `__build_class__`."""
    return deliver(frame, instruction.completion, domain.build_class(frame), domain)


def intrinsic(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """An operation of the compiler that is named by the argument."""
    name, count = instruction.arg
    operands = frame.stack[len(frame.stack) - count :]
    return deliver(frame, instruction.completion, domain.intrinsic(frame, name, operands), domain)


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "CALL": call,
    "CALL_FUNCTION_EX": call_function_ex,
    "INTRINSIC": intrinsic,
    "LOAD_BUILD_CLASS": load_build_class,
    "LOAD_SUPER": load_super,
    "MAKE_FUNCTION": make_function,
}
