"""Handlers for several instructions at once: loads and the pure operation that takes what they load.

A fusion either does all of its instructions or leaves the frame unchanged and does the first one as it would be done by
itself, so a frame never stops inside of one, and what raises does so at its own instruction. That is possible because
nothing in it has an effect before its end: the operations are those that `shortcuts` does on exact builtin types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..domain import Domain
from ..frame import NULL, UNBOUND, Frame
from ..handlers import Fusion, Handler
from ..instruction import Instruction
from ..operators import BINARY_OPERATORS, COMPARISONS
from ..outcome import Advance, Outcome
from .shortcuts import KEYED, SCALARS, failed
from .special_methods import attribute_is_plain


def _after(instructions: Sequence[Instruction]) -> Advance:
    """Going on after all of them."""
    return Advance(instructions[-1].index + 1, len(instructions))


def _get_item(container: Any, key: Any) -> Any:
    return container[key]


def _operation(instruction: Instruction) -> tuple[Callable[[Any, Any], Any], frozenset[object]]:
    """What an instruction does to two operands, and the types of the left one that it does so without Python code."""
    if instruction.opname == "BINARY_SUBSCR":
        return _get_item, KEYED
    table: Mapping[str, Callable[[Any, Any], Any]]
    table = COMPARISONS if instruction.opname == "COMPARE_OP" else BINARY_OPERATORS
    return table[instruction.arg], SCALARS


def operate_on_locals(instructions: Sequence[Instruction], first: Handler) -> Handler:
    """`[] -> [a op b]` of two local variables."""
    left_slot, right_slot = instructions[0].arg, instructions[1].arg
    operation, types = _operation(instructions[2])
    done = _after(instructions)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        slots = frame.locals
        left = slots[left_slot]
        right = slots[right_slot]
        if type(left) in types and type(right) in SCALARS:
            try:
                frame.stack.append(operation(left, right))
            except Exception:  # noqa: BLE001 - it is raised again where the instruction itself is done
                return first(frame, instruction, domain)
            return done
        return first(frame, instruction, domain)

    return step


def operate_on_constant(instructions: Sequence[Instruction], first: Handler) -> Handler | None:
    """`[] -> [a op constant]` of a local variable."""
    slot, right = instructions[0].arg, instructions[1].arg
    if type(right) not in SCALARS:
        return None
    operation, types = _operation(instructions[2])
    done = _after(instructions)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        left = frame.locals[slot]
        if type(left) in types:
            try:
                frame.stack.append(operation(left, right))
            except Exception:  # noqa: BLE001 - it is raised again where the instruction itself is done
                return first(frame, instruction, domain)
            return done
        return first(frame, instruction, domain)

    return step


def _branches(instructions: Sequence[Instruction]) -> tuple[Advance, Advance]:
    """What a test, which comes last, goes on with if true, and if false."""
    test = instructions[-1]
    jump = Advance(test.arg, len(instructions))
    return (_after(instructions), jump) if test.opname == "POP_JUMP_IF_FALSE" else (jump, _after(instructions))


def branch_on_locals(instructions: Sequence[Instruction], first: Handler) -> Handler:
    """`if a op b` of two local variables."""
    left_slot, right_slot = instructions[0].arg, instructions[1].arg
    operation = COMPARISONS[instructions[2].arg]
    if_true, if_false = _branches(instructions)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        slots = frame.locals
        left = slots[left_slot]
        right = slots[right_slot]
        if type(left) in SCALARS and type(right) in SCALARS:
            try:
                return if_true if operation(left, right) else if_false
            except Exception:  # noqa: BLE001 - it is raised again where the instruction itself is done
                return first(frame, instruction, domain)
        return first(frame, instruction, domain)

    return step


def branch_on_constant(instructions: Sequence[Instruction], first: Handler) -> Handler | None:
    """`if a op constant` of a local variable."""
    slot, right = instructions[0].arg, instructions[1].arg
    if type(right) not in SCALARS:
        return None
    operation = COMPARISONS[instructions[2].arg]
    if_true, if_false = _branches(instructions)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        left = frame.locals[slot]
        if type(left) in SCALARS:
            try:
                return if_true if operation(left, right) else if_false
            except Exception:  # noqa: BLE001 - it is raised again where the instruction itself is done
                return first(frame, instruction, domain)
        return first(frame, instruction, domain)

    return step


def load_attribute(instructions: Sequence[Instruction], first: Handler) -> Handler:
    """`[] -> [a.name]` of a local variable."""
    asking = instructions[1]
    slot, name = instructions[0].arg, asking.arg
    done = _after(instructions)
    plain: set[int] = set()

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        owner = frame.locals[slot]
        if id(type(owner)) not in plain:
            if owner is UNBOUND or not attribute_is_plain(owner, name):
                return first(frame, instruction, domain)
            plain.add(id(type(owner)))
        try:
            frame.stack.append(getattr(owner, name))
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            if attribute_is_plain(owner, name):  # no Python code has run: the instruction itself raises it again
                return first(frame, instruction, domain)
            plain.clear()  # the class has changed, and what it now runs is not to be run twice
            frame.stack.append(owner)
            frame.index = asking.index
            return failed(frame, asking, domain, error)
        return done

    return step


def load_two(instructions: Sequence[Instruction], first: Handler) -> Handler:
    """`[] -> [a, b]` of two local variables."""
    first_slot, second_slot = instructions[0].arg, instructions[1].arg
    done = _after(instructions)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        slots = frame.locals
        one = slots[first_slot]
        other = slots[second_slot]
        if one is UNBOUND or other is UNBOUND:
            return first(frame, instruction, domain)
        stack = frame.stack
        stack.append(one)
        stack.append(other)
        return done

    return step


def load_callee(instructions: Sequence[Instruction], first: Handler) -> Handler:
    """`[] -> [NULL, global]`, in the version's order."""
    null_first = instructions[0].opname == "PUSH_NULL"
    name = instructions[null_first].arg
    done = _after(instructions)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        scope = frame.globals
        if name not in scope:
            return first(frame, instruction, domain)
        stack = frame.stack
        if null_first:
            stack.append(NULL)
            stack.append(scope[name])
        else:
            stack.append(scope[name])
            stack.append(NULL)
        return done

    return step


_LOCALS: Final = ("LOAD_FAST", "LOAD_FAST")
_CONSTANT: Final = ("LOAD_FAST", "LOAD_CONST")
_BRANCHES: Final = ("POP_JUMP_IF_FALSE", "POP_JUMP_IF_TRUE")
_OPERATIONS: Final = ("BINARY_OP", "BINARY_SUBSCR", "COMPARE_OP")

FUSIONS: Final[tuple[tuple[tuple[str, ...], Fusion], ...]] = (
    *(((*_LOCALS, "COMPARE_OP", branch), branch_on_locals) for branch in _BRANCHES),
    *(((*_CONSTANT, "COMPARE_OP", branch), branch_on_constant) for branch in _BRANCHES),
    *(((*_LOCALS, operation), operate_on_locals) for operation in _OPERATIONS),
    *(((*_CONSTANT, operation), operate_on_constant) for operation in _OPERATIONS),
    (("LOAD_FAST", "LOAD_ATTR"), load_attribute),
    (_LOCALS, load_two),
    (("PUSH_NULL", "LOAD_GLOBAL"), load_callee),
    (("LOAD_GLOBAL", "PUSH_NULL"), load_callee),
)
"""The names of instructions that follow each other, and what makes their common handler; the longest come first."""
