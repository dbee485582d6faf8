"""Every error that framelift raises on purpose, by name.

Each says its subject, the rule, the value it met, the remedy, and the user's line where one is known.
"""

from __future__ import annotations

from framelift_comptime.errors import ComptimeError, StackLevelError, UnknownLocalError
from framelift_graph_capture.errors import BackendError, CaptureError, FrameliftError, GraphBreakError, MarkError

__all__ = [
    "BackendError",
    "CaptureError",
    "ComptimeError",
    "ConfigurationError",
    "FrameliftError",
    "GraphBreakError",
    "GuardViolationError",
    "MarkError",
    "RecompilationError",
    "StackLevelError",
    "UnknownBackendError",
    "UnknownLocalError",
    "UnsupportedVersionError",
    "VerificationError",
]


class ConfigurationError(FrameliftError, TypeError):
    """An argument of `framelift.compile` that cannot be used."""

    code = "FL301"


class UnknownBackendError(FrameliftError, ValueError):
    """A backend name that nobody registered."""

    code = "FL302"


class RecompilationError(FrameliftError, RuntimeError):
    """A call that would have to be captured, under `set_stance("fail_on_recompile")`."""

    code = "FL304"


class UnsupportedVersionError(FrameliftError, ImportError):
    """A CPython or torch that framelift does not support."""

    code = "FL303"


class VerificationError(FrameliftError, AssertionError):
    """A captured call that did something else than eager execution, under `verify=True`."""

    code = "FL305"


class GuardViolationError(FrameliftError, RuntimeError):
    """What a capture relies on has changed, under `guards="sampled"` or `guards=Frozen(verify=True)`.

    Results since the last full check may be stale. The next call is checked in full, and captured if need be.
    """

    code = "FL306"


def text_of(error: BaseException) -> str:
    """Return the type and the text of an error, whatever its class does when it is printed.

    >>> text_of(KeyError("a"))
    "KeyError: 'a'"
    """
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the text may be that of a class of the user's
        return type(error).__name__
