"""Why a comptime call ends the graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from framelift_variable_tracking import BreakReason

__all__ = ["ComptimeRaised"]


@dataclass(frozen=True, slots=True)
class ComptimeRaised(BreakReason):
    """A comptime function raised: the graph ends here, and the call does what it does without a capture.

    Args:
        function: the name of the comptime function.
        error: the exception's type and message.

    >>> print(ComptimeRaised("look", "ValueError: no such thing"))
    FL407: the comptime function look raised ValueError: no such thing
    """

    code: ClassVar[str] = "FL407"
    hint: ClassVar[str] = "the code runs on without it; mend the function, its traceback is in the warning"
    function: str
    error: str

    @property
    def explanation(self) -> str:
        return f"the comptime function {self.function} raised {self.error}"
