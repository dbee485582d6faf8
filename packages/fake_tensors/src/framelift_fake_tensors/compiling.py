"""What `torch.compiler.is_compiling()` says while a mode is entered: true, in the threads that entered one.

Libraries ask it to choose paths that need no data. torch keeps the answer in one variable for the whole process; while
any thread is in a mode, that variable holds a value whose truth depends on the thread that asks.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

__all__ = ["enter", "leave"]


class _Here(threading.local):
    """How often this thread is in a mode."""

    depth = 0


class _ByThread:
    """True in the threads that are in a mode, and elsewhere what it was before.

    >>> bool(_ByThread(False, _Here()))
    False
    """

    def __init__(self, before: Any, here: _Here) -> None:
        self.before = before
        self._here = here

    def __bool__(self) -> bool:
        return self._here.depth > 0 or bool(self.before)

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
    """A variable of a module that holds such a value while any thread is in a mode."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name
        self.flag: _ByThread | None = None

    def enter(self) -> None:
        module = sys.modules.get(self.module)
        if module is None or not hasattr(module, self.name):
            self.flag = None
            return
        # Another tool may hold our flag, to put it back: then it is in use again.
        current = getattr(module, self.name)
        self.flag = current if isinstance(current, _ByThread) else _ByThread(current, _here)
        setattr(module, self.name, self.flag)

    def leave(self) -> None:
        module = sys.modules.get(self.module)
        held = None if module is None else getattr(module, self.name, None)
        if isinstance(held, _ByThread) and held is self.flag:
            setattr(module, self.name, held.before)


class _Threads:
    """How many times threads are in modes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        # The thread that forked is the only one of the child; another one may have held the lock.
        self.lock = threading.Lock()
        self.count = _here.depth


_here = _Here()
_threads = _Threads()
_INSTALLATIONS = (
    _Installation("torch.compiler", "_is_compiling_flag"),
    # Else `flex_attention` compiles itself, and complains that it could not.
    _Installation("torch.nn.attention.flex_attention", "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"),
)


def enter() -> None:
    """Make the answer true in this thread, until `leave`."""
    with _threads.lock:
        if _threads.count == 0:
            for each in _INSTALLATIONS:
                each.enter()
        _threads.count += 1
        _here.depth += 1


def leave() -> None:
    """Undo one `enter` of this thread."""
    with _threads.lock:
        _here.depth -= 1
        _threads.count -= 1
        if _threads.count == 0:
            for each in _INSTALLATIONS:
                each.leave()
