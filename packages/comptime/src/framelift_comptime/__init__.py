"""User code that runs while a frame is captured: look at locals, graph, guards and stack from the inside.

`registry.extend(types=TYPES, functions=RULES, unguarded=UNGUARDED)` composes it with capture; `framelift.compile` does.
"""

from __future__ import annotations

from .context import ComptimeContext
from .entry import RULES, TYPES, UNGUARDED, Comptime, comptime
from .errors import (
    CaptureEndedError,
    ComptimeArgumentError,
    ComptimeAssertionError,
    ComptimeError,
    ComptimeMutationError,
    ComptimeWarning,
    StackLevelError,
    UnknownLocalError,
)
from .provenance import GuardNote, Origin
from .variable import ComptimeVar

__all__ = [
    "RULES",
    "TYPES",
    "UNGUARDED",
    "CaptureEndedError",
    "Comptime",
    "ComptimeArgumentError",
    "ComptimeAssertionError",
    "ComptimeContext",
    "ComptimeError",
    "ComptimeMutationError",
    "ComptimeVar",
    "ComptimeWarning",
    "GuardNote",
    "Origin",
    "StackLevelError",
    "UnknownLocalError",
    "comptime",
]
