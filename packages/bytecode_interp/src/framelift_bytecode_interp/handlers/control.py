"""Jumps, tests, iteration, return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..outcome import NEXT, Jump, Outcome, Return, Value

V = TypeVar("V")


def jump(_frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Go to the target."""
    return Jump(instruction.arg)


def pop_jump_if_true(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`, jumping if `a` is true."""
    result = domain.truth(frame.stack[-1])
    if type(result) is Value:
        frame.stack.pop()
        return Jump(instruction.arg) if result.value else NEXT
    return deliver(frame, instruction.completion, result, domain)


def pop_jump_if_false(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`, jumping if `a` is false."""
    result = domain.truth(frame.stack[-1])
    if type(result) is Value:
        frame.stack.pop()
        return NEXT if result.value else Jump(instruction.arg)
    return deliver(frame, instruction.completion, result, domain)


def _is_none(frame: Frame[V], domain: Domain[V], *, jumps: bool, target: int) -> Outcome[V]:
    same = domain.identical(frame.stack[-1], domain.constant(None))
    if type(same) is Value:
        truth = domain.truth(same.value)
        if type(truth) is Value:
            frame.stack.pop()
            return Jump(target) if truth.value is jumps else NEXT
        same = truth
    return same  # type: ignore[return-value]  # identity is immediate: a Break or a Raise


def pop_jump_if_none(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`, jumping if `a` is None."""
    return _is_none(frame, domain, jumps=True, target=instruction.arg)


def pop_jump_if_not_none(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`, jumping if `a` is not None."""
    return _is_none(frame, domain, jumps=False, target=instruction.arg)


def jump_if_true_or_pop(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Jump with `a` on the stack if it is true, else drop it."""
    result = domain.truth(frame.stack[-1])
    if type(result) is Value:
        if result.value:
            return Jump(instruction.arg)
        frame.stack.pop()
        return NEXT
    return deliver(frame, instruction.completion, result, domain)


def jump_if_false_or_pop(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Jump with `a` on the stack if it is false, else drop it."""
    result = domain.truth(frame.stack[-1])
    if type(result) is Value:
        if not result.value:
            return Jump(instruction.arg)
        frame.stack.pop()
        return NEXT
    return deliver(frame, instruction.completion, result, domain)


def get_iter(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [iter(a)]`."""
    return deliver(frame, instruction.completion, domain.get_iter(frame.stack[-1]), domain)


def for_iter(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[iterator] -> [iterator, item]`, or `[]` and a jump when exhausted."""
    return deliver(frame, instruction.completion, domain.next(frame.stack[-1]), domain)


def return_value(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`: return it."""
    return Return(frame.stack.pop())


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "FOR_ITER": for_iter,
    "GET_ITER": get_iter,
    "JUMP": jump,
    "JUMP_IF_FALSE_OR_POP": jump_if_false_or_pop,
    "JUMP_IF_TRUE_OR_POP": jump_if_true_or_pop,
    "POP_JUMP_IF_FALSE": pop_jump_if_false,
    "POP_JUMP_IF_NONE": pop_jump_if_none,
    "POP_JUMP_IF_NOT_NONE": pop_jump_if_not_none,
    "POP_JUMP_IF_TRUE": pop_jump_if_true,
    "RETURN_VALUE": return_value,
}
