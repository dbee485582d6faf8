"""Rules that several versions share; a version file picks from them and adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .raw import BINARY, INTRINSICS_1, INTRINSICS_2, CallLayout, Part, RawInstruction, Rule

_CLOSURE: Final = 8  # MAKE_FUNCTION_CLOSURE of Include/internal/pycore_opcode_utils.h; it is applied first of all


def plain(raw: RawInstruction) -> list[Part]:
    """An instruction without an argument."""
    return [(raw.name, None)]


def counted(raw: RawInstruction) -> list[Part]:
    """An instruction whose argument is a number."""
    return [(raw.name, raw.arg)]


def named(raw: RawInstruction) -> list[Part]:
    """An instruction whose argument is a name."""
    return [(raw.name, raw.name_at(raw.arg))]


def slot(raw: RawInstruction) -> list[Part]:
    """An instruction whose argument is a slot of the frame."""
    return [(raw.name, raw.arg)]


def load_fast(raw: RawInstruction) -> list[Part]:
    """LOAD_FAST; of a cell's slot (3.13 has no LOAD_CLOSURE) it gives the cell itself."""
    return [load_slot(raw, raw.arg)]


def load_slot(raw: RawInstruction, at: int) -> Part:
    """The part that pushes what slot `at` holds."""
    return ("LOAD_CLOSURE" if at in raw.cell_slots else "LOAD_FAST", at)


def store_fast(raw: RawInstruction) -> list[Part]:
    """STORE_FAST."""
    return [store_slot(raw, raw.arg)]


def store_slot(raw: RawInstruction, at: int) -> Part:
    """The part that stores into slot `at`; that of a cell is stored raw, as inlined comprehensions do."""
    return ("STORE_CLOSURE" if at in raw.cell_slots else "STORE_FAST", at)


def load_const(raw: RawInstruction) -> list[Part]:
    """LOAD_CONST."""
    return [("LOAD_CONST", raw.const())]


def return_const(raw: RawInstruction) -> list[Part]:
    """RETURN_CONST."""
    return [("LOAD_CONST", raw.const()), ("RETURN_VALUE", None)]


def binary_op(raw: RawInstruction) -> list[Part]:
    """BINARY_OP, in-place operators apart."""
    if raw.arg < len(BINARY):
        return [("BINARY_OP", BINARY[raw.arg])]
    return [("INPLACE_OP", BINARY[raw.arg - len(BINARY)])]


def is_op(raw: RawInstruction) -> list[Part]:
    """IS_OP."""
    return [("IS_OP", None), ("UNARY_OP", "not")] if raw.arg else [("IS_OP", None)]


def contains_op(raw: RawInstruction) -> list[Part]:
    """CONTAINS_OP."""
    return [("CONTAINS_OP", None), ("UNARY_OP", "not")] if raw.arg else [("CONTAINS_OP", None)]


def unary(operator: str) -> Rule:
    """A unary operator."""

    def rule(raw: RawInstruction) -> list[Part]:
        return [("UNARY_OP", operator)]

    return rule


def constant(value: object) -> Rule:
    """An instruction that pushes a known object."""

    def rule(raw: RawInstruction) -> list[Part]:
        return [("LOAD_CONST", value)]

    return rule


def renamed(name: str) -> Rule:
    """An instruction without an argument, under its canonical name."""

    def rule(raw: RawInstruction) -> list[Part]:
        return [(name, None)]

    return rule


def jump_forward(raw: RawInstruction) -> list[Part]:
    """JUMP_FORWARD."""
    return [("JUMP", raw.forward())]


def jump_backward(raw: RawInstruction) -> list[Part]:
    """JUMP_BACKWARD and JUMP_BACKWARD_NO_INTERRUPT."""
    return [("JUMP", raw.backward())]


def conditional(raw: RawInstruction) -> list[Part]:
    """A conditional forward jump."""
    return [(raw.name, raw.forward())]


def before_with(raw: RawInstruction) -> list[Part]:
    """BEFORE_WITH in two parts, as 3.14 has it: look `__exit__` up, then enter."""
    return [("LOAD_EXIT", "__exit__"), ("ENTER_CONTEXT", "__enter__")]


