"""Frames that stand in for the user's frames while a breaking operation runs.

A breaking operation runs in entry code, yet what it sees of the stack below it (`warnings.warn(stacklevel=2)`,
`logging`'s caller, `sys._getframe`) and what a traceback shows must name the user's file and line. So entry code calls
the operation through one trampoline per interpreted frame: a three-instruction function that carries the file, name,
line and globals of the user's frame. Generating text or real copies of the user's frames was rejected: the first would
be code made of text, the second would run the user's code twice.
"""

from __future__ import annotations

import builtins
import dataclasses
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from framelift_bytecode_interp import EagerOperation

__all__ = ["Operation", "Position", "drop_stand_ins"]


@dataclasses.dataclass(frozen=True, slots=True)
class Position:
    """Where one user frame stands: what a traceback prints of it, and its globals.

    >>> Position("model.py", "forward", 31, {}).line
    31
    """

    filename: str
    function: str
    line: int
    namespace: dict[str, object] = dataclasses.field(compare=False, repr=False)


Keywords = Mapping[str, Any]


def _call(call: Callable[..., Any], arguments: tuple[Any, ...], keywords: Keywords) -> Any:
    return call(*arguments, **keywords)


def _call_handling(
    call: Callable[..., Any], arguments: tuple[Any, ...], keywords: Keywords, handled: BaseException
) -> Any:
    # The user's `except` block is current while the operation runs: `sys.exc_info()` and implicit chaining read it.
    # Raising is the only way in Python to make an exception the handled one; it grows the traceback, which is restored.
    traceback = handled.__traceback__
    try:
        raise handled
    except BaseException:  # noqa: BLE001 - it was raised to be caught here
        handled.__traceback__ = traceback
        return call(*arguments, **keywords)


def _varint(value: int) -> bytes:
    # Signed varint of CPython's location table (Objects/locations.md).
    value = (-value << 1) | 1 if value < 0 else value << 1
    out = bytearray()
    while value >= 64:
        out.append(value & 63 | 64)
        value >>= 6
    out.append(value)
    return bytes(out)


def _one_line(code: types.CodeType) -> bytes:
    """A location table that puts every instruction on the code's first line, without columns (form 13)."""
    units, table = len(code.co_code) // 2, bytearray()
    while units:
        run = min(8, units)
        table += bytes([0x80 | (13 << 3) | (run - 1)]) + _varint(0)
        units -= run
    return bytes(table)


_STAND_IN = object()
"""A constant of every stand-in's code, by which it is told from the user's."""


def _placed(template: Callable[..., Any], position: Position) -> types.FunctionType:
    code = template.__code__.replace(
        co_filename=position.filename,
        co_name=position.function,
        co_qualname=position.function,
        co_firstlineno=position.line,
        co_linetable=_one_line(template.__code__),
        co_consts=(*template.__code__.co_consts, _STAND_IN),
    )
    return types.FunctionType(code, position.namespace, position.function)


def _descend(steps: Sequence[Callable[..., Any]], innermost: Callable[..., Any], operands: tuple[Any, ...]) -> Any:
    step = innermost
    for outer in reversed(steps):
        step, operands = outer, (step, operands, {})
    return step(*operands)


class Operation:
    """The operation of a break, ready to be performed below the user's frames.

    Args:
        operation: what the instruction does.
        positions: the user frames below it, outermost first.
        namespace: the innermost frame's globals.

    >>> import sys
    >>> from framelift_bytecode_interp import EagerOperation
    >>> position = Position("model.py", "forward", 31, {})
    >>> looking = EagerOperation((), lambda namespace, builtins, operands: (sys._getframe, (), {}), 0)
    >>> frame = Operation(looking, [position], position.namespace)(None)
    >>> frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno
    ('model.py', 'forward', 31)
    """

    __slots__ = ("_handling", "_innermost", "_namespace", "_operation", "_steps")

    def __init__(self, operation: EagerOperation, positions: Sequence[Position], namespace: dict[str, object]) -> None:
        self._operation = operation
        self._namespace = namespace
        self._steps = [_placed(_call, position) for position in positions[:-1]]
        self._innermost = _placed(_call, positions[-1])
        self._handling = _placed(_call_handling, positions[-1])

    def __call__(self, handled: BaseException | None, *operands: Any) -> Any:
        """Perform it on real operands (markers included), while `handled` is being handled."""
        call = self._operation.resolve(self._namespace, builtins.__dict__, operands)
        innermost = self._innermost if handled is None else self._handling
        steps = [*_outside(), *self._steps]
        first = (self._steps or [innermost])[0].__code__
        try:
            return _descend(steps, innermost, tuple(call) if handled is None else (*call, handled))
        except BaseException as error:
            # Entry code and stand-ins of outer frames are no part of the user's program.
            error.__traceback__ = _starting_at(first, error.__traceback__)
            raise


def _outside() -> list[types.FunctionType]:
    """Return a stand-in for the nearest user frame below generated code: the caller of the captured function."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if not str(frame.f_globals.get("__name__")).startswith("framelift"):
            position = Position(frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno, frame.f_globals)
            return [_placed(_call, position)]
        frame = frame.f_back
    return []


def _starting_at(code: types.CodeType, traceback: types.TracebackType | None) -> types.TracebackType | None:
    found = traceback
    while found is not None and found.tb_frame.f_code is not code:
        found = found.tb_next
    return traceback if found is None else found


def drop_stand_ins(error: BaseException) -> None:
    """Take stand-ins off the traceback of an exception that is about to be raised in the user's own frames.

    Those add their entries themselves. Where the exception is handled without them, the stand-ins' entries stay.
    """
    inside = error.__traceback__
    while inside is not None and not _stands_in(inside):
        inside = inside.tb_next  # entry code
    while inside is not None and _stands_in(inside):
        inside = inside.tb_next
        error.__traceback__ = inside


def _stands_in(traceback: types.TracebackType) -> bool:
    return any(constant is _STAND_IN for constant in traceback.tb_frame.f_code.co_consts)
