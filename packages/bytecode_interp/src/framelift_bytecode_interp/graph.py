"""The control-flow graph of a code object, exception edges included."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from .instruction import Code
from .opcodes import OPCODES, Flow, jump_target


def successors(code: Code, index: int) -> tuple[int, ...]:
    """The instructions that may run after one, exceptions apart: the next one first, then the jump's target."""
    instruction = code.instructions[index]
    flow = OPCODES[instruction.opname].flow
    if flow is Flow.END:
        return ()
    target = jump_target(instruction.opname, instruction.arg)
    if flow is Flow.JUMP:
        assert target is not None
        return (target,)
    following = (index + 1,) if index + 1 < len(code.instructions) else ()
    return following if target is None else (*following, target)


def exception_successor(code: Code, index: int) -> int | None:
    """The handler that runs if the instruction at `index` raises, or None."""
    entry = code.handler_at(index)
    return entry.target if entry is not None and OPCODES[code.instructions[index].opname].raises else None


@dataclass(frozen=True, slots=True)
class BasicBlock:
    """Instructions `start` to `end - 1`, entered only at the first and left only after the last, or by an exception.

    Args:
        start: the first instruction.
        end: one past the last.
        successors: the starts of the blocks that may follow.
        handlers: the starts of the blocks that handle exceptions raised in it.
    """

    start: int
    end: int
    successors: tuple[int, ...]
    handlers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ControlFlowGraph:
    """The basic blocks of a code object, by their place in it; unreachable ones included.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def sign(x):
        ...     if x < 0:
        ...         return -1
        ...     return 1
        >>> len(ControlFlowGraph.of(decode(sign.__code__)).blocks)
        3
    """

    code: Code
    blocks: tuple[BasicBlock, ...]

    @classmethod
    def of(cls, code: Code) -> ControlFlowGraph:
        """Find the blocks of a decoded code object (A. V. Aho et al., Compilers, 2nd ed., algorithm 8.5)."""
        count = len(code.instructions)
        leaders = {0, *(entry.target for entry in code.handlers)}
        for entry in code.handlers:
            leaders |= {entry.start, entry.end}
        for index in range(count):
            following = successors(code, index)
            if following != (index + 1,):
                leaders.update(following)
                leaders.add(index + 1)
        starts = sorted(leader for leader in leaders if leader < count)
        blocks = []
        for start, end in zip(starts, [*starts[1:], count], strict=True):
            found = {
                handler for index in range(start, end) if (handler := exception_successor(code, index)) is not None
            }
            blocks.append(BasicBlock(start, end, successors(code, end - 1), tuple(sorted(found))))
        return cls(code, tuple(blocks))

    def block_at(self, index: int) -> BasicBlock:
        """The block that holds the instruction at `index`."""
        return self.blocks[bisect_right(self.blocks, index, key=lambda block: block.start) - 1]

    def reachable(self) -> frozenset[int]:
        """The starts of the blocks that control can reach from the first one."""
        by_start = {block.start: block for block in self.blocks}
        found: set[int] = set()
        waiting = [0]
        while waiting:
            start = waiting.pop()
            if start not in found:
                found.add(start)
                block = by_start[start]
                waiting.extend((*block.successors, *block.handlers))
        return frozenset(found)


@lru_cache(maxsize=512)
def control_flow(code: Code) -> ControlFlowGraph:
    """The graph of a code object, cached."""
    return ControlFlowGraph.of(code)
