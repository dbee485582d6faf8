"""The user's stack at a point of the capture, as text on graph nodes and as positions for trampolines."""

from __future__ import annotations

import functools
import linecache
from collections.abc import Iterable
from typing import Protocol

__all__ = ["Place", "format_stack"]


class Place(Protocol):
    """What this module reads of an interpreted frame (`framelift_bytecode_interp.Frame` has it)."""

    @property
    def filename(self) -> str: ...
    @property
    def function_name(self) -> str: ...
    @property
    def line(self) -> int: ...


@functools.lru_cache(maxsize=65536)
def _entry(filename: str, line: int, function: str) -> str:
    # Cached because thousands of nodes share the outer frames of their stacks, and `linecache` asks the disk.
    text = linecache.getline(filename, line).strip()
    return f'  File "{filename}", line {line}, in {function}\n' + (f"    {text}\n" if text else "")


def format_stack(frames: Iterable[Place]) -> str:
    """Return the frames as a traceback prints them, outermost first.

    >>> import types
    >>> print(format_stack([types.SimpleNamespace(filename="nowhere.py", function_name="f", line=3)]), end="")
      File "nowhere.py", line 3, in f
    """
    return "".join([_entry(frame.filename, frame.line, frame.function_name) for frame in frames])
