"""What a run of a program shows: result, log, exception with its chain, traceback lines and columns."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import framelift_bytecode_interp

PACKAGE = str(Path(framelift_bytecode_interp.__file__).parent)
HERE = __file__


def chain(error: BaseException | None, depth: int = 0) -> Any:
    if error is None or depth > 5:
        return None
    return (
        type(error).__name__,
        str(error),
        chain(error.__cause__, depth + 1),
        chain(error.__context__, depth + 1),
        error.__suppress_context__,
    )


def lines(error: BaseException) -> list[Any]:
    """The user's part of a traceback."""
    return [
        (Path(entry.filename).name, entry.name, entry.lineno, entry.colno, entry.end_colno)
        for entry in traceback.extract_tb(error.__traceback__)
        if not entry.filename.startswith(PACKAGE) and entry.filename != HERE
    ]


def observe(run: Callable[..., Any], *args: Any) -> Any:
    """Run, and describe all that can be seen from outside."""
    log: list[Any] = []
    try:
        result = ("returned", run(log, *args))
    except BaseException as error:
        if isinstance(error, AssertionError | KeyboardInterrupt) and not lines(error):
            raise
        result = ("raised", chain(error), lines(error))
    return result, log
