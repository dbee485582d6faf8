"""Opcode handlers: free functions `(frame, instruction, domain) -> Outcome`, by topic.

`HANDLERS` is the whole table. A domain may lend it *shortcuts*: handlers made for one instruction, which do at once
what the general handler would do by asking the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from ..domain import Domain
from ..frame import Frame
from ..instruction import Code, Instruction
from ..opcodes import CANONICAL
from ..outcome import Outcome
from . import asynchronous, calls, containers, control, exceptions, generators, operators, patterns, stack, variables

K = TypeVar("K")

Handler: TypeAlias = Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]
Shortcut: TypeAlias = Callable[[Instruction, Handler], Handler]
"""From an instruction and its general handler, a handler for this one instruction."""

Steps: TypeAlias = tuple[tuple[Handler, Instruction], ...]
"""A code object's instructions, each with its handler."""

Block: TypeAlias = Callable[[Frame[Any], Domain[Any], Any], Any]
"""Does several instructions at once: `(frame, domain, count)`; see `concrete.blocks`, the one place that makes them."""

Blocks: TypeAlias = Sequence[Block]
"""The blocks of a code object, by the index that each begins at."""


class Compiles(Protocol):
    """Makes the blocks of a code object from its steps and the general handlers."""

    def begin(self, code: Code, steps: Steps, handlers: Mapping[str, Handler]) -> Blocks: ...


_BOUND_LIMIT: Final = 4096


class HandlerTable(Mapping[str, Handler]):
    """The handler of each canonical instruction, bound to code objects once; immutable otherwise.

    Args:
        handlers: by canonical name.
        shortcuts: by canonical name.
        compiler: makes blocks, for interpreters without a limit of instructions.

    Attributes:
        bound: the steps of the code objects that ran.
        blocks: the blocks of those that ran in blocks.

    Raises:
        ValueError: an instruction has no handler, or a handler or a shortcut has no instruction.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        shortcuts: Mapping[str, Shortcut] | None = None,
        compiler: Compiles | None = None,
    ) -> None:
        self._handlers = dict(handlers)
        self._shortcuts = dict(shortcuts or {})
        self.compiler = compiler
        self.bound: dict[Code, Steps] = {}
        self.blocks: dict[Code, Blocks] = {}
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

    def divide(self, code: Code) -> Blocks:
        """The blocks of a code object; `blocks` keeps them.

        Raises:
            ValueError: there is no compiler.
        """
        if self.compiler is None:
            raise ValueError("handlers without a compiler have no blocks; use `bind`")
        steps = self.bound.get(code) or self.bind(code)
        return _keep(self.blocks, code, self.compiler.begin(code, steps, self._handlers))

    def specialised(self, shortcuts: Mapping[str, Shortcut], compiler: Compiles | None = None) -> HandlerTable:
        """The same handlers, with shortcuts, and with blocks where there is a compiler."""
        return HandlerTable(self._handlers, shortcuts, compiler)


def _keep(kept: dict[Code, K], code: Code, made: K) -> K:
    while len(kept) >= _BOUND_LIMIT:
        kept.pop(next(iter(kept)), None)
    kept[code] = made
    return made


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
