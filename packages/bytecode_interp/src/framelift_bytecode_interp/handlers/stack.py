"""Instructions that only move entries of the stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..domain import Domain
from ..frame import NULL, Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome

V = TypeVar("V")


def nop(_frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Nothing."""
    return NEXT


def pop_top(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[a] -> []`."""
    frame.stack.pop()
    return NEXT


def push_null(frame: Frame[V], _instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """`[] -> [NULL]`."""
    frame.stack.append(NULL)
    return NEXT


def copy(frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Push the entry at depth `arg` (1 is the top) again."""
    stack = frame.stack
    stack.append(stack[-instruction.arg])
    return NEXT


def swap(frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Exchange the top with the entry at depth `arg`."""
    stack = frame.stack
    depth = -instruction.arg
    stack[depth], stack[-1] = stack[-1], stack[depth]
    return NEXT


def load_const(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push a constant."""
    frame.stack.append(domain.constant(instruction.arg))
    return NEXT


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "COPY": copy,
    "LOAD_CONST": load_const,
    "NOP": nop,
    "POP_TOP": pop_top,
    "PUSH_NULL": push_null,
    "RESUME": nop,
    "SWAP": swap,
}
