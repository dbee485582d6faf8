"""Traceback entries for interpreted frames: the user's file, function, line and columns."""

from __future__ import annotations

import inspect
from opcode import opmap
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from ..frame import Frame
from .attempt import PACKAGE

_HIDDEN = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def note_traceback(exception: BaseException, frame: Frame[Any]) -> None:
    """Add an entry for an interpreted frame at its current instruction; this package's polyfills get none."""
    code = frame.code.raw
    if code.co_filename.startswith(PACKAGE):
        return
    entry = TracebackType(exception.__traceback__, stand_in(code, frame.globals), frame.instruction.offset, frame.line)
    exception.__traceback__ = entry


def stand_in(code: CodeType, namespace: dict[str, Any]) -> FrameType:
    """A frame object that never runs, of a code object with the user's name, file, lines and columns.

    CPython makes frame objects only for running code, save for a generator that has not started: the code's first
    instruction becomes RETURN_GENERATOR, and all other bytes keep their offsets, so positions stay right.
    """
    start = bytes([opmap["RETURN_GENERATOR"], 0])
    shadow = code.replace(
        co_code=start + code.co_code[2:],
        co_argcount=0,
        co_posonlyargcount=0,
        co_kwonlyargcount=0,
        co_flags=code.co_flags & ~_HIDDEN | inspect.CO_GENERATOR | inspect.CO_NEWLOCALS | inspect.CO_OPTIMIZED,
        co_cellvars=(),
        co_freevars=(),
    )
    generator = FunctionType(shadow, namespace)()
    frame: FrameType = generator.gi_frame
    return frame
