"""What can be wrong with a comptime call, each reported at the user's line. Codes FL400 to FL419 are this package's."""

from __future__ import annotations

from framelift_graph_capture.errors import FrameliftError

__all__ = [
    "CaptureEndedError",
    "ComptimeArgumentError",
    "ComptimeAssertionError",
    "ComptimeError",
    "ComptimeMutationError",
    "ComptimeWarning",
    "StackLevelError",
    "UnknownLocalError",
    "a_or_an",
]


class ComptimeError(FrameliftError):
    """The base of the errors of comptime functions: a call was used in a way that it cannot be."""

    code = "FL400"


class UnknownLocalError(ComptimeError, KeyError):
    """`ctx.get_local` of a name that the frame does not have."""

    code = "FL401"

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the text as a key, in quotes


class StackLevelError(ComptimeError, IndexError):
    """A `stacklevel` with no user frame at it."""

    code = "FL402"


class ComptimeArgumentError(ComptimeError, TypeError):
    """An argument of a comptime call, or what a comptime function returned, is of a wrong kind."""

    code = "FL403"


class ComptimeAssertionError(ComptimeError, AssertionError):
    """`assert_static`, `assert_dynamic` or `assert_no_break` does not hold."""

    code = "FL404"


class ComptimeMutationError(ComptimeError):
    """A comptime function changed what it may only look at."""

    code = "FL405"


class CaptureEndedError(ComptimeError):
    """A context or a variable was kept and used after its capture had ended."""

    code = "FL406"


class ComptimeWarning(RuntimeWarning):
    """A comptime function raised; the code around it runs on without it.

    Args:
        text: the message, the function's traceback included.
        error: what it raised.
    """

    def __init__(self, text: str, error: Exception | None = None) -> None:
        super().__init__(text)
        self.error = error


def a_or_an(noun: str) -> str:
    """Return a noun with its article.

    >>> a_or_an("int"), a_or_an("Tensor")
    ('an int', 'a Tensor')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
