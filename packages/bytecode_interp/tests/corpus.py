"""Code objects and functions that several tests look at."""

from __future__ import annotations

import dis
import os
import random
import sysconfig
import types
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path


def nested(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all that are inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from nested(constant)


@cache
def standard_library(count: int, seed: int = 11) -> tuple[types.CodeType, ...]:
    """All code objects of `count` modules of the standard library, the same ones each time.

    With `FRAMELIFT_WHOLE_LIBRARY` set in the environment, those of all modules.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    # Modules with the rarer instructions come first; the others are drawn.
    chosen = [
        root / name for name in ("ast.py", "dataclasses.py", "asyncio/base_events.py", "contextlib.py", "enum.py")
    ]
    paths = sorted(
        path
        for path in root.rglob("*.py")
        if "site-packages" not in path.parts and not any("bad" in part or "lib2to3" in part for part in path.parts)
    )
    whole = bool(os.environ.get("FRAMELIFT_WHOLE_LIBRARY"))
    drawn = paths if whole else random.Random(seed).sample(paths, min(count * 2, len(paths)))
    found: list[types.CodeType] = []
    modules = 0
    for path in [*chosen, *drawn]:
        if modules == count and not whole:
            break
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                top = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError, OSError):
            continue
        modules += 1
        found.extend(nested(top))
    return tuple(found)


def raw_instructions(code: types.CodeType) -> dict[int, dis.Instruction]:
    """What `dis` says, by offset."""
    return {instruction.offset: instruction for instruction in dis.get_instructions(code)}
