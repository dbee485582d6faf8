"""Real generators, coroutines and asynchronous generators that drive interpreted frames.

They are CPython's own objects (so `send`, `throw`, `close`, finalisation and `inspect` work); their bodies step the
interpreted frame from one `yield` to the next.
"""

from __future__ import annotations

import inspect
import types
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Protocol, TypeAlias

from ..errors import UnsupportedInstructionError
from ..frame import Frame
from ..outcome import Break, Finish, Raise, Value, Yield
from .attempt import attempt, foreign_part

Sent: TypeAlias = Value[Any] | Raise[Any]


class Resumes(Protocol):
    """Runs a suspended frame until it yields, returns or raises."""

    def __call__(self, frame: Frame[Any], sent: Sent) -> Finish[Any]: ...


class Wrapped:
    """What an asynchronous generator yields to its user, apart from what it passes to the event loop."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def make_driver(frame: Frame[Any], resume: Resumes) -> Any:
    """The generator, coroutine or asynchronous generator of a frame, by its code's flags."""
    flags = frame.code.raw.co_flags
    make: Callable[[Frame[Any], Resumes], Any]
    if flags & inspect.CO_ASYNC_GENERATOR:
        make = _drive_asynchronous
    elif flags & inspect.CO_COROUTINE:
        make = _drive_coroutine
    elif flags & inspect.CO_ITERABLE_COROUTINE:
        make = _drive_awaitable
    else:
        make = _drive
    driver: Any = make(frame, resume)
    function = frame.function
    driver.__name__ = getattr(function, "__name__", frame.code.name)
    driver.__qualname__ = getattr(function, "__qualname__", frame.code.raw.co_qualname)
    frame.generator = weakref.ref(driver)  # a strong reference would be a cycle, and delay its closing
    return driver


def _ended(finish: Finish[Any], frame: Frame[Any]) -> Any:
    """What a frame that did not yield returned; all else raises."""
    if isinstance(finish, Raise):
        raise finish.exception
    if isinstance(finish, Break):
        raise UnsupportedInstructionError(f"{frame!r}: {finish.reason}")
    return finish.value


def _taken(finish: Yield[Any]) -> Any:
    """What was yielded, which a suspended generator doesn't hold."""
    value, finish.value = finish.value, None
    return value


def _drive(frame: Frame[Any], resume: Resumes) -> Generator[Any, Any, Any]:
    sent: Sent = Value(None)
    while True:
        finish = throw_into(frame, sent, resume) if type(sent) is Raise else resume(frame, sent)
        if type(finish) is not Yield:
            return _ended(finish, frame)
        try:
            sent = Value((yield _taken(finish)))
        except BaseException as error:  # noqa: BLE001 - it is thrown into the interpreted frame
            error.__traceback__ = foreign_part(error.__traceback__)
            sent = Raise(error)


# Of a copy, since `types.coroutine` changes the code of the function that it is given.
_drive_awaitable = types.coroutine(types.FunctionType(_drive.__code__, globals()))


@types.coroutine
def _suspend(value: Any) -> Generator[Any, Any, Any]:
    return (yield value)


async def _drive_coroutine(frame: Frame[Any], resume: Resumes) -> Any:
    sent: Sent = Value(None)
    while True:
        finish = throw_into(frame, sent, resume) if type(sent) is Raise else resume(frame, sent)
        if type(finish) is not Yield:
            return _ended(finish, frame)
        try:
            sent = Value(await _suspend(_taken(finish)))
        except BaseException as error:  # noqa: BLE001 - as in _drive
            error.__traceback__ = foreign_part(error.__traceback__)
            sent = Raise(error)


async def _drive_asynchronous(frame: Frame[Any], resume: Resumes) -> AsyncGenerator[Any, Any]:
    sent: Sent = Value(None)
    while True:
        finish = throw_into(frame, sent, resume) if type(sent) is Raise else resume(frame, sent)
        if type(finish) is not Yield:
            _ended(finish, frame)
            return
        value = _taken(finish)
        try:
            sent = Value((yield value.value) if isinstance(value, Wrapped) else await _suspend(value))
        except BaseException as error:  # noqa: BLE001 - as in _drive
            error.__traceback__ = foreign_part(error.__traceback__)
            sent = Raise(error)


def delegate(frame: Frame[Any]) -> tuple[Any, int] | None:
    """The iterator that a suspended frame delegates to by `yield from` or `await`, and the index of its SEND."""
    at = frame.index
    if frame.instruction.opname == "YIELD_VALUE" and at and frame.code.instructions[at - 1].opname == "SEND":
        return frame.stack[-1], at - 1
    return None


def throw_into(frame: Frame[Any], thrown: Raise[Any], resume: Resumes) -> Finish[Any]:
    """Throw into a suspended frame, through what it delegates to (Objects/genobject.c, _gen_throw)."""
    delegated = delegate(frame)
    if delegated is None:
        return resume(frame, thrown)
    receiver, send = delegated
    error = thrown.exception
    if isinstance(error, GeneratorExit):
        close = getattr(receiver, "close", None)
        if close is not None:
            closed = attempt(close)
            if isinstance(closed, Raise):
                return resume(frame, closed)
        return resume(frame, thrown)
    throw = getattr(receiver, "throw", None)
    if throw is None:
        return resume(frame, thrown)
    result = attempt(throw, error)
    frame.index = send
    frame.completion = None
    frame.stack.append(None)  # the sent value that SEND replaces
    return resume(frame, result)


def awaits_itself(value: Any) -> bool:
    """Whether `await` takes the object itself, without `__await__`."""
    return type(value) is types.CoroutineType or (
        isinstance(value, types.GeneratorType) and bool(value.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    )
