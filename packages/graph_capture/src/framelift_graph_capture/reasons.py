"""Why capture of torch code stopped: typed data with stable codes, beside those of `variable_tracking`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from framelift_variable_tracking import BreakReason

__all__ = [
    "AbsentDevice",
    "DataDependent",
    "OperationFailed",
    "RequestedBreak",
    "UnsupportedArgument",
    "UnsupportedTensor",
]


@dataclass(frozen=True, slots=True)
class DataDependent(BreakReason):
    """Python needs a number that only the tensor's data can tell.

    >>> print(DataDependent("item()"))
    FL111: item() depends on the data of a tensor, which capture does not have
    """

    code: ClassVar[str] = "FL111"
    hint: ClassVar[str] = "use torch.where, or move the decision out of the captured function"
    operation: str

    @property
    def explanation(self) -> str:
        return f"{self.operation} depends on the data of a tensor, which capture does not have"


@dataclass(frozen=True, slots=True)
class OperationFailed(BreakReason):
    """A torch function could not be propagated; it runs for real, and raises for real if it must."""

    code: ClassVar[str] = "FL112"
    hint: ClassVar[str] = "run the function eagerly to see whether it raises there too"
    function: str
    error: str

    @property
    def explanation(self) -> str:
        return f"{self.function} could not be propagated without data: {self.error}"


@dataclass(frozen=True, slots=True)
class UnsupportedArgument(BreakReason):
    """An argument of a torch function that cannot be part of a graph."""

    code: ClassVar[str] = "FL113"
    hint: ClassVar[str] = "pass tensors, numbers, strings, dtypes, devices, and containers of them"
    function: str
    type_name: str

    @property
    def explanation(self) -> str:
        return f"{self.function} was called with a {self.type_name!r} object, which cannot enter a graph"


@dataclass(frozen=True, slots=True)
class UnsupportedTensor(BreakReason):
    """Something about a tensor that is not captured."""

    code: ClassVar[str] = "FL114"
    hint: ClassVar[str] = BreakReason.hint
    what: str

    @property
    def explanation(self) -> str:
        return f"{self.what} is not captured"


@dataclass(frozen=True, slots=True)
class RequestedBreak(BreakReason):
    """The program asked for a break."""

    code: ClassVar[str] = "FL115"
    hint: ClassVar[str] = "remove the request if one graph is wanted"
    request: str

    @property
    def explanation(self) -> str:
        return f"{self.request} asks for a graph break"


@dataclass(frozen=True, slots=True)
class AbsentDevice(BreakReason):
    """A tensor would be made on a device that is not there; the function runs for real, and raises for real."""

    code: ClassVar[str] = "FL116"
    hint: ClassVar[str] = "use a device of this machine"
    function: str
    device: str

    @property
    def explanation(self) -> str:
        return f"{self.function} makes a tensor on the device {self.device!r}, which is not there"