def before_async_with(raw: RawInstruction) -> list[Part]:
    """BEFORE_ASYNC_WITH in the same two parts."""
    return [("LOAD_EXIT", "__aexit__"), ("ENTER_CONTEXT", "__aenter__")]


def format_value(raw: RawInstruction) -> list[Part]:
    """FORMAT_VALUE of 3.11 and 3.12 (FVC_* and FVS_HAVE_SPEC of Include/ceval.h): conversion and format apart."""
    conversion = ("", "s", "r", "a")[raw.arg & 3]
    convert: list[Part] = [("CONVERT_VALUE", conversion)] if conversion else []
    if not raw.arg & 4:
        return [*convert, ("FORMAT_SIMPLE", None)]
    if convert:
        convert = [("SWAP", 2), *convert, ("SWAP", 2)]
    return [*convert, ("FORMAT_WITH_SPEC", None)]


def build_const_key_map(raw: RawInstruction) -> list[Part]:
    """BUILD_CONST_KEY_MAP with its keys, which the compiler pushes just before."""
    return [("BUILD_CONST_KEY_MAP", tuple(raw.previous_const()))]


def make_function(raw: RawInstruction) -> list[Part]:
    """MAKE_FUNCTION of 3.11 and 3.12, with the code object that the compiler pushes just before."""
    return [("MAKE_FUNCTION", (raw.arg, raw.previous_const()))]


def call(raw: RawInstruction) -> list[Part]:
    """CALL of 3.11 and 3.12."""
    return [("CALL", CallLayout(raw.arg, raw.keywords, null_first=True))]


def call_function_ex(*, null_first: bool) -> Rule:
    """CALL_FUNCTION_EX, with the place of its NULL."""

    def rule(raw: RawInstruction) -> list[Part]:
        return [("CALL_FUNCTION_EX", (bool(raw.arg & 1), null_first))]

    return rule


def build_tuple(raw: RawInstruction) -> list[Part]:
    """BUILD_TUPLE; the tuple of cells that becomes a closure is told apart by the MAKE_FUNCTION that takes it."""
    loads_code = raw.following(1)[0] == "LOAD_CONST" and raw.following(2)[0] == "MAKE_FUNCTION"
    closes = loads_code and (raw.following(2)[1] & _CLOSURE or raw.following(3) == ("SET_FUNCTION_ATTRIBUTE", _CLOSURE))
    return [("BUILD_CLOSURE" if closes else "BUILD_TUPLE", raw.arg)]


def resume(raw: RawInstruction) -> list[Part]:
    """RESUME."""
    return [("RESUME", raw.arg)]


def binary_slice(raw: RawInstruction) -> list[Part]:
    """BINARY_SLICE (3.12)."""
    return [("BUILD_SLICE", 2), ("BINARY_SUBSCR", None)]


def store_slice(raw: RawInstruction) -> list[Part]:
    """STORE_SLICE (3.12)."""
    return [("BUILD_SLICE", 2), ("STORE_SUBSCR", None)]


def call_intrinsic_1(raw: RawInstruction) -> list[Part]:
    """CALL_INTRINSIC_1 (3.12): those that 3.11 has instructions for become these."""
    name = INTRINSICS_1[raw.arg]
    if name == "IMPORT_STAR":
        return [("IMPORT_STAR", None), ("LOAD_CONST", None)]
    if name == "UNARY_POSITIVE":
        return [("UNARY_OP", "+")]
    if name in {"STOPITERATION_ERROR", "ASYNC_GEN_WRAP", "LIST_TO_TUPLE"}:
        return [(name, None)]
    return [("INTRINSIC", (name, 1))]


def call_intrinsic_2(raw: RawInstruction) -> list[Part]:
    """CALL_INTRINSIC_2 (3.12)."""
    name = INTRINSICS_2[raw.arg]
    return [("PREP_RERAISE_STAR", None)] if name == "PREP_RERAISE_STAR" else [("INTRINSIC", (name, 2))]


