"""Splicing: a user's bytes, unchanged, behind a prologue that rebuilds a frame and jumps into the middle.

Nothing is assembled: jumps are relative, so the bytes stay as they are, and the exception and location tables are
shifted (their formats: Objects/exception_handling_notes.txt and Objects/locations.md of CPython). Rejected:
disassembling, rewriting and assembling, which costs four times as much an instruction and can change the code.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from opcode import opmap
from types import CodeType
from typing import Final

from ._cpython import VERSION
from .decoding import exception_table, slot_names
from .instruction import Positions

_EXTENDED_ARG: Final = opmap["EXTENDED_ARG"]
_ARGUMENT_FLAGS: Final = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def unit(name: str, arg: int = 0) -> bytes:
    """One raw instruction, its EXTENDED_ARG prefixes and empty caches included."""
    high = []
    rest = arg >> 8
    while rest:
        high.append(rest & 255)
        rest >>= 8
    prefix = bytes(byte for part in reversed(high) for byte in (_EXTENDED_ARG, part))
    return prefix + bytes([opmap[name], arg & 255]) + bytes(2 * VERSION.caches.get(name, 0))


def _varint(value: int) -> bytes:
    """Big-endian groups of six bits, for the exception table."""
    groups = [value & 63]
    value >>= 6
    while value:
        groups.append(value & 63)
        value >>= 6
    return bytes([group | 64 for group in groups[:0:-1]] + [groups[0]])


def table_entry(start: int, end: int, target: int, depth: int, *, lasti: bool) -> bytes:
    """One entry of an exception table, by byte offsets."""
    entry = bytearray(_varint(start // 2))
    entry[0] |= 128
    return bytes(entry) + _varint((end - start) // 2) + _varint(target // 2) + _varint(depth << 1 | lasti)


def _location_varint(value: int) -> bytes:
    """Little-endian groups of six bits, for the location table."""
    groups = bytearray()
    while value >= 64:
        groups.append(value & 63 | 64)
        value >>= 6
    groups.append(value)
    return bytes(groups)


def location_signed(value: int) -> bytes:
    """A signed number of the location table."""
    return _location_varint((-value << 1 | 1) if value < 0 else value << 1)


def _locations(units: int, positions: Positions, first_line: int) -> bytes:
    """Location entries that put `units` code units at `positions`; the last unit takes the line back."""
    line = positions.line
    if line is None:
        line = first_line
    delta = line - first_line
    table = b""
    remaining = units - 1
    while remaining:
        count = min(8, remaining)
        remaining -= count
        if positions.column is None or positions.end_column is None:
            table += bytes([0x80 | 13 << 3 | count - 1]) + location_signed(delta)
        else:
            end_line = line if positions.end_line is None else positions.end_line
            table += bytes([0x80 | 14 << 3 | count - 1]) + location_signed(delta)
            table += _location_varint(max(end_line - line, 0))
            table += _location_varint(positions.column + 1) + _location_varint(positions.end_column + 1)
        delta = 0
    return table + bytes([0x80 | 13 << 3]) + location_signed(first_line - line)


@dataclass(frozen=True, slots=True)
class Handler:
    """Where the prologue's last call goes when it raises: byte offset in the user's code, depth, lasti."""

    target: int
    depth: int
    lasti: bool


STATE_NAME: Final = ".state"
"""The free variable that holds a resumption's state; no identifier, so it clashes with no name of the user's."""


class Prologue:
    """The instructions before the user's bytes; they read their values from one state tuple.

    The tuple is the content of one more free variable: free variables come last in a frame, so no slot of the user's
    code moves, as it would for an argument of a function that has no local variables.

    Args:
        code: the user's code.
    """

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.body = b""
        self.constants = list(code.co_consts)
        self.states = 0
        self._state_slot = len(slot_names(code))
        self._places: dict[int, int] = {}
        self._positions: dict[int, int] = {}
        self.add("COPY_FREE_VARS", len(code.co_freevars) + 1)
        if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            self.add("RETURN_GENERATOR")
            self.add("POP_TOP")
        self.add("RESUME")

    def add(self, name: str, arg: int = 0) -> None:
        """Append a raw instruction."""
        self.body += unit(name, arg)

    def push_state(self) -> None:
        """Push the next item of the state tuple."""
        place = self._places.get(self.states)
        if place is None:
            place = self._places[self.states] = len(self.constants)
            self.constants.append(self.states)
        self.add("LOAD_DEREF", self._state_slot)
        self.add("LOAD_CONST", place)
        self.add("BINARY_SUBSCR")
        self.states += 1

    def push_position(self, offset: int) -> None:
        """Push the position of the instruction at byte `offset` of the user's code, as a handler entry does."""
        self._positions[len(self.constants)] = offset
        self.add("LOAD_CONST", len(self.constants))
        self.constants.append(0)  # known once the prologue is complete

    def call(self, count: int) -> None:
        """Call what is on the stack, in the version's layout."""
        if "PRECALL" in VERSION.prefixes:
            self.add("PRECALL", count)
        self.add("CALL", count)

    def finish_with_jump(self, offset: int, positions: Positions) -> CodeType:
        """The code that goes on at byte `offset` of the user's code."""
        self.add("DELETE_DEREF", self._state_slot)
        self._jump(offset)
        return self._splice(positions, None, 0, 0)

    def finish_with_raise(self, handler: Handler | None, positions: Positions) -> CodeType:
        """The code that calls the function and the argument on the stack: it raises, and `handler` handles that."""
        self.add("DELETE_DEREF", self._state_slot)
        start = len(self.body)
        self.call(1)
        end = len(self.body)
        self.add("NOP")
        return self._splice(positions, handler, start, end)

    def finish_with_call(
        self, then: Sequence[str], offset: int | None, handler: Handler | None, positions: Positions
    ) -> CodeType:
        """The code that calls the function on the stack, under `handler`, and goes on with the result.

        Args:
            then: instructions without arguments that follow the call.
            offset: the byte of the user's code to go on at; None if `then` raises.
            handler: what handles what the call, or `then`, raises.
            positions: where the call is in the user's file.
        """
        # When a callee raises, 3.13 looks the handler up by the code unit before the CALL: cover the instruction there.
        start = len(self.body)
        self.add("DELETE_DEREF", self._state_slot)
        self.call(0)
        for name in then:
            self.add(name, 1 if name == "RAISE_VARARGS" else 0)
        end = len(self.body)
        if offset is None:
            self.add("NOP")
        else:
            self._jump(offset)
        return self._splice(positions, handler, start, end)

    def _jump(self, offset: int) -> None:
        nop = unit("NOP")
        self.body += unit("JUMP_FORWARD", (offset + len(nop)) // 2) + nop

    def _splice(self, positions: Positions, handler: Handler | None, start: int, end: int) -> CodeType:
        code, shift = self.code, len(self.body)
        for place, offset in self._positions.items():
            self.constants[place] = (offset + shift) // 2
        table = b""
        if handler is not None:
            table += table_entry(start, end, handler.target + shift, handler.depth, lasti=handler.lasti)
        for first, last, target, depth, lasti in exception_table(code):
            table += table_entry(first + shift, last + shift, target + shift, depth, lasti=lasti)
        return code.replace(
            co_code=self.body + code.co_code,
            co_consts=tuple(self.constants),
            co_exceptiontable=table,
            co_linetable=_locations(shift // 2, positions, code.co_firstlineno) + code.co_linetable,
            co_argcount=min(code.co_argcount, 1),  # `super()` refuses frames without an argument
            co_posonlyargcount=0,
            co_kwonlyargcount=0,
            co_freevars=(*code.co_freevars, STATE_NAME),
            co_flags=code.co_flags & ~_ARGUMENT_FLAGS,
            co_stacksize=code.co_stacksize + 6,
        )
