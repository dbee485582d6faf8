"""What torch keeps once for the whole process, and what a mode wants otherwise in the threads that are in it.

- `torch.compiler.is_compiling()` is true: libraries ask it to choose paths that need no data.
- `torch.autocast("cuda")` is on though there is no such device: eager would be on a machine that has one. Without one
  torch only warns, once, as the object is made.

While any thread is in a mode, torch's variable holds a value that depends on the thread that asks.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final

import torch

__all__ = ["AUTOCASTING", "COMPILING", "Here", "Installation", "Switch"]


class Here(threading.local):
    """How often this thread is in a mode."""

    depth = 0


class _ByThread:
    """True in the threads that are in a mode, and elsewhere what it was before.

    >>> bool(_ByThread(False, Here()))
    False
    """

    def __init__(self, before: Any, here: Here) -> None:
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


def _autocasting(before: Callable[..., None], here: Here) -> Callable[..., None]:
    """Return what makes an `autocast` that asks for no device, in the threads that are in a mode.

    >>> _autocasting(torch.autocast.__init__, Here()).__name__
    '__init__'
    """

    @functools.wraps(before)
    def made(
        self: Any,
        device_type: str,
        dtype: torch.dtype | None = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        unasked = bool(here.depth) and device_type == "cuda" and enabled and not torch.cuda.is_available()
        before(self, device_type, dtype, enabled and not unasked, cache_enabled)
        if unasked:
            self._enabled = True

    return made


class Installation:
    """An attribute, of a module or of a class in it, that is another one while any thread is in a mode.

    Args:
        module: the name of the module; where it is not loaded, there is nothing to do.
        path: the attribute, or class and attribute.
        make: makes the other value, of the one before and of how deep each thread is in.
    """

    def __init__(self, module: str, path: str, make: Callable[[Any, Here], Any] = _ByThread) -> None:
        self._module = module
        self._path, _, self._name = path.rpartition(".")
        self._make = make
        self._known: list[tuple[Any, Any]] = []
        """The last value that was put there, and what had been there before."""

    def _owner(self) -> Any:
        module = sys.modules.get(self._module)
        return getattr(module, self._path, None) if self._path else module

    def enter(self, here: Here) -> None:
        owner = self._owner()
        if owner is None or self._name not in vars(owner):
            self._known.clear()
            return
        # Another tool may hold our value, to put it back: then it is in use again.
        current = vars(owner)[self._name]
        for made, before in self._known:
            if current is made:
                return
            if current is before:  # as it was the last time
                setattr(owner, self._name, made)
                return
        self._known[:] = [(self._make(current, here), current)]
        setattr(owner, self._name, self._known[0][0])

    def leave(self) -> None:
        owner = self._owner()
        held = None if owner is None else vars(owner).get(self._name)
        for made, before in self._known:
            if held is made:
                setattr(owner, self._name, before)


class Switch:
    """Attributes of torch that are other ones for the threads that have it on.

    Args:
        installations: which attributes.

    >>> switch = Switch([Installation("torch.compiler", "_is_compiling_flag")])
    >>> with switch:
    ...     bool(torch.compiler.is_compiling())
    True
    >>> torch.compiler.is_compiling()
    False
    """

    def __init__(self, installations: Sequence[Installation]) -> None:
        self.lock = threading.Lock()
        self._installations = installations
        self._here = Here()
        self._count = 0
        """How many times threads have it on."""
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        # The thread that forked is the only one of the child; another one may have held the lock.
        self.lock = threading.Lock()
        self._count = self._here.depth

    def __enter__(self) -> None:
        """Turn it on in this thread."""
        with self.lock:
            if self._count == 0:
                for each in self._installations:
                    each.enter(self._here)
            self._count += 1
            self._here.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Undo one `__enter__` of this thread."""
        with self.lock:
            self._here.depth -= 1
            self._count -= 1
            if self._count == 0:
                for each in self._installations:
                    each.leave()


COMPILING: Final = Switch(
    [
        Installation("torch.compiler", "_is_compiling_flag"),
        # Else `flex_attention` compiles itself, and complains that it could not.
        Installation("torch.nn.attention.flex_attention", "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"),
    ]
)
"""Has `torch.compiler.is_compiling()` say so."""

AUTOCASTING: Final = Switch([Installation("torch.amp.autocast_mode", "autocast.__init__", _autocasting)])
"""Has `torch.autocast` be on for devices that are not there."""
