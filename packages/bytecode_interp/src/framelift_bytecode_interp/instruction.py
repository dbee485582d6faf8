"""Code objects as data: canonical instructions and the exception table, the same for each supported CPython."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple, Protocol


class Pending(Protocol):
    """What waits for the result of an instruction; `completion.Completion` is the one implementation.

    It is a protocol so that code and frames need not know what completions do.
    """

    @property
    def pops(self) -> int: ...


class Positions(NamedTuple):
    """Where an instruction comes from in the user's file (PEP 657); columns are 0-based UTF-8 byte offsets."""

    line: int | None
    end_line: int | None
    column: int | None
    end_column: int | None


class HandlerEntry(NamedTuple):
    """One entry of the exception table (CPython's Objects/exception_handling_notes.txt), in canonical indexes.

    An exception raised by an instruction of `start <= index < end` truncates the stack to `depth`, pushes the
    instruction's position when `lasti` is set, pushes the exception, and continues at `target`.
    """

    start: int
    end: int
    target: int
    depth: int
    lasti: bool


@dataclass(slots=True, eq=False)
class Instruction:
    """One canonical instruction. Never changed after decoding (not frozen, because that triples its cost).

    Args:
        index: its place in `Code.instructions`.
        opname: the canonical name; the set is `opcodes.CANONICAL`.
        arg: the decoded argument: a name, a slot, a constant, an index to jump to, ... (see `opcodes`).
        offset: the byte offset of the raw instruction that it belongs to, as `dis` gives it.
        part: which of the canonical instructions made from that raw instruction it is, from 0; not 0 either where the
            raw instruction completes the one before it.
        start: the byte offset to jump to in order to run it natively (before its EXTENDED_ARG or KW_NAMES).
        end: the byte offset after it and its inline caches.
        positions: the user's line and columns.
        completion: what is done with its result, for instructions that have one.
    """

    index: int
    opname: str
    arg: Any
    offset: int
    part: int
    start: int
    end: int
    positions: Positions
    completion: Pending | None = None

    @property
    def line(self) -> int | None:
        """The user's line, if the compiler recorded one."""
        return self.positions.line

    def __str__(self) -> str:
        return self.opname if self.arg is None else f"{self.opname} {self.arg!r}"


@dataclass(slots=True, eq=False, weakref_slot=True)
class Code:
    """A decoded code object; made by `decode`, never changed.

    Args:
        raw: the CPython code object.
        instructions: the canonical instructions.
        handlers: the exception table, innermost entry first where entries overlap.
        slot_names: the names of the frame's slots (locals, then cells, then free variables), by slot.
        cell_slots: the slots that hold cells.
        index_of_offset: the index of the instruction at a byte offset.
        positional: how many positional arguments a call has that binds with nothing else to do; -1 if none does.
        unbound: what the slots hold after these arguments.
    """

    raw: CodeType
    instructions: tuple[Instruction, ...]
    handlers: tuple[HandlerEntry, ...]
    slot_names: tuple[str, ...]
    cell_slots: frozenset[int]
    index_of_offset: Mapping[int, int] = field(repr=False)
    _handler_at: tuple[HandlerEntry | None, ...] = field(repr=False)
    positional: int = field(repr=False)
    unbound: tuple[Any, ...] = field(repr=False)

    def handler_at(self, index: int) -> HandlerEntry | None:
        """The entry that handles an exception raised by the instruction at `index`, or None."""
        return self._handler_at[index]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.raw.co_name

    @property
    def filename(self) -> str:
        """The user's file."""
        return self.raw.co_filename

    @property
    def first_free_slot(self) -> int:
        """The slot of the first free variable."""
        return len(self.slot_names) - len(self.raw.co_freevars)

    def slot_of(self, name: str) -> int:
        """The slot of the local, cell or free variable `name`.

        Raises:
            KeyError: the code has no such variable.
        """
        try:
            return self.slot_names.index(name)
        except ValueError:
            raise KeyError(
                f"{self.raw.co_qualname} has no variable {name!r}; it has {', '.join(self.slot_names) or 'none'}"
            ) from None

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)

    def __len__(self) -> int:
        return len(self.instructions)
