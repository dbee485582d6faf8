"""CPython 3.12: inlined comprehensions, intrinsics, LOAD_SUPER_ATTR, slices, END_FOR and END_SEND."""

from __future__ import annotations

from dis import _inline_cache_entries  # type: ignore[attr-defined]  # the one list of cache sizes that 3.12 has
from functools import partial
from opcode import opname
from typing import Final

from . import common
from .common import COMMON, conditional, named, plain, slot
from .raw import COMPARISONS, Part, RawInstruction, Version


def _load_global(raw: RawInstruction) -> list[Part]:
    load: Part = ("LOAD_GLOBAL", raw.name_at(raw.arg >> 1))
    return [("PUSH_NULL", None), load] if raw.arg & 1 else [load]


VERSION: Final = Version(
    python=(3, 12),
    prefixes=frozenset({"KW_NAMES"}),
    null_first=True,
    caches={opname[op]: size for op, size in enumerate(_inline_cache_entries) if size},
    yields=(2, 2),
    rules={
        **COMMON,
        **dict.fromkeys(
            ("POP_JUMP_IF_TRUE", "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NONE", "POP_JUMP_IF_NOT_NONE"), conditional
        ),
        "BINARY_SLICE": common.binary_slice,
        "CALL": common.call,
        "CALL_FUNCTION_EX": common.call_function_ex(null_first=True),
        "CALL_INTRINSIC_1": common.call_intrinsic_1,
        "CALL_INTRINSIC_2": common.call_intrinsic_2,
        "CLEANUP_THROW": plain,
        "COMPARE_OP": lambda raw: [("COMPARE_OP", COMPARISONS[raw.arg >> 4])],
        "DICT_MERGE": lambda raw: [("DICT_MERGE", (raw.arg, raw.arg + 3))],
        "END_FOR": lambda _raw: [("POP_TOP", None), ("POP_TOP", None)],
        "END_SEND": plain,
        "FORMAT_VALUE": common.format_value,
        # Exhaustion pops the iterator and skips END_FOR (Python/bytecodes.c), so END_FOR is never run.
        "FOR_ITER": lambda raw: [("FOR_ITER", raw.forward(skip=2))],
        "LOAD_ATTR": partial(common.load_attr_or_method, null_first=True),
        "LOAD_CLOSURE": slot,
        "LOAD_FAST_AND_CLEAR": slot,
        "LOAD_FAST_CHECK": common.load_fast,
        "LOAD_FROM_DICT_OR_DEREF": slot,
        "LOAD_FROM_DICT_OR_GLOBALS": named,
        "LOAD_GLOBAL": _load_global,
        "LOAD_LOCALS": plain,
        "LOAD_SUPER_ATTR": partial(common.load_super_attr, null_first=True),
        "MAKE_FUNCTION": common.make_function,
        "RETURN_CONST": common.return_const,
        "SEND": lambda raw: [("SEND", (raw.forward(), True))],
        "STORE_SLICE": common.store_slice,
    },
)