def load_attr_or_method(raw: RawInstruction, *, null_first: bool) -> list[Part]:
    """LOAD_ATTR of 3.12 and 3.13: its lowest bit asks for a method."""
    name = raw.name_at(raw.arg >> 1)
    return [("LOAD_METHOD", (name, null_first)) if raw.arg & 1 else ("LOAD_ATTR", name)]


def load_super_attr(raw: RawInstruction, *, null_first: bool) -> list[Part]:
    """LOAD_SUPER_ATTR: make the super object, then read its attribute. Bit 1 says that `super` had arguments."""
    name = raw.name_at(raw.arg >> 2)
    load: Part = ("LOAD_METHOD", (name, null_first)) if raw.arg & 1 else ("LOAD_ATTR", name)
    return [("LOAD_SUPER", not raw.arg & 2), load]


COMMON: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(
        (
            "BINARY_SUBSCR",
            "CHECK_EG_MATCH",
            "CHECK_EXC_MATCH",
            "DELETE_SUBSCR",
            "END_ASYNC_FOR",
            "GET_AITER",
            "GET_ANEXT",
            "GET_ITER",
            "GET_LEN",
            "GET_YIELD_FROM_ITER",
            "LOAD_BUILD_CLASS",
            "MATCH_KEYS",
            "MATCH_MAPPING",
            "MATCH_SEQUENCE",
            "NOP",
            "POP_EXCEPT",
            "POP_TOP",
            "PUSH_EXC_INFO",
            "PUSH_NULL",
            "RETURN_GENERATOR",
            "RETURN_VALUE",
            "SETUP_ANNOTATIONS",
            "STORE_SUBSCR",
            "WITH_EXCEPT_START",
        ),
        plain,
    ),
    **dict.fromkeys(
        (
            "BUILD_LIST",
            "BUILD_MAP",
            "BUILD_SET",
            "BUILD_SLICE",
            "BUILD_STRING",
            "COPY",
            "COPY_FREE_VARS",
            "DICT_UPDATE",
            "GET_AWAITABLE",
            "LIST_APPEND",
            "LIST_EXTEND",
            "MAP_ADD",
            "MATCH_CLASS",
            "RAISE_VARARGS",
            "RERAISE",
            "SET_ADD",
            "SET_UPDATE",
            "SWAP",
            "UNPACK_SEQUENCE",
        ),
        counted,
    ),
    **dict.fromkeys(
        (
            "DELETE_ATTR",
            "DELETE_GLOBAL",
            "DELETE_NAME",
            "IMPORT_FROM",
            "IMPORT_NAME",
            "LOAD_NAME",
            "STORE_ATTR",
            "STORE_GLOBAL",
            "STORE_NAME",
        ),
        named,
    ),
    **dict.fromkeys(("DELETE_DEREF", "DELETE_FAST", "LOAD_DEREF", "MAKE_CELL", "STORE_DEREF"), slot),
    "BEFORE_ASYNC_WITH": before_async_with,
    "BEFORE_WITH": before_with,
    "BINARY_OP": binary_op,
    "BUILD_TUPLE": build_tuple,
    "BUILD_CONST_KEY_MAP": build_const_key_map,
    "CONTAINS_OP": contains_op,
    "IS_OP": is_op,
    "JUMP_BACKWARD": jump_backward,
    "JUMP_BACKWARD_NO_INTERRUPT": jump_backward,
    "JUMP_FORWARD": jump_forward,
    "LOAD_ASSERTION_ERROR": constant(AssertionError),
    "LOAD_CONST": load_const,
    "LOAD_FAST": load_fast,
    "RESUME": resume,
    "STORE_FAST": store_fast,
    "UNARY_INVERT": unary("~"),
    "UNARY_NEGATIVE": unary("-"),
    "UNARY_NOT": unary("not"),
    "UNPACK_EX": lambda raw: [("UNPACK_EX", (raw.arg & 0xFF, raw.arg >> 8))],
    "YIELD_VALUE": plain,
}
"""Instructions that mean the same in 3.11, 3.12 and 3.13."""
