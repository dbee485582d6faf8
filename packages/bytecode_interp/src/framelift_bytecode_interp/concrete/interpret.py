"""`interpret`: call a function through the interpreter."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from ..errors import BytecodeError, NotInterpretableError, UnsupportedInstructionError
from ..interpreter import Interpreter
from ..outcome import Break, Enter, Raise
from .attempt import is_own_failure
from .domain import ConcreteDomain
from .hosted import HostedDomain


class InterpretedFunction:
    """A function that is interpreted when it is called.

    Args:
        function: a Python function or bound method.
        domain: what it is interpreted over.

    """

    def __init__(self, function: Callable[..., Any], domain: ConcreteDomain) -> None:
        self.function = function
        self.domain = domain
        self._before = domain.count.executed
        functools.update_wrapper(self, function)

    @property
    def instructions_executed(self) -> int:
        """How many instructions its domain had interpreted since it was made, callees' and generators' included."""
        return self.domain.count.executed - self._before

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        target: Any = self.function
        if isinstance(target, MethodType):
            args, target = (target.__self__, *args), target.__func__
        if isinstance(self.domain, HostedDomain):
            return self.domain.hosted_function(target)(*args, **kwargs)
        entered = self.domain.enter(target, args, kwargs)
        if isinstance(entered, Raise):
            raise entered.exception
        assert isinstance(entered, Enter)  # a function's arguments are bound without a break
        interpreter = Interpreter(self.domain, handlers=self.domain.handlers, count=self.domain.count)
        try:
            finish = interpreter.run([entered.frame])
        except Exception as error:
            if not is_own_failure(error) or isinstance(error, BytecodeError):
                raise
            refusal = f"{interpreter.top!r}: it can't be interpreted, the code may be corrupt: {error!r}"
            raise UnsupportedInstructionError(refusal) from error
        if isinstance(finish, Raise):
            raise finish.exception
        if isinstance(finish, Break):
            raise UnsupportedInstructionError(f"{interpreter.top!r}: {finish.reason}")
        return finish.value


def interpret(function: Callable[..., Any], domain: ConcreteDomain | None = None) -> InterpretedFunction:
    """Wrap a Python function so that calls interpret it, and the Python functions that it calls.

    Args:
        function: a Python function or bound method.
        domain: by default a new `HostedDomain`.

    Returns:
        A callable that gives, and raises, what the function does; it counts instructions.

    Raises:
        NotInterpretableError: `function` has no bytecode.

    Example:
        >>> def total(items):
        ...     result = 0
        ...     for item in items:
        ...         result += item
        ...     return result
        >>> interpret(total)([1, 2, 3])
        6
    """
    inner = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(inner, FunctionType):
        raise NotInterpretableError(
            f"interpret takes a Python function or a method of one, not {function!r} ({type(function).__name__}): "
            "it has no bytecode; call it from a Python function instead"
        )
    return InterpretedFunction(function, HostedDomain() if domain is None else domain)
