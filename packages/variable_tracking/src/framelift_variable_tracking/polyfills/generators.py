"""What generator methods do around the frame, in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__framelift_hidden__ = True


def close(throw: Callable[..., Any]) -> None:
    """`generator.close()` for a started generator (Objects/genobject.c, gen_close)."""
    try:
        throw(GeneratorExit())
    except (GeneratorExit, StopIteration):
        return
    raise RuntimeError("generator ignored GeneratorExit")


def close_and_return(throw: Callable[..., Any]) -> Any:
    """`close`, as it is since CPython 3.13: what the generator returned is handed out."""
    try:
        throw(GeneratorExit())
    except StopIteration as stop:
        return stop.value
    except GeneratorExit:
        return None
    raise RuntimeError("generator ignored GeneratorExit")
