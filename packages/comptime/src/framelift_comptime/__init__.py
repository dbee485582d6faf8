"""User code that runs while a frame is captured: look at locals, graph, guards and stack from the inside.

Compose it with capture by `registry.extend(types=TYPES, functions=RULES)`; `framelift.compile` does.
"""

from __future__ import annotations

from .context import ComptimeContext
from .entry import RULES, TYPES, Comptime, comptime
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
