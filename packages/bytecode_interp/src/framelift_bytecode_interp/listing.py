"""A code object's canonical instructions as text."""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType
from typing import Final

from .decoding import decode
from .instruction import Code, Instruction
from .liveness import liveness
from .stack_shape import stack_depths

_SLOTS: Final = frozenset(
    {
        "DELETE_DEREF",
        "DELETE_FAST",
        "LOAD_CLOSURE",
        "LOAD_DEREF",
        "LOAD_FAST",
        "LOAD_FAST_AND_CLEAR",
        "LOAD_FROM_DICT_OR_DEREF",
        "MAKE_CELL",
        "STORE_CLOSURE",
        "STORE_DEREF",
        "STORE_FAST",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a listing says of one instruction.

    Args:
        line: the user's line; None where it is that of the row above, or the compiler recorded none.
        index: the instruction.
        depth: of the stack before it; None where control can't reach it.
        text: what it is, with the names of variables.
        live: the variables that are live before it.
    """

    line: int | None
    index: int
    depth: int | None
    text: str
    live: tuple[str, ...]


def instruction_text(code: Code, instruction: Instruction) -> str:
    """An instruction as text, with the names of variables."""
    if instruction.opname in _SLOTS:
        return f"{instruction.opname} {code.slot_names[instruction.arg]}"
    return str(instruction)


def listing_rows(code: Code) -> list[Row]:
    """What a listing says of each instruction of a decoded code object."""
    names, depths, live = code.slot_names, stack_depths(code), liveness(code)
    rows = []
    previous: int | None = None
    for instruction in code:
        at = instruction.index
        line = None if instruction.line == previous else instruction.line
        shown = tuple(names[slot] for slot in sorted(live[at]))
        rows.append(Row(line, at, depths[at], instruction_text(code, instruction), shown))
        previous = instruction.line
    return rows


def handler_lines(code: Code) -> list[str]:
    """The exception table of a decoded code object, as text."""
    return [
        f"{entry.start} to {entry.end - 1} -> {entry.target} at depth {entry.depth}"
        + (", with the position" if entry.lasti else "")
        for entry in code.handlers
    ]


def listing(code: CodeType) -> str:
    """One line for each canonical instruction: line, index, stack depth before it, what it is, live variables.

    Args:
        code: a code object of the running CPython.

    Raises:
        DecodeError: as for `decode`.

    Example:
        >>> def double(x):
        ...     return 2 * x
        >>> print(listing(double.__code__))
        double
          line index depth instruction     live
             1     0     0 RESUME 0        x
             2     1     0 LOAD_CONST 2    x
                   2     1 LOAD_FAST x     x
                   3     2 BINARY_OP '*'
                   4     1 RETURN_VALUE
    """
    decoded = decode(code)
    rows = listing_rows(decoded)
    width = max((len(row.text) for row in rows), default=0)
    lines = [code.co_qualname, f"  line index depth {'instruction':{width}} live"]
    for row in rows:
        line = "" if row.line is None else row.line
        live = ", ".join(row.live)
        lines.append(f"  {line:>4} {row.index:5} {row.depth!s:>5} {row.text:{width}} {live}".rstrip())
    lines += [f"  {text}" for text in handler_lines(decoded)]
    return "\n".join(lines)
