"""`ConcreteDomain`: values are the objects themselves."""

from __future__ import annotations

from typing import Any

from ..domain import Domain
from ..frame import Frame
from ..interpreter import Interpreter
from ..outcome import Finish
from .calls import ConcreteCalls
from .containers import ConcreteContainers
from .exceptions import ConcreteExceptions
from .generators import Sent
from .names import ConcreteNames
from .operators import ConcreteOperators
from .patterns import ConcretePatterns


class ConcreteDomain(
    ConcreteCalls, ConcreteNames, ConcreteOperators, ConcreteContainers, ConcreteExceptions, ConcretePatterns
):
    """Values are the objects themselves: interpreting over it is what CPython does.

    Python functions that interpreted code calls are interpreted; those that C code calls run natively.

    Args:
        enters: which Python functions are interpreted when called; by default all.

    Example:
        >>> def square(x):
        ...     return x * x
        >>> domain = ConcreteDomain()
        >>> interpreter = Interpreter(domain)
        >>> interpreter.run([domain.new_frame(square, [3])])
        Return(value=9)
    """

    def _domain(self) -> Domain[Any]:
        return self

    def run_nested(self, frame: Frame[Any], sent: Sent) -> Finish[Any]:
        return Interpreter(self._domain()).run([frame], sent)
