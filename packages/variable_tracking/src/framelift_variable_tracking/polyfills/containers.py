"""`collections` functions written in C (Modules/_collectionsmodule.c)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__framelift_hidden__ = True


def count_elements(mapping: dict[Any, int], iterable: Iterable[Any], /) -> None:
    """`collections._count_elements(mapping, iterable)`, which `Counter.update` uses."""
    for item in iterable:
        mapping[item] = mapping.get(item, 0) + 1
