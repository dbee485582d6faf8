"""CPython 3.13: the NULL above the callable, CALL_KW, TO_BOOL, superinstructions, SET_FUNCTION_ATTRIBUTE."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from opcode import _inline_cache_entries  # type: ignore[attr-defined]  # the one list of cache sizes that 3.13 has
from typing import Final, cast

from . import common
from .common import COMMON, conditional, named, plain, slot
from .raw import COMPARISONS, CallLayout, Part, RawInstruction, Version


def _load_global(raw: RawInstruction) -> list[Part]:
    load: Part = ("LOAD_GLOBAL", raw.name_at(raw.arg >> 1))
    return [load, ("PUSH_NULL", None)] if raw.arg & 1 else [load]


def _compare_op(raw: RawInstruction) -> list[Part]:
    compare: Part = ("COMPARE_OP", COMPARISONS[raw.arg >> 5])
    return [compare, ("TO_BOOL", None)] if raw.arg & 16 else [compare]


def _call_kw(raw: RawInstruction) -> list[Part]:
    return [("CALL", CallLayout(raw.arg, tuple(raw.previous_const()), null_first=False, names_on_stack=True))]


def _make_function(raw: RawInstruction) -> list[Part]:
    """Take the attributes that follow at once, so that a function is made complete.

    The stack is the raw one again after the last SET_FUNCTION_ATTRIBUTE; nothing between can break or be resumed.
    """
    flags, ahead = 0, 1
    while raw.following(ahead)[0] == "SET_FUNCTION_ATTRIBUTE":
        flags |= raw.following(ahead)[1]
        ahead += 1
    return [("MAKE_FUNCTION", (flags, raw.previous_const()))]


def _set_function_attribute(raw: RawInstruction) -> list[Part]:
    if raw.previous is None or raw.previous[0] not in {"MAKE_FUNCTION", "NOP"}:
        raise LookupError("it must follow MAKE_FUNCTION")
    return [("NOP", None)]


def _two_loads(raw: RawInstruction) -> list[Part]:
    return [common.load_slot(raw, raw.arg >> 4), common.load_slot(raw, raw.arg & 15)]


def _store_load(raw: RawInstruction) -> list[Part]:
    return [common.store_slot(raw, raw.arg >> 4), common.load_slot(raw, raw.arg & 15)]


def _two_stores(raw: RawInstruction) -> list[Part]:
    return [common.store_slot(raw, raw.arg >> 4), common.store_slot(raw, raw.arg & 15)]


VERSION: Final = Version(
    python=(3, 13),
    prefixes=frozenset(),
    suffixes=frozenset({"SET_FUNCTION_ATTRIBUTE"}),
    null_first=False,
    caches=cast("Mapping[str, int]", _inline_cache_entries),
    yields=(0, 1),
    rules={
        **COMMON,
        **dict.fromkeys(
            ("POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE"), conditional
        ),
        "BINARY_SLICE": common.binary_slice,
        "CALL": lambda raw: [("CALL", CallLayout(raw.arg, (), null_first=False))],
        "CALL_FUNCTION_EX": common.call_function_ex(null_first=False),
        "CALL_INTRINSIC_1": common.call_intrinsic_1,
        "CALL_INTRINSIC_2": common.call_intrinsic_2,
        "CALL_KW": _call_kw,
        "CLEANUP_THROW": plain,
        "COMPARE_OP": _compare_op,
        "CONVERT_VALUE": lambda raw: [("CONVERT_VALUE", ("", "s", "r", "a")[raw.arg])],
        "DICT_MERGE": lambda raw: [("DICT_MERGE", (raw.arg, raw.arg + 4))],
        "END_FOR": lambda _raw: [("POP_TOP", None)],
        "END_SEND": plain,
        "FORMAT_SIMPLE": plain,
        "FORMAT_WITH_SPEC": plain,
        # Exhaustion pops the iterator and skips END_FOR and POP_TOP (Python/bytecodes.c).
        "FOR_ITER": lambda raw: [("FOR_ITER", raw.forward(skip=4))],
        "LOAD_ATTR": partial(common.load_attr_or_method, null_first=False),
        "LOAD_FAST_AND_CLEAR": slot,
        "LOAD_FAST_CHECK": common.load_fast,
        "LOAD_FAST_LOAD_FAST": _two_loads,
        "LOAD_FROM_DICT_OR_DEREF": slot,
        "LOAD_FROM_DICT_OR_GLOBALS": named,
        "LOAD_GLOBAL": _load_global,
        "LOAD_LOCALS": plain,
        "LOAD_SUPER_ATTR": partial(common.load_super_attr, null_first=False),
        "MAKE_FUNCTION": _make_function,
        "RETURN_CONST": common.return_const,
        "SEND": lambda raw: [("SEND", (raw.forward(), True))],
        "SET_FUNCTION_ATTRIBUTE": _set_function_attribute,
        "STORE_FAST_LOAD_FAST": _store_load,
        "STORE_FAST_STORE_FAST": _two_stores,
        "STORE_SLICE": common.store_slice,
        "TO_BOOL": plain,
    },
)
