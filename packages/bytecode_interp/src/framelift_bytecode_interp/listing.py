"""A code object's canonical instructions as text."""

from __future__ import annotations

from types import CodeType
from typing import Final

from .decoding import decode
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
    names, depths, live = decoded.slot_names, stack_depths(decoded), liveness(decoded)
    rows = []
    previous: int | None = None
    for instruction in decoded:
        text = str(instruction)
        if instruction.opname in _SLOTS:
            text = f"{instruction.opname} {names[instruction.arg]}"
        line = "" if instruction.line == previous else str(instruction.line)
        previous = instruction.line
        shown = ", ".join(names[slot] for slot in sorted(live[instruction.index]))
        rows.append((line, instruction.index, depths[instruction.index], text, shown))
    width = max((len(row[3]) for row in rows), default=0)
    lines = [code.co_qualname, f"  line index depth {'instruction':{width}} live"]
    for line, index, depth, text, shown in rows:
        lines.append(f"  {line:>4} {index:5} {depth!s:>5} {text:{width}} {shown}".rstrip())
    for entry in decoded.handlers:
        position = ", with the position" if entry.lasti else ""
        lines.append(f"  {entry.start} to {entry.end - 1} -> {entry.target} at depth {entry.depth}{position}")
    return "\n".join(lines)
