"""Where a capture starts: the call of a function, or the continuation of frames that a break left behind.

An entry point names the parameters whose values a call supplies; captures of it start from those parameters as sources,
and without a capture it can be run as it is. Entry points are compared by what they start, so a continuation reached
from two specialisations is one.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import Any, Protocol

from framelift_bytecode_interp import (
    NULL,
    Completion,
    Frame,
    NativeFrame,
    Raise,
    Value,
    continue_natively,
    decode,
)
from framelift_guards import Namespace

from .trampoline import drop_stand_ins

__all__ = ["Continuation", "EntryPoint", "FrameTemplate", "FunctionCall", "ModuleCall", "Parameter"]


class EntryPoint(Protocol):
    """Where a capture starts."""

    @property
    def name(self) -> str:
        """What to call it in messages and generated code."""
        ...

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the values that each call supplies."""
        ...

    @property
    def where(self) -> tuple[str, int] | None:
        """The user's file and line."""
        ...

    def run(self, values: dict[str, object]) -> object:
        """Run it eagerly: as if it had never been captured."""
        ...


@dataclasses.dataclass(frozen=True)
class FunctionCall:
    """The call of a Python function.

    Args:
        function: what is interpreted; its parameters are the entry point's.
        eager: what runs the call without a capture; the function itself when left out.

    >>> FunctionCall(lambda x, *rest: (x, rest)).run({"x": 1, "rest": (2, 3)})
    (1, (2, 3))
    """

    function: Any  # a types.FunctionType: typeshed would bind it as a method
    eager: Callable[..., object] | None = None

    @property
    def name(self) -> str:
        return str(self.function.__name__)

    @property
    def parameters(self) -> tuple[str, ...]:
        code = self.function.__code__
        variadic = bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
        return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + variadic])

    @property
    def where(self) -> tuple[str, int] | None:
        return self.function.__code__.co_filename, self.function.__code__.co_firstlineno

    def arguments(self, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any], Any, Any]:
        """Split values by parameter into positional ones, named ones, and what `*` and `**` collected, if they do."""
        code = self.function.__code__
        names = iter(self.parameters)
        positional = [values[next(names)] for _ in range(code.co_argcount)]
        named = {name: values[name] for name in (next(names) for _ in range(code.co_kwonlyargcount))}
        star = values[next(names)] if code.co_flags & 0x04 else None
        double_star = values[next(names)] if code.co_flags & 0x08 else None
        return positional, named, star, double_star

    def run(self, values: dict[str, object]) -> object:
        positional, named, star, double_star = self.arguments(values)
        call = self.function if self.eager is None else self.eager
        return call(*positional, *(star or ()), **named, **(double_star or {}))


@dataclasses.dataclass(frozen=True)
class ModuleCall(FunctionCall):
    """The call of an `nn.Module`: hooks and all, though its parameters are those of `forward`.

    Args:
        function: the class's `forward`; its first parameter is the module.
        eager: the class's own `__call__`.
    """


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """A slot or stack entry of a template that the call supplies."""

    name: str


Slot = Any
"""A `Parameter`, or a marker (`UNBOUND`, `NULL`, `NO_EXCEPTION`), or a `LastInstruction`: data, not a value."""


@dataclasses.dataclass(frozen=True, slots=True)
class FrameTemplate:
    """A frame in the middle of its code, without its values.

    Args:
        code: what runs.
        namespace: its globals.
        index: the instruction whose result is awaited.
        completion: what is done with the result; its operands are gone from `stack`. None: the instruction itself is
            still to be done, and its operands are on the stack.
        locals: one slot for each local, cell and free variable.
        stack: the live entries below the operands.
        handled: the exception being handled.
    """

    code: types.CodeType
    namespace: Namespace
    index: int
    completion: Completion | None
    locals: tuple[Slot, ...]
    stack: tuple[Slot, ...]
    handled: Parameter | None

    def fill(
        self, value_of: Callable[[Parameter], Any], globals_of: Callable[[Namespace], Any], builtins: Any
    ) -> Frame[Any]:
        """Return the frame with values for its parameters."""
        return Frame.at(
            decode(self.code),
            self.index,
            _filled(self.locals, value_of),
            self._stack(value_of),
            globals=globals_of(self.namespace),
            builtins=builtins,
            completion=self.completion,
            handled=None if self.handled is None else value_of(self.handled),
        )

    def native(self, values: dict[str, object]) -> NativeFrame:
        """Return the frame over real values."""

        def value_of(parameter: Parameter) -> Any:
            return values[parameter.name]

        return NativeFrame(
            code=self.code,
            globals=self.namespace.variables,
            index=self.index,
            locals=_filled(self.locals, value_of),
            stack=self._stack(value_of),
            completion=self.completion,
            handled=None if self.handled is None else value_of(self.handled),
        )

    def _stack(self, value_of: Callable[[Parameter], Any]) -> list[Any]:
        # The operands are gone, yet the completion counts them: NULLs stand in for them until it drops them.
        pops = 0 if self.completion is None else self.completion.pops
        return _filled(self.stack, value_of) + [NULL] * pops


def _filled(entries: tuple[Slot, ...], value_of: Callable[[Parameter], Any]) -> list[Any]:
    return [value_of(entry) if type(entry) is Parameter else entry for entry in entries]


OUTCOME = "outcome"
"""The parameter of a continuation that holds the breaking operation's value or exception."""


@dataclasses.dataclass(frozen=True)
class Continuation:
    """The frames that a break left behind, waiting for the outcome of the breaking operation.

    Args:
        frames: outermost first; the last one's operation broke.
        raised: whether the outcome is an exception; None: there is none, the last frame still has to do its
            instruction, and the continuation can only be run.
        parameters: `OUTCOME`, unless there is none, then the names of all values in the frames.
    """

    frames: tuple[FrameTemplate, ...]
    raised: bool | None
    parameters: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.frames[0].code.co_name}_continued"

    @property
    def where(self) -> tuple[str, int] | None:
        innermost = self.frames[-1]
        line = decode(innermost.code).instructions[innermost.index].line
        return innermost.code.co_filename, line or innermost.code.co_firstlineno

    def run(self, values: dict[str, object]) -> object:
        if self.raised is None:
            return continue_natively(self._native(values), None)
        outcome: Any = values[OUTCOME]
        if not self.raised:
            return continue_natively(self._native(values), Value(outcome))
        drop_stand_ins(outcome)
        return continue_natively(self._native(values), Raise(outcome))

    def fail(self, values: dict[str, object], error: BaseException) -> object:
        """Raise an error where the frames wait.

        Their handlers, `finally` clauses and `with` blocks see it; one that is content with it goes on eagerly.
        """
        return continue_natively(self._native(values), Raise(error))

    def _native(self, values: dict[str, object]) -> list[NativeFrame]:
        return [template.native(values) for template in self.frames]

    def run_positionally(self, *values: object) -> object:
        """Run it with the values of its parameters in order."""
        return self.run(dict(zip(self.parameters, values, strict=True)))
