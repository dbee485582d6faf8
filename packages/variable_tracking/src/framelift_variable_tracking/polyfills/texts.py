"""Methods of texts for arguments that have to be iterated (Objects/unicodeobject.c)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__framelift_hidden__ = True


def join(separator: Any, items: Iterable[Any], /) -> Any:
    """`separator.join(items)`, as PyUnicode_Join: the iterable is made a list first (PySequence_Fast)."""
    return separator.join(list(items))
