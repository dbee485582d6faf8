"""Traceback entries for interpreted frames: the user's file, function, line and columns."""

from __future__ import annotations

import inspect
from functools import lru_cache
from opcode import opmap
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from ..frame import Frame
from ..instruction import Code
from .attempt import PACKAGE

_HIDDEN = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def note_traceback(exception: BaseException, frame: Frame[Any]) -> None:
    """Add an entry for an interpreted frame at its current instruction; this package's polyfills get none."""
    code = frame.code
    if code.raw.co_filename.startswith(PACKAGE):
        return
    add_traceback_entry(exception, code, frame.globals, frame.instruction.offset, frame.line)


def add_traceback_entry(
    exception: BaseException, code: Code, namespace: dict[str, Any], offset: int, line: int
) -> None:
    """Put an entry for a frame that never ran on top of an exception's traceback.

    Args:
        exception: the exception.
        code: what the frame would run.
        namespace: its globals.
        offset: of the raw instruction that raised; columns are found by it.
        line: of that instruction.

    >>> import traceback
    >>> from framelift_bytecode_interp import decode
    >>> def f():
    ...     raise KeyError
    >>> error = KeyError()
    >>> add_traceback_entry(error, decode(f.__code__), {}, 0, f.__code__.co_firstlineno)
    >>> [entry.name for entry in traceback.extract_tb(error.__traceback__)]
    ['f']
    """
    exception.__traceback__ = TracebackType(exception.__traceback__, stand_in(code, namespace), offset, line)


def stand_in(code: Code, namespace: dict[str, Any]) -> FrameType:
    """A frame object that never runs, of a code object with the user's name, file, lines and columns.

    CPython makes frame objects only for running code, save for a generator that has not started.
    """
    generator = FunctionType(_shadow(code), namespace)()
    frame: FrameType = generator.gi_frame
    return frame


@lru_cache(maxsize=1024)
def _shadow(code: Code) -> CodeType:
    """The code of a stand-in: its first instructions make a generator, all others keep their offsets, so positions do.

    The exception table is dropped and the stack grows, since a generator that is dropped is closed: CPython pushes
    onto its stack and raises GeneratorExit at its start, and a user's code may have needed no stack at all.
    """
    start = bytes([opmap["RETURN_GENERATOR"], 0, opmap["POP_TOP"], 0, opmap["RESUME"], 0])
    raw = code.raw
    return raw.replace(
        co_code=start + raw.co_code[len(start) :],
        co_exceptiontable=b"",
        co_argcount=0,
        co_posonlyargcount=0,
        co_kwonlyargcount=0,
        co_flags=raw.co_flags & ~_HIDDEN | inspect.CO_GENERATOR | inspect.CO_NEWLOCALS | inspect.CO_OPTIMIZED,
        co_cellvars=(),
        co_freevars=(),
        co_stacksize=raw.co_stacksize + 2,
    )
