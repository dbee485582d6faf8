"""What `torch.compiler.is_compiling()` says while a mode is entered: true, in the threads that entered one.

Libraries ask it to choose paths that need no data. torch keeps the answer in one variable for the whole process; while
any thread is in a mode, that variable holds a value whose truth depends on the thread that asks.
"""

from __future__ import annotations

import threading
from typing import Any

import torch.compiler

__all__ = ["enter", "leave"]


class _ByThread(threading.local):
    """True in the threads that entered a mode, and elsewhere what it was before.

    >>> bool(_ByThread(False))
    False
    """

    depth = 0

    def __init__(self, before: Any) -> None:
        self.before = before

    def __bool__(self) -> bool:
        return self.depth > 0 or bool(self.before)

    def __eq__(self, other: object) -> bool:
        return bool(self) == other

    def __hash__(self) -> int:
        return hash(bool(self))

    def __repr__(self) -> str:
        return repr(bool(self))

    # Programs calculate with it as with the bool that it stands for.
    def __index__(self) -> int:
        return int(bool(self))

    def __and__(self, other: Any) -> Any:
        return bool(self) & other

    def __or__(self, other: Any) -> Any:
        return bool(self) | other

    def __xor__(self, other: Any) -> Any:
        return bool(self) ^ other

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


class _Installation:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.flag: Any = None
        self.threads = 0


_installation = _Installation()


def enter() -> None:
    """Make the answer true in this thread, until `leave`."""
    with _installation.lock:
        if _installation.threads == 0:
            # Another tool may hold our flag, to put it back: then it is in use again.
            current: Any = torch.compiler._is_compiling_flag
            _installation.flag = current if isinstance(current, _ByThread) else _ByThread(current)
        torch.compiler._is_compiling_flag = _installation.flag
        _installation.threads += 1
        _installation.flag.depth += 1


def leave() -> None:
    """Undo one `enter` of this thread."""
    with _installation.lock:
        flag = _installation.flag
        flag.depth -= 1
        _installation.threads -= 1
        current: Any = torch.compiler._is_compiling_flag
        if _installation.threads == 0 and current is flag:
            torch.compiler._is_compiling_flag = flag.before
