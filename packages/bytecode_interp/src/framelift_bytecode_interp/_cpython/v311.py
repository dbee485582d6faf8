"""CPython 3.11: PRECALL and KW_NAMES before CALL, LOAD_METHOD, directed conditional jumps."""

from __future__ import annotations

from dis import _inline_cache_entries  # type: ignore[attr-defined]  # the one list of cache sizes that 3.11 has
from opcode import opname
from typing import Final

from .common import COMMON, call, call_function_ex, format_value, jump_backward, make_function, plain, renamed, slot
from .raw import COMPARISONS, Part, RawInstruction, Rule, Version


def _load_global(raw: RawInstruction) -> list[Part]:
    load: Part = ("LOAD_GLOBAL", raw.name_at(raw.arg >> 1))
    return [("PUSH_NULL", None), load] if raw.arg & 1 else [load]


def _load_method(raw: RawInstruction) -> list[Part]:
    return [("LOAD_METHOD", (raw.name_at(raw.arg), True))]


def _pop_jump(condition: str) -> dict[str, Rule]:
    name = f"POP_JUMP_IF_{condition}"
    return {
        f"POP_JUMP_FORWARD_IF_{condition}": lambda raw: [(name, raw.forward())],
        f"POP_JUMP_BACKWARD_IF_{condition}": lambda raw: [(name, raw.backward())],
    }


VERSION: Final = Version(
    python=(3, 11),
    prefixes=frozenset({"KW_NAMES", "PRECALL"}),
    null_first=True,
    caches={opname[op]: size for op, size in enumerate(_inline_cache_entries) if size},
    yields=(0, 0),
    rules={
        **COMMON,
        **_pop_jump("TRUE"),
        **_pop_jump("FALSE"),
        **_pop_jump("NONE"),
        **_pop_jump("NOT_NONE"),
        "ASYNC_GEN_WRAP": plain,
        "CALL": call,
        "CALL_FUNCTION_EX": call_function_ex(null_first=True),
        "COMPARE_OP": lambda raw: [("COMPARE_OP", COMPARISONS[raw.arg])],
        "DICT_MERGE": lambda raw: [("DICT_MERGE", (raw.arg, raw.arg + 3))],
        "FORMAT_VALUE": format_value,
        "FOR_ITER": lambda raw: [("FOR_ITER", raw.forward())],
        "IMPORT_STAR": plain,
        "JUMP_BACKWARD": jump_backward,
        "JUMP_IF_FALSE_OR_POP": lambda raw: [("JUMP_IF_FALSE_OR_POP", raw.forward())],
        "JUMP_IF_TRUE_OR_POP": lambda raw: [("JUMP_IF_TRUE_OR_POP", raw.forward())],
        "LIST_TO_TUPLE": plain,
        "LOAD_ATTR": lambda raw: [("LOAD_ATTR", raw.name_at(raw.arg))],
        "LOAD_CLASSDEREF": lambda raw: [("LOAD_LOCALS", None), ("LOAD_FROM_DICT_OR_DEREF", raw.arg)],
        "LOAD_CLOSURE": slot,
        "LOAD_GLOBAL": _load_global,
        "LOAD_METHOD": _load_method,
        "MAKE_FUNCTION": make_function,
        "PREP_RERAISE_STAR": renamed("PREP_RERAISE_STAR"),
        "PRINT_EXPR": lambda _raw: [("INTRINSIC", ("PRINT", 1)), ("POP_TOP", None)],
        "SEND": lambda raw: [("SEND", (raw.forward(), False))],
        "UNARY_POSITIVE": lambda _raw: [("UNARY_OP", "+")],
    },
)
