"""Running real operations: what they raise becomes a value, without this package's own frames in the traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from ..outcome import Raise, Unwind, Value

PACKAGE: Final = str(Path(__file__).parent.parent)


def is_own_code(code: CodeType) -> bool:
    """Whether a code object is this package's."""
    return code.co_filename.startswith(PACKAGE)


def is_own(frame: FrameType) -> bool:
    """Whether a frame runs this package's code."""
    return is_own_code(frame.f_code)


def foreign_part(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the leading entries of this package."""
    while traceback is not None and is_own(traceback.tb_frame):
        traceback = traceback.tb_next
    return traceback


def is_own_failure(error: BaseException) -> bool:
    """Whether this package itself raised it, and neither a signal's handler nor the end of a resource."""
    if isinstance(error, RecursionError | MemoryError | KeyboardInterrupt):
        return False
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and is_own(traceback.tb_frame)


def attempt(operation: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Value[Any] | Raise[Any]:
    """Run an operation on real objects."""
    try:
        return Value(operation(*args, **kwargs))
    except Unwind:
        raise
    except BaseException as error:  # noqa: BLE001 - each one is the interpreted program's own
        error.__traceback__ = foreign_part(error.__traceback__)
        return Raise(error)


def has_special_method(owner: Any, name: str) -> bool:
    """Whether the type of an object, not counting its metaclass, defines a special method."""
    return any(name in base.__dict__ for base in type(owner).__mro__)


def is_iterable(value: Any) -> bool:
    """Whether `iter` finds a way to iterate it (the way itself may still fail)."""
    return has_special_method(value, "__iter__") or has_special_method(value, "__getitem__")
