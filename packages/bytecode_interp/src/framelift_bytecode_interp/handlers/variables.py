"""Locals, cells, globals, names of class bodies, imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import NULL, UNBOUND, Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome, Raise

V = TypeVar("V")


def _unbound(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    name = frame.code.slot_names[instruction.arg]
    message = f"cannot access local variable '{name}' where it is not associated with a value"
    return Raise(domain.new_exception(UnboundLocalError, message))


def load_fast(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push what a slot holds (for LOAD_CLOSURE, a cell)."""
    value = frame.locals[instruction.arg]
    if value is UNBOUND:
        return _unbound(frame, instruction, domain)
    frame.stack.append(value)
    return NEXT


def load_fast_and_clear(frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Push what a slot holds, NULL where it is unbound, and unbind it (around an inlined comprehension)."""
    value = frame.locals[instruction.arg]
    frame.stack.append(NULL if value is UNBOUND else value)
    frame.locals[instruction.arg] = UNBOUND
    return NEXT


def store_fast(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Bind a local; NULL (from LOAD_FAST_AND_CLEAR) unbinds it."""
    slot = instruction.arg
    value = frame.stack[-1]
    if value is NULL:
        frame.locals[slot] = UNBOUND
    else:
        frame.locals[slot] = domain.store_local(frame, frame.code.slot_names[slot], value)
    frame.stack.pop()
    return NEXT


def store_closure(frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Put an entry back raw into the slot of a cell."""
    value = frame.stack.pop()
    frame.locals[instruction.arg] = UNBOUND if value is NULL else value
    return NEXT


def delete_fast(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Unbind a local."""
    if frame.locals[instruction.arg] is UNBOUND:
        return _unbound(frame, instruction, domain)
    frame.locals[instruction.arg] = UNBOUND
    return NEXT


def make_cell(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Put what a slot holds into a new cell there."""
    frame.locals[instruction.arg] = domain.make_cell(frame.locals[instruction.arg])
    return NEXT


def copy_free_vars(frame: Frame[V], instruction: Instruction, _domain: Domain[V]) -> Outcome[V]:
    """Copy the function's closure into the last slots."""
    frame.locals[len(frame.locals) - instruction.arg :] = frame.closure
    return NEXT


def load_deref(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push the content of a cell."""
    slot = instruction.arg
    result = domain.load_cell(frame, frame.locals[slot], frame.code.slot_names[slot])
    return deliver(frame, instruction.completion, result, domain)


def store_deref(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Set the content of a cell."""
    result = domain.store_cell(frame, frame.locals[instruction.arg], frame.stack[-1])
    return deliver(frame, instruction.completion, result, domain)


def delete_deref(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Empty a cell."""
    slot = instruction.arg
    result = domain.delete_cell(frame, frame.locals[slot], frame.code.slot_names[slot])
    return deliver(frame, instruction.completion, result, domain)


def load_global(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push a global or builtin."""
    return deliver(frame, instruction.completion, domain.load_global(frame, instruction.arg), domain)


def store_global(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Bind a global."""
    result = domain.store_global(frame, instruction.arg, frame.stack[-1])
    return deliver(frame, instruction.completion, result, domain)


def delete_global(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Unbind a global."""
    return deliver(frame, instruction.completion, domain.delete_global(frame, instruction.arg), domain)


def load_name(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push a name of a class body or module."""
    return deliver(frame, instruction.completion, domain.load_name(frame, instruction.arg), domain)


def store_name(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Bind a name of a class body or module."""
    result = domain.store_name(frame, instruction.arg, frame.stack[-1])
    return deliver(frame, instruction.completion, result, domain)


def delete_name(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Unbind a name of a class body or module."""
    return deliver(frame, instruction.completion, domain.delete_name(frame, instruction.arg), domain)


def load_locals(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Push the mapping of a class body's names."""
    return deliver(frame, instruction.completion, domain.load_namespace(frame), domain)


def load_from_dict_or_deref(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Replace a mapping by a name's value there, else by a cell's content."""
    slot = instruction.arg
    name = frame.code.slot_names[slot]
    result = domain.load_class_variable(frame, frame.stack[-1], frame.locals[slot], name)
    return deliver(frame, instruction.completion, result, domain)


def load_from_dict_or_globals(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Replace a mapping by a name's value there, else by the global or builtin."""
    result = domain.load_class_variable(frame, frame.stack[-1], None, instruction.arg)
    return deliver(frame, instruction.completion, result, domain)


def setup_annotations(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """Make `__annotations__` in a class body or module."""
    result = domain.intrinsic(frame, "SETUP_ANNOTATIONS", ())
    return deliver(frame, instruction.completion, result, domain)


def import_name(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[level, fromlist] -> [module]`."""
    level, fromlist = frame.stack[-2:]
    result = domain.import_name(frame, instruction.arg, fromlist, level)
    return deliver(frame, instruction.completion, result, domain)


def import_from(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[module] -> [module, attribute]`."""
    result = domain.import_from(frame, frame.stack[-1], instruction.arg)
    return deliver(frame, instruction.completion, result, domain)


def import_star(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[module] -> []`, its names bound."""
    return deliver(frame, instruction.completion, domain.import_star(frame, frame.stack[-1]), domain)


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "COPY_FREE_VARS": copy_free_vars,
    "DELETE_DEREF": delete_deref,
    "DELETE_FAST": delete_fast,
    "DELETE_GLOBAL": delete_global,
    "DELETE_NAME": delete_name,
    "IMPORT_FROM": import_from,
    "IMPORT_NAME": import_name,
    "IMPORT_STAR": import_star,
    "LOAD_CLOSURE": load_fast,
    "LOAD_DEREF": load_deref,
    "LOAD_FAST": load_fast,
    "LOAD_FAST_AND_CLEAR": load_fast_and_clear,
    "LOAD_FROM_DICT_OR_DEREF": load_from_dict_or_deref,
    "LOAD_FROM_DICT_OR_GLOBALS": load_from_dict_or_globals,
    "LOAD_GLOBAL": load_global,
    "LOAD_LOCALS": load_locals,
    "LOAD_NAME": load_name,
    "MAKE_CELL": make_cell,
    "SETUP_ANNOTATIONS": setup_annotations,
    "STORE_CLOSURE": store_closure,
    "STORE_DEREF": store_deref,
    "STORE_FAST": store_fast,
    "STORE_GLOBAL": store_global,
    "STORE_NAME": store_name,
}
