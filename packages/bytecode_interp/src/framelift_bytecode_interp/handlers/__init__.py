"""Opcode handlers: free functions `(frame, instruction, domain) -> Outcome`, by topic.

`HANDLERS` is the whole table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..opcodes import CANONICAL
from ..outcome import Outcome
from . import asynchronous, calls, containers, control, exceptions, generators, operators, patterns, stack, variables

Handler: TypeAlias = Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]


def handler_table(*topics: Mapping[str, Handler]) -> Mapping[str, Handler]:
    """Join the topics' handlers into one immutable table.

    Raises:
        ValueError: an instruction has no handler or two, or a handler has no instruction.
    """
    table: dict[str, Handler] = {}
    for topic in topics:
        twice = table.keys() & topic.keys()
        if twice:
            raise ValueError(f"instructions must have one handler each; these have two: {', '.join(sorted(twice))}")
        table.update(topic)
    missing, unknown = CANONICAL - table.keys(), table.keys() - CANONICAL
    if missing or unknown:
        raise ValueError(
            f"each canonical instruction must have a handler; missing: {', '.join(sorted(missing)) or 'none'}; "
            f"not canonical: {', '.join(sorted(unknown)) or 'none'}"
        )
    return MappingProxyType(table)


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
