"""What a line of the user's does with a value, read off the instructions after the one that met it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from framelift_bytecode_interp import OPCODES, Code, Flow

_COMPARES: Final = "compares it"
_TESTS: Final = "tests it"
_USES: Final[Mapping[str, str]] = {
    "COMPARE_OP": _COMPARES,
    "IS_OP": _COMPARES,
    "CONTAINS_OP": _COMPARES,
    "TO_BOOL": _TESTS,
    "POP_JUMP_IF_FALSE": _TESTS,
    "POP_JUMP_IF_TRUE": _TESTS,
    "POP_JUMP_IF_NONE": _TESTS,
    "POP_JUMP_IF_NOT_NONE": _TESTS,
    "JUMP_IF_FALSE_OR_POP": _TESTS,
    "JUMP_IF_TRUE_OR_POP": _TESTS,
    "GET_ITER": "loops over it",
    "FOR_ITER": "loops over it",
}
"""What is said of an instruction that decides something by a value."""

_DERIVES: Final = frozenset({"CALL", "LOAD_ATTR", "LOAD_METHOD", "BINARY_SUBSCR", "BINARY_OP", "UNARY_OP"})
"""Instructions whose result is about their operand: `x.size(1) == 8` compares a size of `x`."""

_LONGEST: Final = 24


def use_of_value(code: Code, index: int) -> str | None:
    """Return what is done with the value that an instruction meets, or None where nothing is decided by it.

    Follows the value on the stack, and what is derived from it, in the straight line of instructions that comes after.

    Args:
        code: the code.
        index: of the instruction, which takes the value or puts it on the stack.

    >>> import dis
    >>> from framelift_bytecode_interp import decode
    >>> code = decode((lambda x: 1 if x.size(1) == 8 else 2).__code__)
    >>> calls = [one.index for one in code.instructions if one.opname == "CALL"]
    >>> use_of_value(code, calls[0])
    'compares it'
    """
    above = 0
    for position, instruction in enumerate(code.instructions[index : index + _LONGEST]):
        opcode = OPCODES[instruction.opname]
        takes, gives = opcode.takes(instruction.arg), opcode.gives(instruction.arg)
        if position == 0 or takes > above:
            use = _USES.get(instruction.opname)
            if use is _TESTS and _USES.get(code.instructions[index + position - 1].opname) is _COMPARES:
                return _COMPARES  # what is tested is the answer of a comparison
            if use is not None:
                return use
            if (position and instruction.opname not in _DERIVES) or not gives:
                return None
            above = 0
        elif instruction.opname in ("SWAP", "COPY") or opcode.flow is not Flow.NEXT:
            return None
        else:
            above += gives - takes
    return None
