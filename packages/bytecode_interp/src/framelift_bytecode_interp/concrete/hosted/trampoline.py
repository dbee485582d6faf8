"""Hosting code: a code object that looks like the user's, and whose real frame has the interpreter do what it does.

The user's bytes stay where they are, so that each offset keeps its line and columns, but the first ones jump behind
them, to a loop: ask the activation for the next action, do it in this very frame, tell the activation the outcome.
What is called, yielded or raised so sees the user's frame, function and line, as CPython's own machinery does
(`sys._getframe`, warnings, `sys.exception`, recursion, a generator's `throw`). All the loop's state is on its stack:
no name of the user's changes.

Rejected: generating Python source or an AST for the loop (it would need local variables, which the user would see).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from opcode import opmap
from types import CodeType
from typing import Any, Final

from ..._cpython import VERSION
from ...instruction import Code
from ...splice import location_signed, table_entry, unit

SUSPENDS: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_NAMES: Final = {
    name: name if name in opmap else name.replace("JUMP_IF", "JUMP_FORWARD_IF")
    for name in ("POP_JUMP_IF_TRUE", "POP_JUMP_IF_NONE")
}
_JUMP_UNITS: Final = 3  # room for an argument of 24 bits, so that no jump grows when its target moves
_STACK: Final = 12


class Assembly:
    """Raw instructions with labels, lines and an exception table.

    Args:
        base: the byte offset of the first one.
        constants: what LOAD_CONST can load.
    """

    def __init__(self, base: int, constants: Sequence[Any]) -> None:
        self.base = base
        self.constants = constants
        self.lines: list[tuple[int, int]] = []
        self._code = bytearray()
        self._labels: dict[str, int] = {}
        self._jumps: list[tuple[int, str, str]] = []
        self._handlers: list[tuple[int, int, str, int]] = []

    @property
    def offset(self) -> int:
        """The byte offset of the next instruction."""
        return self.base + len(self._code)

    def add(self, *program: str | tuple[str, int]) -> None:
        """Append instructions, those with an argument as pairs."""
        for part in program:
            self._code += unit(part) if isinstance(part, str) else unit(*part)

    def constant(self, value: Any) -> None:
        """Append a LOAD_CONST of one of the loop's own constants, which come last."""
        place = next(place for place in reversed(range(len(self.constants))) if self.constants[place] is value)
        self.add(("LOAD_CONST", place))

    def label(self, name: str) -> None:
        """Name the place of the next instruction."""
        self._labels[name] = self.offset

    def jump(self, name: str, label: str) -> None:
        """Append a jump to a label."""
        name = _NAMES.get(name, name)
        self._jumps.append((len(self._code), name, label))
        self._code += bytes(2 * (_JUMP_UNITS - 1)) + unit(name)

    def handle(self, start: int, label: str, depth: int) -> None:
        """From byte offset `start` to here, an exception is handled at a label."""
        if start < self.offset:
            self._handlers.append((start, self.offset, label, depth))

    def at_line(self, line: int) -> None:
        """The instructions from here on belong to a line."""
        if not self.lines or self.lines[-1][1] != line:
            self.lines.append((self.offset, line))

    def finish(self) -> tuple[bytes, bytes]:
        """The bytes, and the exception table."""
        for place, name, label in self._jumps:
            end = self.base + place + 2 * (_JUMP_UNITS + VERSION.caches.get(name, 0))
            distance = self._labels[label] - end
            units = (-distance if "BACKWARD" in name else distance) // 2
            if units < 0:
                raise ValueError(f"{name} to {label} goes the other way")
            extended = opmap["EXTENDED_ARG"]
            self._code[place : place + 2 * _JUMP_UNITS] = bytes(
                (extended, units >> 16, extended, units >> 8 & 255, opmap[name], units & 255)
            )
        table = b"".join(
            table_entry(start, end, self._labels[label], depth, lasti=False)
            for start, end, label, depth in sorted(self._handlers)
        )
        return bytes(self._code), table

    def line_table(self, line: int) -> bytes:
        """The location table, behind one that ends at `line`."""
        table = b""
        for (start, here), (end, _) in zip(self.lines, [*self.lines[1:], (self.offset, 0)], strict=True):
            units = (end - start) // 2
            while units:
                count = min(units, 8)
                table += bytes([0x80 | 13 << 3 | count - 1]) + location_signed(here - line)
                units -= count
                line = here
        return table


