"""User code that runs while a frame is captured: look at locals, graph, guards and stack from the inside.

Compose it with capture by `registry.extend(types=TYPES, functions=RULES)`; `framelift.compile` does.
"""

from __future__ import annotations

from .calls import RULES, TYPES, Comptime, comptime
from .context import ComptimeContext
from .errors import ComptimeError, StackLevelError, UnknownLocalError
from .variable import ComptimeVar

__all__ = [
    "RULES",
    "TYPES",
    "Comptime",
    "ComptimeContext",
    "ComptimeError",
    "ComptimeVar",
    "StackLevelError",
    "UnknownLocalError",
    "comptime",
]
