"""Which blocks every path to a block goes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .graph import ControlFlowGraph, control_flow
from .instruction import Code


@dataclass(frozen=True, slots=True)
class Dominators:
    """The tree of immediate dominators of the blocks that control can reach, exception edges included.

    Args:
        graph: whose blocks they are.
        immediate: for the start of each block but the first, the start of the nearest other block that each path to it
            goes through.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def sign(x):
        ...     if x < 0:
        ...         return -1
        ...     return 1
        >>> tree = dominators(decode(sign.__code__))
        >>> sorted(set(tree.immediate.values()))
        [0]
    """

    graph: ControlFlowGraph
    immediate: dict[int, int]

    def chain(self, start: int) -> Iterator[int]:
        """A block's dominators, itself first, to the first block of the code."""
        yield start
        while start in self.immediate:
            start = self.immediate[start]
            yield start

    def dominates(self, start: int, other: int) -> bool:
        """Whether each path from the beginning to the block `other` goes through the block `start`."""
        return start in self.chain(other)


@lru_cache(maxsize=512)
def dominators(code: Code) -> Dominators:
    """The dominators of a code object's blocks, cached.

    The iterative algorithm of K. D. Cooper, T. J. Harvey and K. Kennedy, A Simple, Fast Dominance Algorithm (2001).

    Args:
        code: a decoded code object.
    """
    graph = control_flow(code)
    order = _reverse_postorder(graph)
    number = {start: place for place, start in enumerate(order)}
    predecessors: dict[int, list[int]] = {start: [] for start in order}
    for block in graph.blocks:
        if block.start in number:
            for following in (*block.successors, *block.handlers):
                predecessors[following].append(block.start)
    immediate = {0: 0}
    changed = True
    while changed:
        changed = False
        for start in order[1:]:
            known = [before for before in predecessors[start] if before in immediate]
            found = known[0]
            for other in known[1:]:
                found = _common(found, other, immediate, number)
            if immediate.get(start) != found:
                immediate[start] = found
                changed = True
    del immediate[0]
    return Dominators(graph, immediate)


def _common(one: int, other: int, immediate: dict[int, int], number: dict[int, int]) -> int:
    """The nearest block that dominates both."""
    while one != other:
        while number[one] > number[other]:
            one = immediate[one]
        while number[other] > number[one]:
            other = immediate[other]
    return one


def _reverse_postorder(graph: ControlFlowGraph) -> list[int]:
    """The starts of the reachable blocks, each before those that follow it, loops apart."""
    following = {block.start: (*block.successors, *block.handlers) for block in graph.blocks}
    finished: list[int] = []
    seen = {0}
    path = [(0, iter(following[0]))]
    while path:
        start, rest = path[-1]
        unseen = next((successor for successor in rest if successor not in seen), None)
        if unseen is None:
            finished.append(start)
            path.pop()
        else:
            seen.add(unseen)
            path.append((unseen, iter(following[unseen])))
    return finished[::-1]
