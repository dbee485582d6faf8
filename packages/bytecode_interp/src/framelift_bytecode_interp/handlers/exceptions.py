"""Raising, handlers, context managers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import NO_EXCEPTION, NULL, Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome, Raise, Value

V = TypeVar("V")


def raise_varargs(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`raise`, `raise a` or `raise a from b`."""
    count = instruction.arg
    operands = [*frame.stack[len(frame.stack) - count :], NULL, NULL]
    result = domain.raise_exception(operands[0], operands[1], frame.topmost_handled())
    return deliver(frame, instruction.completion, result, domain)


def reraise(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[exception] -> []`: raise it again, as the end of a handler does."""
    return Raise(frame.stack[-1], again=True)


def push_exc_info(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[exception] -> [previous, exception]`: it is handled from here on."""
    stack = frame.stack
    stack.insert(len(stack) - 1, NO_EXCEPTION if frame.handled is None else frame.handled)
    frame.handled = stack[-1]
    return NEXT


def pop_except(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[previous] -> []`: it is handled again."""
    previous = frame.stack.pop()
    frame.handled = None if previous is NO_EXCEPTION else previous
    return NEXT


def check_exc_match(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[exception, types] -> [exception, matches]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.matches(stack[-2], stack[-1]), domain)


def check_eg_match(frame: Frame[V], _instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[exception, types] -> [rest, matched]`; what matched is handled."""
    stack = frame.stack
    result = domain.split_group(stack[-2], stack[-1])
    if type(result) is not Value:
        return result  # type: ignore[return-value]  # splitting is immediate: a Break or a Raise
    rest, matched = result.value
    if matched is not None:
        frame.handled = matched
    none = domain.constant(None)
    stack[-2:] = none if rest is None else rest, none if matched is None else matched
    return NEXT


def prep_reraise_star(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[original, exceptions] -> [what remains to be raised]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.reraise_star(stack[-2], stack[-1]), domain)


def load_exit(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[manager] -> [exit, manager]`."""
    result = domain.special_method(frame.stack[-1], instruction.arg)
    return deliver(frame, instruction.completion, result, domain)


def enter_context(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[manager] -> [entered]`."""
    method = domain.special_method(frame.stack[-1], instruction.arg)
    if type(method) is not Value:
        return method  # type: ignore[return-value]  # the look-up is immediate: a Break or a Raise
    return deliver(frame, instruction.completion, domain.call(frame, method.value, (), {}), domain)


def with_except_start(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[exit, position, previous, exception] -> [..., exit(type, exception, traceback)]`."""
    stack = frame.stack
    details = domain.exception_details(stack[-1])
    return deliver(frame, instruction.completion, domain.call(frame, stack[-4], details, {}), domain)


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "CHECK_EG_MATCH": check_eg_match,
    "CHECK_EXC_MATCH": check_exc_match,
    "ENTER_CONTEXT": enter_context,
    "LOAD_EXIT": load_exit,
    "POP_EXCEPT": pop_except,
    "PREP_RERAISE_STAR": prep_reraise_star,
    "PUSH_EXC_INFO": push_exc_info,
    "RAISE_VARARGS": raise_varargs,
    "RERAISE": reraise,
    "WITH_EXCEPT_START": with_except_start,
}
