"""Operations of the compiler that Python has no other name for, run as the one instruction that they are."""

from __future__ import annotations

import builtins
import functools
from opcode import opmap
from types import CodeType, FunctionType
from typing import Any

from .._cpython.raw import INTRINSICS_1, INTRINSICS_2
from ..splice import unit


def _template() -> None:
    """Gives its code object to `intrinsic_function`."""


@functools.lru_cache(maxsize=1024)
def instruction_function(name: str, arg: int, operands: int, kept: int = 0, given: int | None = None) -> FunctionType:
    """A function that runs one raw instruction over its arguments.

    Args:
        name: CPython's.
        arg: its argument.
        operands: how many entries of the stack it reads.
        kept: how many of them it leaves below what it gives.
        given: how many entries it gives, as a tuple; None for one that comes as it is, in the order of Python.
    """
    base = _template.__code__
    constants = (*base.co_consts, None, -1)
    none, minus_one = (("LOAD_CONST", len(constants) - 2), ("LOAD_CONST", len(constants) - 1))
    program = [("RESUME", 0), *(("LOAD_FAST", slot) for slot in range(operands)), (name, arg)]
    if given is not None:
        program += [("BUILD_TUPLE", given), none, none, minus_one, ("BUILD_SLICE", 3), ("BINARY_SUBSCR", 0)]
    for _ in range(kept):
        program += [("SWAP", 2), ("POP_TOP", 0)]
    body = b"".join(unit(*part) for part in [*program, ("RETURN_VALUE", 0)])
    code: CodeType = base.replace(
        co_code=body,
        co_argcount=operands,
        co_nlocals=operands,
        co_varnames=tuple(f"operand_{slot}" for slot in range(operands)),
        co_stacksize=operands + (given or 1) + 4,
        co_consts=constants,
        co_exceptiontable=b"",
        co_linetable=bytes([0x80 | 15 << 3 | 7]) * (len(body) // 16 + 1),  # entries without a place, for 8 units each
        co_name=name,
    )
    return FunctionType(code, {"__builtins__": builtins})  # some intrinsics import `typing`


@functools.cache
def intrinsic_function(name: str) -> FunctionType:
    """A function that runs one intrinsic over its arguments.

    Raises:
        KeyError: CPython's tables don't have it.
    """
    if name in opmap:
        return instruction_function(name, 0, 1)
    if name in INTRINSICS_1:
        return instruction_function("CALL_INTRINSIC_1", INTRINSICS_1.index(name), 1)
    if name in INTRINSICS_2:
        return instruction_function("CALL_INTRINSIC_2", INTRINSICS_2.index(name), 2)
    raise KeyError(f"{name} is no intrinsic function of CPython: {', '.join((*INTRINSICS_1, *INTRINSICS_2))}")


def run_intrinsic(name: str, *operands: Any) -> Any:
    """Run an intrinsic over its operands."""
    return intrinsic_function(name)(*operands)
