"""Decoding: a code object of the running CPython into canonical instructions, once for each code object."""

from __future__ import annotations

import inspect
from bisect import bisect_left
from functools import partial
from opcode import opmap, opname
from threading import Lock
from types import CodeType
from typing import Any, Final

from ._cpython import VERSION, RawInstruction, Target, Version
from ._cpython.raw import Part
from .errors import DecodeError
from .frame import UNBOUND
from .instruction import Code, HandlerEntry, Instruction, Positions
from .opcodes import OPCODES

_EXTENDED_ARG: Final = opmap["EXTENDED_ARG"]
_CACHE_SIZE: Final = 4096
_OF_SLOTS: Final = frozenset(
    (
        *("LOAD_FAST", "LOAD_FAST_AND_CLEAR", "STORE_FAST", "DELETE_FAST", "LOAD_CLOSURE", "STORE_CLOSURE"),
        *("MAKE_CELL", "LOAD_DEREF", "STORE_DEREF", "DELETE_DEREF", "LOAD_FROM_DICT_OR_DEREF"),
    )
)
"""Instructions whose argument is a slot of the frame."""
_UNKNOWN: Final = Positions(None, None, None, None)


class _DecodeCache:
    """Decoded code objects by identity, the oldest dropped first.

    By identity, since code objects compare by content, which costs more than a look-up may, and equal ones can differ
    in what their constants are.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entries: dict[int, Code] = {}
        self.lock = Lock()

    def add(self, decoded: Code) -> None:
        with self.lock:
            while len(self.entries) >= self.limit:
                del self.entries[next(iter(self.entries))]
            self.entries[id(decoded.raw)] = decoded


_CACHE: Final = _DecodeCache(_CACHE_SIZE)


def decode(code: CodeType) -> Code:
    """Decode a code object; decoding the same one again is a look-up.

    Args:
        code: a code object of the running CPython.

    Raises:
        DecodeError: the code holds an instruction that the version file does not know, or is corrupt.

    Example:
        >>> def double(x):
        ...     return 2 * x
        >>> [instruction.opname for instruction in decode(double.__code__)]
        ['RESUME', 'LOAD_CONST', 'LOAD_FAST', 'BINARY_OP', 'RETURN_VALUE']
    """
    found = _CACHE.entries.get(id(code))
    if found is None:
        if not isinstance(code, CodeType):
            raise DecodeError(f"decode takes a code object, not {type(code).__name__}: pass function.__code__")
        found = decode_as(code, VERSION)
        _CACHE.add(found)
    return found


def slot_names(code: CodeType) -> tuple[str, ...]:
    """The names of a frame's slots: locals, cells that aren't locals too, free variables (Objects/codeobject.c)."""
    local = code.co_varnames
    return (*local, *(name for name in code.co_cellvars if name not in local), *code.co_freevars)


def decode_as(code: CodeType, version: Version) -> Code:
    """Decode by a given version file, uncached.

    Raises:
        DecodeError: as for `decode`.
    """
    names = slot_names(code)
    cells = frozenset(names.index(name) for name in (*code.co_cellvars, *code.co_freevars))
    draft: list[tuple[Part, int, int, int, int]] = []  # part, offset, part number, start, end
    index_of_offset: dict[int, int] = {}
    raws = _scan(code, version)
    keywords: tuple[str, ...] = ()
    start: int | None = None
    for place, (name, arg, begin, offset, end) in enumerate(raws):
        start = begin if start is None else start
        for covered in range(begin, offset + 2, 2):
            index_of_offset[covered] = len(draft)
        if name in version.prefixes:
            if name == "KW_NAMES":
                if arg >= len(code.co_consts) or type(code.co_consts[arg]) is not tuple:
                    raise DecodeError(f"{_where(code, offset)}: {name} {arg} is corrupt: it names no tuple of keywords")
                keywords = code.co_consts[arg]
            continue
        previous = draft[-1][0] if draft else None
        following = partial(_following, raws, place)
        raw = RawInstruction(name, arg, offset, end, code, names, cells, keywords, previous, following)
        rule = version.rules.get(name)
        if rule is None:
            python = ".".join(map(str, version.python))
            raise DecodeError(f"{_where(code, offset)}: no rule for {name} in the version file of CPython {python}")
        try:
            parts = rule(raw)
        except (LookupError, TypeError) as error:
            raise DecodeError(f"{_where(code, offset)}: {name} {arg} is corrupt: {error}") from error
        first = 1 if name in version.suffixes else 0
        draft.extend((part, offset, number, start, end) for number, part in enumerate(parts, first))
        keywords, start = (), None
    return _assemble(code, names, cells, draft, index_of_offset)


def _following(raws: list[tuple[str, int, int, int, int]], place: int, distance: int) -> tuple[str, int]:
    ahead = place + distance
    return raws[ahead][:2] if ahead < len(raws) else ("", 0)


def _scan(code: CodeType, version: Version) -> list[tuple[str, int, int, int, int]]:
    """Name, argument, start (before EXTENDED_ARG), offset and end (after the caches) of each raw instruction."""
    raw = code.co_code
    caches = version.caches
    found = []
    place, extended, start = 0, 0, None
    while place < len(raw):
        op, arg = raw[place], raw[place + 1] | extended
        if op == _EXTENDED_ARG:
            extended = arg << 8
            start = place if start is None else start
            place += 2
            continue
        name = opname[op]
        end = place + 2 + 2 * caches.get(name, 0)
        found.append((name, arg, place if start is None else start, place, end))
        place, extended, start = end, 0, None
    return found


def _assemble(
    code: CodeType,
    names: tuple[str, ...],
    cells: frozenset[int],
    draft: list[tuple[Part, int, int, int, int]],
    index_of_offset: dict[int, int],
) -> Code:
    positions = list(code.co_positions())
    instructions = []
    for index, ((name, arg), offset, number, start, end) in enumerate(draft):
        resolved = _resolve(arg, index_of_offset, code, offset)
        if name in _OF_SLOTS and not 0 <= resolved < len(names):
            raise DecodeError(f"{_where(code, offset)}: {name} {resolved} is corrupt: there are {len(names)} variables")
        completion = OPCODES[name].completion
        instructions.append(
            Instruction(
                index,
                name,
                resolved,
                offset,
                number,
                start,
                end,
                Positions._make(positions[offset // 2]) if offset // 2 < len(positions) else _UNKNOWN,
                None if completion is None else completion(resolved),
            )
        )
    handlers = _handlers(code, [entry[1] for entry in draft], index_of_offset)
    table: list[HandlerEntry | None] = [None] * len(instructions)
    for handler in handlers:
        table[handler.start : handler.end] = [handler] * (handler.end - handler.start)
    simple = not code.co_kwonlyargcount and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return Code(
        raw=code,
        instructions=tuple(instructions),
        handlers=handlers,
        slot_names=names,
        cell_slots=cells,
        index_of_offset=index_of_offset,
        positional=code.co_argcount if simple else -1,
        unbound=(UNBOUND,) * (len(names) - code.co_argcount),
        _handler_at=tuple(table),
    )


def _resolve(arg: Any, index_of_offset: dict[int, int], code: CodeType, offset: int) -> Any:
    if type(arg) is Target:
        try:
            return index_of_offset[arg.offset]
        except KeyError:
            raise DecodeError(f"{_where(code, offset)}: a jump to byte {arg.offset}, outside of the code") from None
    if type(arg) is tuple and arg and type(arg[0]) is Target:
        return (_resolve(arg[0], index_of_offset, code, offset), *arg[1:])
    return arg


def _handlers(code: CodeType, offsets: list[int], index_of_offset: dict[int, int]) -> tuple[HandlerEntry, ...]:
    """The exception table (Objects/exception_handling_notes.txt), in indexes."""
    found = []
    for start, end, target, depth, lasti in exception_table(code):
        if target not in index_of_offset:
            raise DecodeError(f"{_where(code, start)}: its handler is at byte {target}, where no instruction begins")
        found.append(
            HandlerEntry(bisect_left(offsets, start), bisect_left(offsets, end), index_of_offset[target], depth, lasti)
        )
    return tuple(found)


def exception_table(code: CodeType) -> list[tuple[int, int, int, int, bool]]:
    """Start, end, target (in bytes), depth and lasti of each entry of a code object's exception table.

    Raises:
        DecodeError: the table ends in the middle of an entry.
    """
    data = iter(code.co_exceptiontable)

    def number(first: int) -> int:
        value = first & 63
        while first & 64:
            first = next(data)
            value = value << 6 | first & 63
        return value

    entries = []
    try:
        for byte in data:
            start = number(byte) * 2
            length, target, depth = number(next(data)) * 2, number(next(data)) * 2, number(next(data))
            entries.append((start, start + length, target, depth >> 1, bool(depth & 1)))
    except StopIteration:
        raise DecodeError(f"{_where(code, 0)}: the exception table ends in the middle of an entry") from None
    return entries


def _where(code: CodeType, offset: int) -> str:
    """The user's file, line and function, and the byte of an instruction."""
    here = next((entry[0] for at, entry in enumerate(code.co_positions()) if at == offset // 2), None)
    return f"{code.co_filename}:{here or code.co_firstlineno}, {code.co_qualname}, byte {offset}"
