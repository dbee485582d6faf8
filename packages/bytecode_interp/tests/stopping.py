"""Stopping an interpreted function at chosen operations, and the frames that are left as native ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framelift_bytecode_interp import (
    Break,
    ConcreteDomain,
    Frame,
    Interpreter,
    NativeFrame,
    Raise,
    Value,
    eager_operation,
)
from framelift_bytecode_interp.outcome import Finish


def op(x):
    """The operation that breaks; natively it answers this."""
    return x * 10


class Stopping(ConcreteDomain):
    """Breaks at each call of `op`."""

    def call(self, frame, callee, args, kwargs):
        if callee is op:
            return Break("op")
        return super().call(frame, callee, args, kwargs)


def perform(frame: Frame[Any]) -> Value[Any] | Raise[Any]:
    """Execute a frame's breaking instruction on its real operands."""
    operation = eager_operation(frame.instruction)
    assert operation is not None
    try:
        return Value(operation.perform(frame.globals, frame.builtins, *operation.operands(frame.stack)))
    except Exception as error:
        return Raise(error)


def stopped(
    function: Callable[..., Any], args: tuple[Any, ...], skip: int = 0, domain: ConcreteDomain | None = None
) -> list[Frame[Any]] | Finish[Any]:
    """The frames at the break after `skip` others, or how the function ended before."""
    domain = domain or Stopping()
    interpreter = Interpreter(domain)
    finish = interpreter.run([domain.enter(function, args, {}).frame])
    for _ in range(skip):
        if not isinstance(finish, Break):
            return finish
        finish = interpreter.run(list(interpreter.frames), perform(interpreter.top))
    return interpreter.frames if isinstance(finish, Break) else finish


def native(frames: list[Frame[Any]]) -> list[NativeFrame]:
    return [
        NativeFrame(
            frame.code.raw, frame.globals, frame.index, frame.locals, frame.stack, frame.completion, frame.handled
        )
        for frame in frames
    ]
