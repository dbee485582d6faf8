"""Methods of texts for arguments that have to be iterated (Objects/unicodeobject.c)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__framelift_hidden__ = True


def join(separator: Any, items: Iterable[Any], /) -> Any:
    """`separator.join(items)`, as PyUnicode_Join: the iterable is made a list first (PySequence_Fast)."""
    return separator.join(list(items))


def join_formatted(values: tuple[Any, ...], literals: tuple[str, ...], ways: tuple[tuple[str, str], ...], /) -> str:
    """Values between literals, each converted (`s`, `r`, `a` or nothing) and formatted by its specification."""
    result = literals[0] if literals else ""
    for position, value in enumerate(values):
        conversion, spec = ways[position]
        text = value
        if conversion == "s":
            text = str(value)
        elif conversion == "r":
            text = repr(value)
        elif conversion == "a":
            text = ascii(value)
        result += format(text, spec)
        if position + 1 < len(literals):
            result += literals[position + 1]
    return result
