"""`ConcreteDomain`: values are the objects themselves."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..domain import Domain
from ..frame import Frame
from ..handlers import HANDLERS, HandlerTable
from ..interpreter import InstructionCount, Interpreter
from ..outcome import Finish
from .blocks import Compiler, usable_templates
from .calls import ConcreteCalls, always
from .containers import ConcreteContainers
from .exceptions import ConcreteExceptions
from .generators import Sent
from .names import ConcreteNames
from .operators import ConcreteOperators
from .patterns import ConcretePatterns
from .shortcuts import usable_shortcuts


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

    Attributes:
        count: counts the instructions of the interpreters that share it: `interpret`'s, and those that run generators.
    """

    handlers: HandlerTable
    """The general handlers, and shortcuts where the class leaves the operations they stand in for as they are."""

    def __init__(self, enters: Callable[[FunctionType], bool] = always) -> None:
        super().__init__(enters)
        self.count = InstructionCount()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = _handlers_of(cls)

    def _domain(self) -> Domain[Any]:
        return self

    def run_nested(self, frame: Frame[Any], sent: Sent) -> Finish[Any]:
        return Interpreter(self._domain(), handlers=self.handlers, count=self.count).resume(frame, sent)


def _handlers_of(domain: type[ConcreteDomain]) -> HandlerTable:
    shortcuts = usable_shortcuts(domain, ConcreteDomain)
    return HANDLERS.specialised(shortcuts, Compiler(usable_templates(domain, ConcreteDomain)))


ConcreteDomain.handlers = _handlers_of(ConcreteDomain)
