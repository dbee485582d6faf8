"""Displays, comprehensions, unpacking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome, Value

V = TypeVar("V")


def _top(frame: Frame[V], count: int) -> list[Any]:
    return frame.stack[len(frame.stack) - count :]


def build_tuple(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, ...] -> [(a, ...)]`."""
    return deliver(frame, instruction.completion, domain.build_tuple(_top(frame, instruction.arg)), domain)


def build_closure(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[cell, ...] -> [(cell, ...)]`."""
    closure = domain.build_closure(_top(frame, instruction.arg))
    return deliver(frame, instruction.completion, Value(closure), domain)


def build_list(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, ...] -> [[a, ...]]`."""
    return deliver(frame, instruction.completion, domain.build_list(_top(frame, instruction.arg)), domain)


def build_set(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, ...] -> [{a, ...}]`."""
    return deliver(frame, instruction.completion, domain.build_set(_top(frame, instruction.arg)), domain)


def build_map(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[key, value, ...] -> [{key: value, ...}]`."""
    items = _top(frame, 2 * instruction.arg)
    return deliver(frame, instruction.completion, domain.build_map(items[::2], items[1::2]), domain)


def build_const_key_map(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[value, ..., keys] -> [{key: value, ...}]`."""
    keys = [domain.constant(key) for key in instruction.arg]
    values = _top(frame, len(keys) + 1)[:-1]
    return deliver(frame, instruction.completion, domain.build_map(keys, values), domain)


def build_slice(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[start, stop] -> [slice]`, or with a step."""
    return deliver(frame, instruction.completion, domain.build_slice(_top(frame, instruction.arg)), domain)


def build_string(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[part, ...] -> [str]`."""
    return deliver(frame, instruction.completion, domain.build_string(_top(frame, instruction.arg)), domain)


def list_append(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[list, ..., item] -> [list, ...]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.list_append(stack[-1 - instruction.arg], stack[-1]), domain)


def set_add(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[set, ..., item] -> [set, ...]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.set_add(stack[-1 - instruction.arg], stack[-1]), domain)


def map_add(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[dict, ..., key, value] -> [dict, ...]`."""
    stack = frame.stack
    result = domain.map_add(stack[-2 - instruction.arg], stack[-2], stack[-1])
    return deliver(frame, instruction.completion, result, domain)


def list_extend(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[list, ..., items] -> [list, ...]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.list_extend(stack[-1 - instruction.arg], stack[-1]), domain)


def set_update(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[set, ..., items] -> [set, ...]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.set_update(stack[-1 - instruction.arg], stack[-1]), domain)


def dict_update(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[dict, ..., items] -> [dict, ...]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.dict_update(stack[-1 - instruction.arg], stack[-1]), domain)


def dict_merge(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[callee, ..., dict, ..., items] -> [callee, ..., dict, ...]`: more keywords of a call."""
    stack = frame.stack
    distance, callee = instruction.arg
    result = domain.dict_merge(stack[-1 - distance], stack[-1], stack[-callee])
    return deliver(frame, instruction.completion, result, domain)


def list_to_tuple(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[list] -> [tuple]`."""
    return deliver(frame, instruction.completion, domain.list_to_tuple(frame.stack[-1]), domain)


def unpack_sequence(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [last, ..., first]`."""
    result = domain.unpack(frame.stack[-1], instruction.arg)
    if type(result) is Value:
        frame.stack[-1:] = reversed(result.value)
        return NEXT
    return deliver(frame, instruction.completion, result, domain)


def unpack_ex(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [last, ..., list, ..., first]`."""
    result = domain.unpack_ex(frame.stack[-1], *instruction.arg)
    if type(result) is Value:
        frame.stack[-1:] = reversed(result.value)
        return NEXT
    return deliver(frame, instruction.completion, result, domain)


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "BUILD_CLOSURE": build_closure,
    "BUILD_CONST_KEY_MAP": build_const_key_map,
    "BUILD_LIST": build_list,
    "BUILD_MAP": build_map,
    "BUILD_SET": build_set,
    "BUILD_SLICE": build_slice,
    "BUILD_STRING": build_string,
    "BUILD_TUPLE": build_tuple,
    "DICT_MERGE": dict_merge,
    "DICT_UPDATE": dict_update,
    "LIST_APPEND": list_append,
    "LIST_EXTEND": list_extend,
    "LIST_TO_TUPLE": list_to_tuple,
    "MAP_ADD": map_add,
    "SET_ADD": set_add,
    "SET_UPDATE": set_update,
    "UNPACK_EX": unpack_ex,
    "UNPACK_SEQUENCE": unpack_sequence,
}
