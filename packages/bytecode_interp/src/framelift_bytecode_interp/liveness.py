"""Which local variables are live at each instruction."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from .graph import control_flow
from .instruction import Code

_READS: Final = frozenset(
    {
        "DELETE_DEREF",
        "DELETE_FAST",
        "LOAD_CLOSURE",
        "LOAD_DEREF",
        "LOAD_FAST",
        "LOAD_FAST_AND_CLEAR",
        "LOAD_FROM_DICT_OR_DEREF",
        "MAKE_CELL",
        "STORE_DEREF",
    }
)
_WRITES: Final = frozenset({"STORE_FAST", "STORE_CLOSURE"})
_SEES_FRAME: Final = frozenset({"locals", "eval", "exec", "vars", "dir", "_getframe"})
"""Names whose mention makes all variables live: these functions read the frame of their caller."""


@lru_cache(maxsize=512)
def liveness(code: Code) -> tuple[frozenset[int], ...]:
    """The slots that are live before each instruction: some path from it, exceptions included, reads them first.

    The classic backward analysis (A. V. Aho et al., Compilers, 2nd ed., algorithm 9.14). A code that mentions
    `locals`, `eval` and their like has all slots live, and one that may call `super()` its first argument and
    `__class__`.

    Args:
        code: a decoded code object.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def area(width, height):
        ...     result = width * height
        ...     return result
        >>> code = decode(area.__code__)
        >>> [sorted(code.slot_names[slot] for slot in live) for live in liveness(code)][0]
        ['height', 'width']
    """
    always = _always_live(code)
    graph = control_flow(code)
    count = len(code.instructions)
    before = [0] * (count + 1)
    predecessors: dict[int, list[int]] = {}
    for number, block in enumerate(graph.blocks):
        for successor in (*block.successors, *block.handlers):
            predecessors.setdefault(successor, []).append(number)
    waiting = list(range(len(graph.blocks)))
    queued = set(waiting)
    while waiting:
        number = waiting.pop()
        queued.discard(number)
        block = graph.blocks[number]
        handled = 0
        for handler in block.handlers:
            handled |= before[handler]
        live = 0
        for successor in block.successors:
            live |= before[successor]
        entry = before[block.start]
        for index in range(block.end - 1, block.start - 1, -1):
            instruction = code.instructions[index]
            name = instruction.opname
            if name in _WRITES:
                live &= ~(1 << instruction.arg)
            elif name in _READS:
                live |= 1 << instruction.arg
            live |= handled
            before[index] = live
        if before[block.start] != entry:
            for predecessor in predecessors.get(block.start, ()):
                if predecessor not in queued:
                    queued.add(predecessor)
                    waiting.append(predecessor)
    return tuple(_slots(bits | always) for bits in before[:count])


def live_locals(code: Code, index: int) -> frozenset[int]:
    """The slots that are live before the instruction at `index`; see `liveness`."""
    return liveness(code)[index]


def _always_live(code: Code) -> int:
    if _SEES_FRAME & set(code.raw.co_names):
        return (1 << len(code.slot_names)) - 1
    if "__class__" in code.raw.co_freevars:
        return 1 | 1 << code.slot_of("__class__")
    return 0


@lru_cache(maxsize=4096)
def _slots(bits: int) -> frozenset[int]:
    return frozenset(slot for slot in range(bits.bit_length()) if bits >> slot & 1)
