"""torch's Python kernels without its compiler: many import `torch._dynamo` when they are first called, for a second.

They do it to hide from it (`torch._compile._disable_dynamo`): a function so decorated looks for what hides it, in an
attribute of the function inside, and imports the compiler to make that. Nobody need hide from a compiler that is not
there, so here that attribute is set first, to what waits until it is.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch._compile
import torch._decomp

__all__ = ["let_kernels_be"]

_COMPILER = "torch._dynamo"
_ATTRIBUTE = "__dynamo_disable"


@functools.cache
def let_kernels_be() -> None:
    """Let torch's Python kernels run without the import of `torch._dynamo`, unless the program imports it.

    >>> let_kernels_be()
    """
    if _COMPILER in sys.modules:
        return
    hider = torch._compile._disable_dynamo(_nothing).__code__
    for table in torch._decomp.global_decomposition_table.values():
        for function in _hidden(table.values(), hider):
            if not hasattr(function, _ATTRIBUTE):
                setattr(function, _ATTRIBUTE, _in_the_open(function))


def _nothing() -> None:
    """Something to decorate, to see what the decorator makes."""


def _hidden(kernels: Iterable[object], hider: types.CodeType) -> Iterator[types.FunctionType]:
    """Yield the functions in kernels that the decorator was put on; decorators have what they decorate in a cell."""
    waiting, seen = list(kernels), set[int]()
    while waiting:
        kernel = waiting.pop()
        if not isinstance(kernel, types.FunctionType) or id(kernel) in seen:
            continue
        seen.add(id(kernel))
        inside = [cell.cell_contents for cell in kernel.__closure__ or () if cell != types.CellType()]
        waiting += inside
        if kernel.__code__ is hider:
            yield from [one for one in inside if isinstance(one, types.FunctionType)]


def _in_the_open(function: types.FunctionType) -> Callable[..., Any]:
    """Return a function that is hidden from the compiler once there is one."""

    def call(*args: Any, **kwargs: Any) -> Any:
        hide = getattr(sys.modules.get(_COMPILER), "disable", None)
        if hide is None:  # it is not imported, or is being imported
            return function(*args, **kwargs)
        hidden = hide(function, wrapping=False)
        setattr(function, _ATTRIBUTE, hidden)
        return hidden(*args, **kwargs)

    return call
