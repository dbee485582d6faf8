"""What some CPythons have and others lack, and what C code makes classes of: as CPython does it, symbolically."""

from __future__ import annotations

import contextlib
import itertools
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from test_builtin_functions import really, symbolically

T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    def __init__(self, content: T) -> None:
        self.content = content

    def get(self) -> T:
        return self.content


class Half:
    def __enter__(self) -> int:
        return 1


BOX = Box(5)
VERSION = sys.version_info  # noqa: TID251 - what is tested is that a program may read it


def _entering(manager: Any) -> Any:
    with manager:
        return 1


def _collect(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def _batches(*args: Any, **kwargs: Any) -> Any:
    return list(itertools.batched(*args, **kwargs))  # type: ignore[attr-defined]


PROGRAMS: Sequence[Callable[[], Any]] = [
    lambda: Box(3).get(),
    lambda: BOX.get(),
    lambda: VERSION >= (3, 12),
    lambda: VERSION[:2] == (VERSION.major, VERSION.minor),
    lambda: (len(VERSION), VERSION.releaselevel, sys.float_info.max_exp, sys.byteorder),
    lambda: 1 if VERSION < (3, 20) else 2,
    lambda: _entering(3),
    lambda: _entering("a"),
    lambda: _entering(None),
    lambda: _entering(Half()),
    lambda: _entering(int),
    lambda: _entering(contextlib.nullcontext()),
    lambda: _collect(*3),
    lambda: _collect(**3),
    lambda: len(*3),
    lambda: dict(**3),
    lambda: {slice(1, 2): 3, slice(None): 4}[slice(None)],
    lambda: slice(1, 2) in {slice(1, 2)},
    lambda: (slice, 1, 2, None) in {slice(1, 2)},
    lambda: {slice([], 2): 3},
]
BATCHED: Sequence[Callable[[], Any]] = [
    lambda: _batches([1, 2, 3], 2),
    lambda: _batches([1, 2, 3, 4], n=2),
    lambda: _batches((n for n in range(5)), 9),
    lambda: _batches([], 1),
    lambda: _batches([1], 0),
    lambda: _batches([1], "a"),
    lambda: _batches([1]),
    lambda: _batches(1, 2),
    lambda: next(itertools.batched(itertools.count(), 3)),  # type: ignore[attr-defined]
]
STRICT: Sequence[Callable[[], Any]] = [
    lambda: _batches([1, 2, 3, 4], 2, strict=True),
    lambda: _batches([1, 2, 3], 2, strict=True),
    lambda: _batches([1, 2, 3], 2, strict=False),
]


def _here() -> list[Callable[[], Any]]:
    batched: Any = getattr(itertools, "batched", None)
    strict = batched is not None and "strict" in (batched.__text_signature__ or "")
    return [*PROGRAMS, *(BATCHED if batched is not None else ()), *(STRICT if strict else ())]


@pytest.mark.parametrize("function", _here(), ids=lambda function: f"line{function.__code__.co_firstlineno}")
def test_as_cpython(function: Callable[[], Any]) -> None:
    assert symbolically(function) == really(function)
