"""What a version file says, and what its rules are given; the same for each version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final, TypeAlias

Part: TypeAlias = tuple[str, Any]
"""A canonical name and its argument."""


@dataclass(frozen=True, slots=True)
class Target:
    """A jump's target as a raw byte offset, until `decode` replaces it by an index."""

    offset: int


@dataclass(frozen=True, slots=True)
class CallLayout:
    """How a CALL finds its operands on the stack.

    Args:
        count: how many arguments, positional and keyword ones together.
        names: the keywords of the last ones.
        null_first: `[NULL or method, callable or self]` (3.11, 3.12) or `[callable, self or NULL]` (3.13).
        names_on_stack: whether the tuple of names is on the stack too (3.13's CALL_KW).
    """

    count: int
    names: tuple[str, ...]
    null_first: bool
    names_on_stack: bool = False

    @property
    def pops(self) -> int:
        """How many entries of the stack it takes."""
        return self.count + 2 + self.names_on_stack

    def __repr__(self) -> str:
        return f"{self.count}" + (f" ({', '.join(self.names)}=)" if self.names else "")


@dataclass(slots=True)
class RawInstruction:
    """One instruction of CPython: its caches and EXTENDED_ARG prefixes are folded in.

    `previous` is the canonical part made just before it; `following(n)` is the name and argument of the n-th raw
    instruction after it, from 1 (an empty name after the last one).
    """

    name: str
    arg: int
    offset: int
    end: int
    code: CodeType
    slot_names: tuple[str, ...]
    cell_slots: frozenset[int]
    keywords: tuple[str, ...]
    previous: Part | None
    following: Callable[[int], tuple[str, int]]

    def forward(self, skip: int = 0) -> Target:
        """The target of a forward jump, `skip` bytes further on."""
        return Target(self.end + 2 * self.arg + skip)

    def backward(self) -> Target:
        """The target of a backward jump."""
        return Target(self.end - 2 * self.arg)

    def const(self) -> Any:
        """The constant that the argument selects."""
        return self.code.co_consts[self.arg]

    def name_at(self, index: int) -> str:
        """The name that `index` selects."""
        return self.code.co_names[index]

    def previous_const(self) -> Any:
        """The constant that the instruction just before pushed, as the compiler always arranges it.

        Raises:
            LookupError: the instruction before isn't LOAD_CONST.
        """
        if self.previous is None or self.previous[0] != "LOAD_CONST":
            raise LookupError("the instruction before it must be LOAD_CONST")
        return self.previous[1]


Rule: TypeAlias = Callable[[RawInstruction], list[Part]]


@dataclass(frozen=True)
class Version:
    """All that depends on one CPython version.

    Args:
        python: the version, such as (3, 12).
        rules: what each raw instruction becomes.
        prefixes: raw instructions that belong to the next one.
        suffixes: raw instructions that belong to the one before, so are no place to begin at.
        keyword_prefix: the one of them that names keywords, if there is one.
        null_first: whether the NULL (or `self`) of a call is pushed before the callable.
        caches: how many units of inline cache follow an instruction.
        yields: the arguments of YIELD_VALUE for `yield`, and for `yield from` and `await`.
    """

    python: tuple[int, int]
    rules: Mapping[str, Rule]
    prefixes: frozenset[str]
    null_first: bool
    caches: Mapping[str, int]
    yields: tuple[int, int]
    suffixes: frozenset[str] = frozenset()


NULL_BIT: Final = 1
BINARY: Final = ("+", "&", "//", "<<", "@", "*", "%", "|", "**", ">>", "-", "/", "^")
"""The operators of BINARY_OP by argument (Include/opcode.h, NB_ADD ...); in-place ones follow in the same order."""

COMPARISONS: Final = ("<", "<=", "==", "!=", ">", ">=")

INTRINSICS_1: Final = (
    "INVALID",
    "PRINT",
    "IMPORT_STAR",
    "STOPITERATION_ERROR",
    "ASYNC_GEN_WRAP",
    "UNARY_POSITIVE",
    "LIST_TO_TUPLE",
    "TYPEVAR",
    "PARAMSPEC",
    "TYPEVARTUPLE",
    "SUBSCRIPT_GENERIC",
    "TYPEALIAS",
)
"""CALL_INTRINSIC_1 by argument (Include/internal/pycore_intrinsics.h), the same in 3.12 and 3.13."""

INTRINSICS_2: Final = (
    "INVALID",
    "PREP_RERAISE_STAR",
    "TYPEVAR_WITH_BOUND",
    "TYPEVAR_WITH_CONSTRAINTS",
    "SET_FUNCTION_TYPE_PARAMS",
    "SET_TYPEPARAM_DEFAULT",
)
"""CALL_INTRINSIC_2 by argument; the last one is new in 3.13."""
