"""Symbols: their names and what is known of each."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection

from framelift_symbolic_shapes.range import Range

__all__ = ["SymbolInfo", "symbol_name"]


@dataclasses.dataclass(slots=True)
class SymbolInfo:
    """What is known of one symbol.

    Args:
        name: what it stands for, such as `L['x'].size()[0]`.
        hint: its value in the run that is captured; `None` for an unbacked symbol.
        origins: where its value is found at run time. The sizes that were equal share a symbol, and all of their
            origins must be equal again for the capture to be valid.
        range: the values that it can have.
        strict: whether a decision that leaves only one value is an error.
        line: the user's line that created it.
        others: the names of the other sizes that share it.
    """

    name: str
    hint: int | float | None
    origins: list[object]
    range: Range
    strict: bool = False
    line: object = None
    others: list[str] = dataclasses.field(default_factory=list)


def symbol_name(name: str, taken: Collection[str], prefix: str = "s") -> str:
    """Return a short name for what `name` describes: the same in every process, and not in `taken`.

    >>> symbol_name("L['x'].size()[0]", ())
    's77'
    >>> symbol_name("L['x'].size()[0]", {"s77"})
    's78'
    """
    number = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100
    while f"{prefix}{number}" in taken:
        number += 1
    return f"{prefix}{number}"
