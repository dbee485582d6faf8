"""The canonical instruction set as data: what each instruction takes, gives and waits for.

One set for all supported CPythons. Arguments are decoded: names, slots, constants, operators, indexes of instructions.
The stack keeps CPython's own layout, NULLs included, so `dis.stack_effect` is an oracle for this table and a frame can
go on natively.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeAlias

from .completion import (
    Completion,
    Discard,
    Insert,
    Push,
    PushCallable,
    PushNext,
    PushSent,
    RaiseResult,
    Retry,
    ShortCircuit,
)

Count: TypeAlias = Callable[[Any], int]


class Flow(Enum):
    """Where control goes after an instruction, exceptions apart."""

    NEXT = "next"
    JUMP = "jump"
    BRANCH = "branch"
    END = "end"


@dataclass(frozen=True, slots=True)
class Opcode:
    """One canonical instruction.

    Args:
        takes: how many entries it takes from the stack, from its argument.
        gives: how many it puts there instead.
        flow: where control goes.
        jump_effect: the change in depth when it jumps.
        completion: what is done with its result, from its argument.
        raises: whether it can raise.
    """

    takes: Count
    gives: Count
    flow: Flow = Flow.NEXT
    jump_effect: Count | None = None
    completion: Callable[[Any], Completion] | None = None
    raises: bool = True

    def effect(self, arg: Any, *, jump: bool) -> int:
        """The change in stack depth."""
        if jump and self.jump_effect is not None:
            return self.jump_effect(arg)
        return self.gives(arg) - self.takes(arg)


_push: Final = cache(Push)  # completions are values, and making one costs as much as decoding an instruction
_discard: Final = cache(Discard)
_RETRY: Final = Retry(1)


def _fixed(count: int) -> Count:
    return lambda _arg: count


def _opcode(takes: int | Count, gives: int, *, flow: Flow = Flow.NEXT, raises: bool = True) -> Opcode:
    """An instruction that waits for nothing."""
    return Opcode(takes if callable(takes) else _fixed(takes), _fixed(gives), flow, raises=raises)


def _pushes(takes: int | Count) -> Opcode:
    """An instruction that replaces its operands by its result."""
    count = takes if callable(takes) else _fixed(takes)
    return Opcode(count, _fixed(1), completion=lambda arg: _push(count(arg)))


def _discards(takes: int | Count) -> Opcode:
    """An instruction whose result is nothing."""
    count = takes if callable(takes) else _fixed(takes)
    return Opcode(count, _fixed(0), completion=lambda arg: _discard(count(arg)))


def _number(arg: int) -> int:
    return arg


_tests: Final = Opcode(_fixed(1), _fixed(0), Flow.BRANCH, jump_effect=_fixed(-1), completion=lambda _arg: _RETRY)


def _short_circuits(*, jumps: bool) -> Opcode:
    """`and` and `or`: the operand stays on the stack while its truth is asked, for it may be the result."""
    return Opcode(
        _fixed(1),
        _fixed(0),
        Flow.BRANCH,
        jump_effect=_fixed(0),
        completion=lambda target: ShortCircuit(0, target, jumps),
    )


OPCODES: Final[Mapping[str, Opcode]] = {
    # stack and control
    "NOP": _opcode(0, 0, raises=False),
    "RESUME": _opcode(0, 0, raises=False),
    "POP_TOP": _opcode(1, 0, raises=False),
    "PUSH_NULL": _opcode(0, 1, raises=False),
    "COPY": _opcode(0, 1, raises=False),
    "SWAP": _opcode(0, 0, raises=False),
    "LOAD_CONST": _opcode(0, 1, raises=False),
    "RETURN_VALUE": _opcode(1, 0, flow=Flow.END, raises=False),
    "JUMP": Opcode(_fixed(0), _fixed(0), Flow.JUMP, raises=False),
    "POP_JUMP_IF_TRUE": _tests,
    "POP_JUMP_IF_FALSE": _tests,
    "POP_JUMP_IF_NONE": Opcode(_fixed(1), _fixed(0), Flow.BRANCH, raises=False),
    "POP_JUMP_IF_NOT_NONE": Opcode(_fixed(1), _fixed(0), Flow.BRANCH, raises=False),
    "JUMP_IF_TRUE_OR_POP": _short_circuits(jumps=True),
    "JUMP_IF_FALSE_OR_POP": _short_circuits(jumps=False),
    "TO_BOOL": Opcode(_fixed(1), _fixed(1), completion=lambda _arg: _RETRY),
    # variables
    "LOAD_FAST": _opcode(0, 1),
    "LOAD_CLOSURE": _opcode(0, 1),
    "LOAD_FAST_AND_CLEAR": _opcode(0, 1, raises=False),
    "STORE_FAST": _opcode(1, 0, raises=False),
    "STORE_CLOSURE": _opcode(1, 0, raises=False),
    "DELETE_FAST": _opcode(0, 0),
    "MAKE_CELL": _opcode(0, 0, raises=False),
    "COPY_FREE_VARS": _opcode(0, 0, raises=False),
    "LOAD_DEREF": _pushes(0),
    "STORE_DEREF": _discards(1),
    "DELETE_DEREF": _discards(0),
    "LOAD_GLOBAL": _pushes(0),
    "STORE_GLOBAL": _discards(1),
    "DELETE_GLOBAL": _discards(0),
    "LOAD_NAME": _pushes(0),
    "STORE_NAME": _discards(1),
    "DELETE_NAME": _discards(0),
    "LOAD_LOCALS": _pushes(0),
    "LOAD_FROM_DICT_OR_DEREF": _pushes(1),
    "LOAD_FROM_DICT_OR_GLOBALS": _pushes(1),
    "SETUP_ANNOTATIONS": _discards(0),
    "IMPORT_NAME": _pushes(2),
    "IMPORT_FROM": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "IMPORT_STAR": _discards(1),
    # operators, attributes, items
    "UNARY_OP": _pushes(1),
    "BINARY_OP": _pushes(2),
    "INPLACE_OP": _pushes(2),
    "COMPARE_OP": _pushes(2),
    "CONTAINS_OP": _pushes(2),
    "IS_OP": _pushes(2),
    "BINARY_SUBSCR": _pushes(2),
    "STORE_SUBSCR": _discards(3),
    "DELETE_SUBSCR": _discards(2),
    "LOAD_ATTR": _pushes(1),
    "LOAD_METHOD": Opcode(_fixed(1), _fixed(2), completion=lambda arg: PushCallable(1, null_first=arg[1])),
    "LOAD_SUPER": _pushes(3),
    "STORE_ATTR": _discards(2),
    "DELETE_ATTR": _discards(1),
    "CONVERT_VALUE": _pushes(1),
    "FORMAT_SIMPLE": _pushes(1),
    "FORMAT_WITH_SPEC": _pushes(2),
    # displays, comprehensions, iteration
    "BUILD_TUPLE": _pushes(_number),
    "BUILD_CLOSURE": _pushes(_number),
    "BUILD_LIST": _pushes(_number),
    "BUILD_SET": _pushes(_number),
    "BUILD_MAP": _pushes(lambda arg: 2 * arg),
    "BUILD_CONST_KEY_MAP": _pushes(lambda arg: len(arg) + 1),
    "BUILD_SLICE": _pushes(_number),
    "BUILD_STRING": _pushes(_number),
    "LIST_APPEND": _discards(1),
    "SET_ADD": _discards(1),
    "MAP_ADD": _discards(2),
    "LIST_EXTEND": _discards(1),
    "SET_UPDATE": _discards(1),
    "DICT_UPDATE": _discards(1),
    "DICT_MERGE": _discards(1),
    "LIST_TO_TUPLE": _pushes(1),
    "UNPACK_SEQUENCE": Opcode(_fixed(1), _number, completion=lambda _arg: _RETRY),
    "UNPACK_EX": Opcode(_fixed(1), lambda arg: arg[0] + 1 + arg[1], completion=lambda _arg: _RETRY),
    "GET_ITER": _pushes(1),
    "GET_LEN": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "FOR_ITER": Opcode(
        _fixed(0), _fixed(1), Flow.BRANCH, jump_effect=_fixed(-1), completion=lambda arg: PushNext(0, arg)
    ),
    # calls, functions, classes
    "CALL": _pushes(lambda arg: arg.pops),
    "CALL_FUNCTION_EX": _pushes(lambda arg: 3 + arg[0]),
    "MAKE_FUNCTION": _pushes(lambda arg: 1 + arg[0].bit_count()),
    "LOAD_BUILD_CLASS": _pushes(0),
    "INTRINSIC": _pushes(lambda arg: arg[1]),
    # generators and asynchronous code
    "RETURN_GENERATOR": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "YIELD_VALUE": Opcode(_fixed(1), _fixed(1), completion=lambda _arg: Push(0)),
    "GET_YIELD_FROM_ITER": _pushes(1),
    "SEND": Opcode(
        _fixed(1),
        _fixed(1),
        Flow.BRANCH,
        jump_effect=lambda arg: 0 if arg[1] else -1,
        completion=lambda arg: PushSent(1, *arg),
    ),
    "END_SEND": _opcode(2, 1, raises=False),
    "CLEANUP_THROW": _opcode(3, 2),
    "STOPITERATION_ERROR": _opcode(1, 1),
    "ASYNC_GEN_WRAP": _pushes(1),
    "GET_AWAITABLE": _pushes(1),
    "GET_AITER": _pushes(1),
    "GET_ANEXT": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "END_ASYNC_FOR": _opcode(2, 0),
    # exceptions and context managers
    "RAISE_VARARGS": Opcode(_number, _fixed(0), Flow.END, completion=RaiseResult),
    "RERAISE": _opcode(1, 0, flow=Flow.END),
    "PUSH_EXC_INFO": _opcode(0, 1, raises=False),
    "POP_EXCEPT": _opcode(1, 0, raises=False),
    "CHECK_EXC_MATCH": Opcode(_fixed(1), _fixed(1), completion=lambda _arg: Push(1)),
    "CHECK_EG_MATCH": _opcode(2, 2),
    "PREP_RERAISE_STAR": _pushes(2),
    "LOAD_EXIT": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Insert(0, below=1)),
    "ENTER_CONTEXT": _pushes(1),
    "WITH_EXCEPT_START": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    # patterns
    "MATCH_MAPPING": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "MATCH_SEQUENCE": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "MATCH_KEYS": Opcode(_fixed(0), _fixed(1), completion=lambda _arg: Push(0)),
    "MATCH_CLASS": _pushes(3),
}
"""Each canonical instruction by its name."""

CANONICAL: Final = frozenset(OPCODES)
"""The names of the canonical instructions."""

_TARGETS: Final[Mapping[str, Callable[[Any], int]]] = {
    "SEND": lambda arg: int(arg[0]),
}


def jump_target(opname: str, arg: Any) -> int | None:
    """The index that an instruction may jump to, or None."""
    if OPCODES[opname].flow not in {Flow.JUMP, Flow.BRANCH}:
        return None
    return _TARGETS.get(opname, int)(arg)
