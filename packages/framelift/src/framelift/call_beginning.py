"""Telling a backend that a call of the user's begins.

CUDA graphs reuse the memory of one call's results in the next, so they must know where calls begin: at a lifted
function that no other one has called, and not at each of the graphs that its breaks leave.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

__all__ = ["announcing"]


class _Depth(threading.local):
    entries = 0


_depth = _Depth()


def announcing(entry: Callable[..., object], begins: Callable[[], object]) -> Callable[..., object]:
    """Return entry code that calls `begins` first, unless it runs inside of entry code that has.

    >>> inner = announcing(lambda: print("inner"), lambda: print("a call begins"))
    >>> announcing(inner, lambda: print("a call begins"))()
    a call begins
    inner
    """

    @functools.wraps(entry)
    def announced(*values: object) -> object:
        if not _depth.entries:
            begins()
        _depth.entries += 1
        try:
            return entry(*values)
        finally:
            _depth.entries -= 1

    return announced
