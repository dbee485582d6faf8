"""What the stack holds before each instruction: its depth, and which entries belong to exception handling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from .errors import DecodeError
from .graph import exception_successor
from .instruction import Code, Instruction
from .opcodes import OPCODES, Flow, jump_target


@dataclass(frozen=True, slots=True)
class Handled:
    """The entry that PUSH_EXC_INFO at `origin` pushed and POP_EXCEPT has not restored yet."""

    origin: int


VALUE: Final = "value"
POSITION: Final = "position"

Entry: TypeAlias = str | Handled
Shape: TypeAlias = tuple[Entry, ...]


@lru_cache(maxsize=512)
def stack_shapes(code: Code) -> tuple[Shape | None, ...]:
    """The shape of the stack before each instruction; None where control can't reach.

    Args:
        code: a decoded code object.

    Raises:
        DecodeError: two paths reach an instruction with different depths, or take more than there is.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def add(a, b):
        ...     return a + b
        >>> [len(shape) for shape in stack_shapes(decode(add.__code__))]
        [0, 0, 1, 2, 1]
    """
    shapes: list[Shape | None] = [None] * len(code.instructions)
    waiting: list[tuple[int, Shape]] = [(0, ())]
    while waiting:
        index, shape = waiting.pop()
        known = shapes[index]
        if known is not None:
            if len(known) != len(shape):
                raise DecodeError(
                    f"{code.filename}, {code.raw.co_qualname}: the stack before instruction {index} "
                    f"({code.instructions[index]}) has {len(known)} entries on one path and {len(shape)} on another"
                )
            continue
        shapes[index] = shape
        handler = code.handler_at(index)
        if handler is not None and exception_successor(code, index) is not None:
            position = (POSITION,) if handler.lasti else ()
            waiting.append((handler.target, (*shape[: handler.depth], *position, VALUE)))
        instruction = code.instructions[index]
        opcode = OPCODES[instruction.opname]
        if opcode.flow is Flow.END:
            continue
        target = jump_target(instruction.opname, instruction.arg)
        if target is not None:
            effect = opcode.effect(instruction.arg, jump=True)
            waiting.append((target, shape[: len(shape) + effect]))
        if opcode.flow is not Flow.JUMP and index + 1 < len(shapes):
            waiting.append((index + 1, _after(instruction, shape, code)))
    return tuple(shapes)


def stack_depths(code: Code) -> tuple[int | None, ...]:
    """The depth of the stack before each instruction; None where control can't reach."""
    return tuple(None if shape is None else len(shape) for shape in stack_shapes(code))


_READ_TOP: Final = frozenset(("LOAD_EXIT", "POP_EXCEPT", "PUSH_EXC_INFO"))


def _after(instruction: Instruction, shape: Shape, code: Code) -> Shape:
    name, arg = instruction.opname, instruction.arg
    opcode = OPCODES[name]
    takes = max(opcode.takes(arg), max(arg, 1) if name in {"COPY", "SWAP"} else 1 if name in _READ_TOP else 0)
    if takes > len(shape):
        line = instruction.line or code.raw.co_firstlineno
        raise DecodeError(
            f"{code.filename}:{line}, {code.raw.co_qualname}: {instruction} at {instruction.index} takes {takes} "
            f"entries of a stack of {len(shape)}"
        )
    if name == "COPY":
        return (*shape, shape[-arg])
    if name == "SWAP":
        swapped = list(shape)
        swapped[-arg], swapped[-1] = swapped[-1], swapped[-arg]
        return tuple(swapped)
    if name == "PUSH_EXC_INFO":
        return (*shape[:-1], Handled(instruction.index), shape[-1])
    if name == "POP_EXCEPT":
        popped = shape[-1]
        return tuple(VALUE if entry == popped else entry for entry in shape[:-1])
    if name == "LOAD_EXIT":
        return (*shape[:-1], VALUE, shape[-1])
    return (*shape[: len(shape) - opcode.takes(arg)], *(VALUE,) * opcode.gives(arg))
