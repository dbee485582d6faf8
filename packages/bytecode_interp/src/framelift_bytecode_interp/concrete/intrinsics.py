"""Operations of the compiler that Python has no other name for, run as the one instruction that they are."""

from __future__ import annotations

import builtins
import functools
from opcode import opmap
from types import CodeType, FunctionType
from typing import Any

from .._cpython.raw import INTRINSICS_1, INTRINSICS_2


def _template() -> None:
    """Gives its code object to `intrinsic_function`."""


@functools.cache
def intrinsic_function(name: str) -> FunctionType:
    """A function that runs one intrinsic over its arguments.

    Raises:
        KeyError: CPython's tables don't have it.
    """
    if name in opmap:
        operation = (opmap[name], 0)
        count = 1
    elif name in INTRINSICS_1:
        operation = (opmap["CALL_INTRINSIC_1"], INTRINSICS_1.index(name))
        count = 1
    elif name in INTRINSICS_2:
        operation = (opmap["CALL_INTRINSIC_2"], INTRINSICS_2.index(name))
        count = 2
    else:
        raise KeyError(f"{name} is no intrinsic function of CPython: {', '.join((*INTRINSICS_1, *INTRINSICS_2))}")
    loads = [(opmap["LOAD_FAST"], slot) for slot in range(count)]
    program = [(opmap["RESUME"], 0), *loads, operation, (opmap["RETURN_VALUE"], 0)]
    base = _template.__code__
    code: CodeType = base.replace(
        co_code=bytes(byte for instruction in program for byte in instruction),
        co_argcount=count,
        co_nlocals=count,
        co_varnames=("first", "second")[:count],
        co_stacksize=count + 1,
        co_exceptiontable=b"",
        co_name=name,
    )
    return FunctionType(code, {"__builtins__": builtins})  # some intrinsics import `typing`


def run_intrinsic(name: str, *operands: Any) -> Any:
    """Run an intrinsic over its operands."""
    return intrinsic_function(name)(*operands)