@dataclass(frozen=True, slots=True)
class Hosting:
    """A hosting code object, and how its loop is told what to do.

    Args:
        code: it.
        turns: for the index of an instruction, the turns through the loop's binary tree to each kind of action there.
    """

    code: CodeType
    turns: Mapping[tuple[str, int], tuple[bool, ...]]


def hosting(code: Code, begin: Callable[..., Any]) -> Hosting:
    """Assemble the hosting code of a code object.

    Args:
        code: the user's, decoded.
        begin: called with the arguments and then the cells of the free variables, in the hosting frame; gives the
            function that is asked for actions.
    """
    raw = code.raw
    body = _leading_over(raw.co_code)
    positions = [entry[0] for entry in raw.co_positions() if entry[0] is not None]
    constants = (*raw.co_consts, None, False, True, begin)  # the last one tells hosting code from others
    assembly = Assembly(len(body), constants)
    assembly.at_line(raw.co_firstlineno)
    _begin(assembly, raw, begin)
    turns = _loop(assembly, code)
    extension, table = assembly.finish()
    padding = b""
    if len(body) > len(raw.co_code):
        padding = bytes([0x80 | 15 << 3 | (len(body) - len(raw.co_code)) // 2 - 1])
    last = positions[-1] if positions else raw.co_firstlineno
    return Hosting(
        raw.replace(
            co_code=body + extension,
            co_consts=constants,
            co_exceptiontable=table,
            co_linetable=raw.co_linetable + padding + assembly.line_table(last),
            co_stacksize=max(raw.co_stacksize, _STACK + max(24, 2 * len(kept_locals(code))) + len(raw.co_freevars)),
        ),
        turns,
    )


def _leading_over(code: bytes) -> bytes:
    """The user's bytes up to RESUME, and then a jump over the others.

    CPython takes a frame before its first RESUME for an incomplete one, and cells for made once MAKE_CELL ran.
    """
    resume = 0
    while code[resume] != opmap["RESUME"]:
        resume += 2
    start = resume + 2
    lead = code[:start]
    while True:
        over = unit("JUMP_FORWARD", (len(code) - start) // 2)  # as long as the real jump, or longer by a prefix
        jump = unit("JUMP_FORWARD", max(0, len(code) - start - len(over)) // 2)
        if len(jump) == len(over) <= len(code) - start:
            return lead + jump + code[start + len(jump) :]
        code += unit("NOP")


def _call_with_tuple(assembly: Assembly) -> None:
    """`[function, arguments] -> [function, result]`."""
    if VERSION.null_first:
        assembly.add("PUSH_NULL", ("SWAP", 2), ("COPY", 3), ("SWAP", 2))
    else:
        assembly.add(("COPY", 2), ("SWAP", 2), "PUSH_NULL", ("SWAP", 2))
    assembly.add(("CALL_FUNCTION_EX", 0))


def _ask(assembly: Assembly) -> None:
    """`[advance, outcome, whether it was raised] -> [advance, action]`."""
    assembly.add(("BUILD_LIST", 2), ("BUILD_TUPLE", 1))  # the list can be emptied, which lets the outcome die
    _call_with_tuple(assembly)


def _begin(assembly: Assembly, raw: CodeType, begin: Callable[..., Any]) -> None:
    """Hand the arguments over: this frame keeps none, so that each dies when it should."""
    count = raw.co_argcount + raw.co_kwonlyargcount
    count += bool(raw.co_flags & inspect.CO_VARARGS) + bool(raw.co_flags & inspect.CO_VARKEYWORDS)
    if VERSION.null_first:
        assembly.add("PUSH_NULL")
    assembly.constant(begin)
    if not VERSION.null_first:
        assembly.add("PUSH_NULL")
    slots = raw.co_nlocals + len(set(raw.co_cellvars) - set(raw.co_varnames))
    assembly.add(*(("LOAD_FAST", slot) for slot in range(count)))
    assembly.add(*(("LOAD_FAST", slots + free) for free in range(len(raw.co_freevars))))
    assembly.add(("BUILD_TUPLE", count + len(raw.co_freevars)), ("CALL_FUNCTION_EX", 0))
    assembly.add(*(("DELETE_FAST", slot) for slot in range(count)))


def _actions(code: Code) -> tuple[dict[tuple[str, int], None], dict[tuple[str, int], tuple[str, int]]]:
    """The kinds of actions, by line, and which of them an instruction of an index needs, by the general kind."""
    leaves: dict[tuple[str, int], None] = {("return", 0): None, ("raise", 0): None, ("show", 0): None}
    first = code.raw.co_firstlineno
    delegation = "delegate" if code.raw.co_flags & SUSPENDS == inspect.CO_GENERATOR else "await"
    kinds = {"SEND": delegation, "YIELD_VALUE": "yield"}
    wanted: dict[tuple[str, int], tuple[str, int]] = {(kind, -1): (kind, line) for kind, line in leaves}
    for instruction in code:
        if instruction.completion is None:
            continue
        line = instruction.line or first
        special = kinds.get(instruction.opname)
        if special is not None:
            leaves[special, line] = None
            wanted["delegate" if special == "await" else special, instruction.index] = special, line
        if special != "yield":
            leaves["call", line] = None
            wanted["call", instruction.index] = "call", line
    return leaves, wanted


def _loop(assembly: Assembly, code: Code) -> dict[tuple[str, int], tuple[bool, ...]]:
    """The loop over actions; an action is `(exception to handle meanwhile or None, (*turns, payload))`."""
    first = code.raw.co_firstlineno
    leaves, wanted = _actions(code)
    turns: dict[tuple[str, int], tuple[bool, ...]] = {}
    depth = (len(leaves) - 1).bit_length()
    locals_ = kept_locals(code)
    assembly.constant(None)
    assembly.constant(False)
    assembly.label("ask")  # [advance, outcome, whether it was raised]
    asking = assembly.offset
    _ask(assembly)
    assembly.handle(asking, "interrupted", 1)
    assembly.label("asked")
    assembly.add(("UNPACK_SEQUENCE", 2), ("COPY", 1))
    assembly.jump("POP_JUMP_IF_NONE", "unhandled")
    assembly.add("PUSH_EXC_INFO", ("SWAP", 3))  # [advance, handled, previous, routed]
    assembly.jump("JUMP_FORWARD", "act")
    assembly.label("unhandled")
    assembly.add(("COPY", 1), ("SWAP", 3))  # [advance, None, None, routed]
    assembly.label("act")
    assembly.add(("UNPACK_SEQUENCE", depth + 1))

    def branch(keys: Sequence[tuple[str, int]], path: tuple[bool, ...]) -> None:
        left = depth - len(path)
        if len(keys) == 1:
            assembly.at_line(keys[0][1] or first)
            assembly.add(*["POP_TOP"] * left)
            turns[keys[0]] = path + (False,) * left
            _act(assembly, keys[0], locals_)
            return
        half = ceil(len(keys) / 2)
        label = f"{keys[half]}"
        assembly.at_line(first)
        assembly.jump("POP_JUMP_IF_TRUE", label)
        branch(keys[:half], (*path, False))
        assembly.label(label)
        branch(keys[half:], (*path, True))

    branch(tuple(leaves), ())
    assembly.at_line(first)
    assembly.label("raised")  # [advance, handled, previous, exception]
    assembly.constant(True)
    assembly.jump("JUMP_FORWARD", "tell")
    assembly.label("done")
    assembly.constant(False)
    assembly.label("tell")  # [advance, handled, previous, outcome, whether it was raised]
    assembly.add(("COPY", 4))
    assembly.jump("POP_JUMP_IF_NONE", "none handled")
    assembly.add(("SWAP", 3), "POP_EXCEPT")
    assembly.jump("JUMP_FORWARD", "ask again")
    assembly.label("none handled")
    assembly.add(("SWAP", 3), "POP_TOP")
    assembly.label("ask again")
    assembly.add(("SWAP", 3), "POP_TOP")
    assembly.jump("JUMP_BACKWARD_NO_INTERRUPT", "ask")
    assembly.label("interrupted")  # by a signal's handler, around `advance`: ask once more, and then no more
    assembly.constant(True)
    _ask(assembly)
    assembly.jump("JUMP_BACKWARD_NO_INTERRUPT", "asked")
    return {place: turns[key] for place, key in wanted.items()}


def kept_locals(code: Code) -> range:
    """The slots whose values the hosting frame gets when it raises: a traceback shows them and keeps them alive."""
    return range(code.first_free_slot)


def _act(assembly: Assembly, key: tuple[str, int], locals_: Sequence[int]) -> None:
    """What an action does; the stack is `[advance, handled, previous, payload]`."""
    kind, _ = key
    start = assembly.offset
    if kind == "return":
        assembly.add(("SWAP", 4), "POP_TOP", "POP_TOP", "POP_TOP", "RETURN_VALUE")
        return
    if kind == "raise":  # the position decides what the traceback says, and that nothing here handles it
        assembly.add(("UNPACK_SEQUENCE", 2 * len(locals_) + 2))
        _store(assembly, kind, locals_)
        assembly.add(("RERAISE", 1))
        return
    if kind == "show":
        assembly.add(("UNPACK_SEQUENCE", 2 * len(locals_)))
        _store(assembly, kind, locals_)
        assembly.constant(None)
        assembly.jump("JUMP_FORWARD", "done")
        return
    if kind == "call":
        if VERSION.null_first:
            assembly.add("PUSH_NULL", ("SWAP", 2), ("UNPACK_SEQUENCE", 3))
        else:
            assembly.add(("UNPACK_SEQUENCE", 3), "PUSH_NULL", ("SWAP", 3), ("SWAP", 2))
        assembly.add(("CALL_FUNCTION_EX", 1))
    elif kind == "yield":
        assembly.add(("YIELD_VALUE", VERSION.yields[0]), ("RESUME", 1))
    else:
        start = _delegate(assembly, key, 3 if kind == "await" else 2)
    assembly.jump("JUMP_FORWARD", "done")
    assembly.handle(start, "raised", 3)


def _store(assembly: Assembly, kind: str, slots: Sequence[int]) -> None:
    """Store into each slot, from the top of the stack, a value if the entry above it says that there is one."""
    for slot in slots:
        assembly.jump("POP_JUMP_IF_TRUE", f"{kind} bound {slot}")
        assembly.add("POP_TOP")
        assembly.jump("JUMP_FORWARD", f"{kind} after {slot}")
        assembly.label(f"{kind} bound {slot}")
        assembly.add(("STORE_FAST", slot))
        assembly.label(f"{kind} after {slot}")


def _delegate(assembly: Assembly, key: tuple[str, int], resume: int) -> int:
    """The loop of `yield from` and `await`, as the compiler lays it out: a generator's `throw` reads these bytes."""
    start = assembly.offset
    assembly.constant(None)
    assembly.add(("SEND", 3))
    assembly.handle(start, "raised", 3)
    thrown = assembly.offset
    assembly.add(("YIELD_VALUE", VERSION.yields[1]))
    cleans = "CLEANUP_THROW" in opmap
    if cleans:
        assembly.handle(thrown, f"cleanup {key}", 5)
        thrown = assembly.offset
    assembly.add(("RESUME", resume), ("JUMP_BACKWARD_NO_INTERRUPT", 4 + VERSION.caches.get("SEND", 0)))
    if cleans:
        assembly.add("END_SEND")
        assembly.jump("JUMP_FORWARD", "done")
        assembly.handle(thrown, "raised", 3)
        assembly.label(f"cleanup {key}")
        thrown = assembly.offset
        assembly.add("CLEANUP_THROW", "END_SEND")
    return thrown
