"""Which stores may have given a local variable what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from .graph import control_flow
from .instruction import Code
from .opcodes import OPCODES

ENTRY: Final = -1
"""Stands for what a slot holds when the frame begins: an argument, a free variable's cell, or nothing."""

STORES: Final = frozenset({"DELETE_FAST", "LOAD_FAST_AND_CLEAR", "STORE_CLOSURE", "STORE_FAST"})
"""The instructions that bind a slot, or unbind it."""


def reaching_stores(code: Code, index: int) -> Mapping[int, frozenset[int]]:
    """For each slot, the stores one of which was the last before the instruction at `index`, on some path to it.

    The classic forward analysis of reaching definitions (A. V. Aho et al., Compilers, 2nd ed., algorithm 9.11), with an
    edge to its handler from each instruction that can raise. A slot that holds a cell is stored once, by the frame's
    beginning: what the cell contains may be changed by other functions, and is not followed.

    Args:
        code: a decoded code object.
        index: of one of its instructions.

    Returns:
        Slot to indexes of instructions, and `ENTRY`; no slots where control can't reach.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def last(xs):
        ...     found = None
        ...     for x in xs:
        ...         found = x
        ...     return found
        >>> code = decode(last.__code__)
        >>> at = [i.index for i in code if i.opname == "LOAD_FAST" and i.arg == code.slot_of("found")][-1]
        >>> [code.instructions[store].line for store in sorted(reaching_stores(code, at)[code.slot_of("found")])]
        [2, 4]
    """
    bits = _reaching(code)[index]
    found: dict[int, set[int]] = {}
    for number, (slot, store) in enumerate(_stores(code)):
        if bits >> number & 1:
            found.setdefault(slot, set()).add(store)
    return {slot: frozenset(stores) for slot, stores in found.items()}


def _stores(code: Code) -> list[tuple[int, int]]:
    """Slot and index of each store; the frame's beginning stores each slot."""
    stores = [(slot, ENTRY) for slot in range(len(code.slot_names))]
    return [*stores, *((i.arg, i.index) for i in code.instructions if i.opname in STORES)]


@lru_cache(maxsize=512)
def _reaching(code: Code) -> tuple[int, ...]:
    """Before each instruction, the set of stores that reach it, as bits of their places in `_stores`."""
    slots = len(code.slot_names)
    stores = _stores(code)
    of_slot = [0] * slots
    bit_of = {}
    for number, (slot, store) in enumerate(stores):
        of_slot[slot] |= 1 << number
        bit_of[store] = 1 << number
    graph = control_flow(code)
    by_start = {block.start: block for block in graph.blocks}
    before = [0] * len(code.instructions)
    entering = {0: (1 << slots) - 1}
    waiting = [0]
    while waiting:
        block = by_start[waiting.pop()]
        state = entering[block.start]
        thrown = 0
        for index in range(block.start, block.end):
            before[index] = state
            instruction = code.instructions[index]
            if OPCODES[instruction.opname].raises:
                thrown |= state
            if instruction.opname in STORES:
                state = state & ~of_slot[instruction.arg] | bit_of[index]
        for following, given in (*((s, state) for s in block.successors), *((h, thrown) for h in block.handlers)):
            merged = entering.get(following, 0) | given
            if following not in entering or merged != entering[following]:
                entering[following] = merged
                waiting.append(following)
    return tuple(before)
