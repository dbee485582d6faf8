"""Why an operation could not be done symbolically: typed data with stable codes.

A reason is what a `Break` carries. It names the subject, the rule, and what the user can do; texts run no user code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class BreakReason:
    """The base of all reasons.

    >>> reason = UnsupportedOperation("Decimal", "addition")
    >>> print(reason)
    FL201: addition is not supported for 'Decimal' objects (they are handled as opaque values during capture)
    """

    code: ClassVar[str] = "FL200"
    hint: ClassVar[str] = "the operation runs in ordinary Python between two graphs; nothing is lost but speed"

    @property
    def explanation(self) -> str:
        """What could not be done, and why."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.code}: {self.explanation}"


@dataclass(frozen=True, slots=True)
class UnsupportedOperation(BreakReason):
    """No handler knows this operation for this type.

    Args:
        type_name: the Python type of the operand.
        operation: the operation, as a noun.
        detail: the rule that forbids it.
    """

    code: ClassVar[str] = "FL201"
    type_name: str
    operation: str
    detail: str = "they are handled as opaque values during capture"

    @property
    def explanation(self) -> str:
        return f"{self.operation} is not supported for {self.type_name!r} objects ({self.detail})"


@dataclass(frozen=True, slots=True)
class UnsupportedCall(BreakReason):
    """A callable that can neither be interpreted nor evaluated.

    Args:
        callee: its qualified name.
        detail: why.
    """

    code: ClassVar[str] = "FL202"
    callee: str
    detail: str = "it is not Python code, and no rule knows what it does"

    @property
    def explanation(self) -> str:
        return f"the call of {self.callee} was not interpreted ({self.detail})"


@dataclass(frozen=True, slots=True)
class UnknownIdentity(BreakReason):
    """`is` between two equal constants, which CPython may or may not share.

    Args:
        type_name: the type of the constants.
    """

    code: ClassVar[str] = "FL203"
    hint: ClassVar[str] = "compare by '=='"
    type_name: str

    @property
    def explanation(self) -> str:
        return f"whether two equal {self.type_name!r} constants are one object depends on the run"


@dataclass(frozen=True, slots=True)
class UnsupportedFeature(BreakReason):
    """A part of the language that is not interpreted symbolically.

    Args:
        feature: its name.
        detail: the rule that forbids it.
    """

    code: ClassVar[str] = "FL204"
    feature: str
    detail: str = "it has no symbolic meaning yet"

    @property
    def explanation(self) -> str:
        return f"{self.feature} is not interpreted ({self.detail})"


@dataclass(frozen=True, slots=True)
class NotReconstructible(BreakReason):
    """A value that exists only in the capture can't be made again by generated code.

    Args:
        type_name: its Python type.
        detail: why.
    """

    code: ClassVar[str] = "FL205"
    type_name: str
    detail: str

    @property
    def explanation(self) -> str:
        return f"a {self.type_name!r} object made during capture cannot be made again ({self.detail})"


class ReconstructionError(Exception):
    """Raised while entry code is emitted, for a value that can't be made again.

    Args:
        reason: the typed reason.
    """

    def __init__(self, reason: NotReconstructible) -> None:
        super().__init__(str(reason))
        self.reason = reason
