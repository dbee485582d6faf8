"""Opcode handlers: free functions `(frame, instruction, domain) -> Outcome`, by topic.

`HANDLERS` is the whole table. A domain may lend it *shortcuts*: handlers made for one instruction, which do at once
what the general handler would do by asking the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ..domain import Domain
from ..frame import Frame
from ..instruction import Code, Instruction
from ..opcodes import CANONICAL
from ..outcome import Outcome
from . import asynchronous, calls, containers, control, exceptions, generators, operators, patterns, stack, variables

Handler: TypeAlias = Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]
Shortcut: TypeAlias = Callable[[Instruction, Handler], Handler]
"""From an instruction and its general handler, a handler for this one instruction."""

Fusion: TypeAlias = Callable[[Sequence[Instruction], Handler], Handler | None]
"""From instructions that follow each other and the first one's handler, a handler for all of them, or None.

It answers `Advance`, or does only the first one, by its handler.
"""

Steps: TypeAlias = tuple[tuple[Handler, Instruction], ...]
"""A code object's instructions, each with its handler."""

_BOUND_LIMIT: Final = 4096


class HandlerTable(Mapping[str, Handler]):
    """The handler of each canonical instruction, bound to code objects once; immutable otherwise.

    Args:
        handlers: by canonical name.
        shortcuts: by canonical name.
        fusions: by the canonical names of the instructions, the longest first.

    Attributes:
        bound: the steps of the code objects that ran.
        fused: the same, with fusions.

    Raises:
        ValueError: an instruction has no handler, or a handler or a shortcut has no instruction.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        shortcuts: Mapping[str, Shortcut] | None = None,
        fusions: Sequence[tuple[tuple[str, ...], Fusion]] = (),
    ) -> None:
        self._handlers = dict(handlers)
        self._shortcuts = dict(shortcuts or {})
        self._fusions: dict[str, list[tuple[tuple[str, ...], Fusion]]] = {}
        for names, fusion in fusions:
            self._fusions.setdefault(names[0], []).append((names, fusion))
        self.bound: dict[Code, Steps] = {}
        self.fused: dict[Code, Steps] = {}
        missing = CANONICAL - self._handlers.keys()
        unknown = (self._handlers.keys() | self._shortcuts.keys()) - CANONICAL
        if missing or unknown:
            raise ValueError(
                f"each canonical instruction must have a handler; missing: {', '.join(sorted(missing)) or 'none'}; "
                f"not canonical: {', '.join(sorted(unknown)) or 'none'}"
            )

    def __getitem__(self, opname: str) -> Handler:
        return self._handlers[opname]

    def __iter__(self) -> Iterator[str]:
        return iter(self._handlers)

    def __len__(self) -> int:
        return len(self._handlers)

    def bind(self, code: Code) -> Steps:
        """The steps of a code object, one instruction each; `bound` keeps them, the oldest dropped first."""
        handlers, shortcuts, made = self._handlers, self._shortcuts, []
        for instruction in code.instructions:
            handler = handlers[instruction.opname]
            shortcut = shortcuts.get(instruction.opname)
            made.append((handler if shortcut is None else shortcut(instruction, handler), instruction))
        return _keep(self.bound, code, tuple(made))

    def fuse(self, code: Code) -> Steps:
        """The steps of a code object, several instructions each where there is a fusion; `fused` keeps them."""
        single = self.bind(code)
        if not self._fusions:
            return _keep(self.fused, code, single)
        instructions, made = code.instructions, []
        names = [instruction.opname for instruction in instructions]
        for at, (handler, instruction) in enumerate(single):
            fused: Handler | None = None
            for pattern, fusion in self._fusions.get(instruction.opname, ()):
                if tuple(names[at : at + len(pattern)]) == pattern:
                    fused = fusion(instructions[at : at + len(pattern)], handler)
                    if fused is not None:
                        break
            made.append((handler if fused is None else fused, instruction))
        return _keep(self.fused, code, tuple(made))

    def specialised(
        self, shortcuts: Mapping[str, Shortcut], fusions: Sequence[tuple[tuple[str, ...], Fusion]] = ()
    ) -> HandlerTable:
        """The same handlers, with shortcuts and fusions."""
        return HandlerTable(self._handlers, shortcuts, fusions)


def _keep(kept: dict[Code, Steps], code: Code, steps: Steps) -> Steps:
    while len(kept) >= _BOUND_LIMIT:
        kept.pop(next(iter(kept)), None)
    kept[code] = steps
    return steps


def handler_table(*topics: Mapping[str, Handler]) -> HandlerTable:
    """Join the topics' handlers into one table.

    Raises:
        ValueError: an instruction has no handler or two, or a handler has no instruction.
    """
    table: dict[str, Handler] = {}
    for topic in topics:
        twice = table.keys() & topic.keys()
        if twice:
            raise ValueError(f"instructions must have one handler each; these have two: {', '.join(sorted(twice))}")
        table.update(topic)
    return HandlerTable(table)


HANDLERS: Final = handler_table(
    stack.HANDLERS,
    variables.HANDLERS,
    operators.HANDLERS,
    containers.HANDLERS,
    calls.HANDLERS,
    control.HANDLERS,
    exceptions.HANDLERS,
    generators.HANDLERS,
    asynchronous.HANDLERS,
    patterns.HANDLERS,
)
"""The handler of each canonical instruction."""
