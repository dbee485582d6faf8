"""Handlers for single instructions over real objects, which do at once what the general handlers ask the domain for.

Each stands in for named operations of `ConcreteDomain`, and is used only where a subclass leaves these as they are. It
does what can be neither interpreted nor broken at: operations on exact builtin types, calls of builtins, entering plain
functions. All else it leaves, with the frame unchanged, to the general handler, against which it is tested.

Which types run no Python code for an attribute is remembered by the type's identity: if the class changes, or another
takes its place in memory, the operation is still done as CPython does it, only not interpreted.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    NoneType,
)
from typing import Any, Final

from ..completion import deliver
from ..decoding import decode
from ..domain import Domain
from ..frame import NULL, UNBOUND, Frame
from ..handlers import Handler, Shortcut
from ..instruction import Code, Instruction
from ..operators import BINARY_OPERATORS, COMPARISONS, INPLACE_OPERATORS, UNARY_OPERATORS
from ..outcome import NEXT, Jump, Outcome, Raise, Unwind
from . import polyfills
from .attempt import foreign_part
from .calls import FRAME_FUNCTIONS, ON_VALUES, always
from .special_methods import BUILTIN_TYPES, attribute_is_plain, setting

_VIEWS: Final[tuple[Iterable[object], ...]] = ({}.keys(), {}.values(), {}.items())
_EMPTY: Final[tuple[Iterable[object], ...]] = (
    *("", "\xe9", b"", bytearray(), (), [], {}, set(), range(0), range(1 << 70)),
    *_VIEWS,
)

SCALARS: Final = frozenset((int, float, complex, bool, str, bytes, NoneType))
"""Types whose operators run no Python code, whatever their operands among themselves."""

SIZED: Final = SCALARS | {tuple, list, dict, set, frozenset, bytearray, range, FunctionType, ModuleType}
"""Types whose truth runs no Python code."""

ITERABLE: Final = frozenset((str, bytes, bytearray, tuple, list, dict, set, frozenset, range, *map(type, _VIEWS)))
"""Types whose `iter` runs no Python code."""

ITERATORS: Final = frozenset(
    (
        *map(type, map(iter, _EMPTY)),
        type(reversed([])),
        type(reversed({})),
        itertools.count,
    )
)
"""Types whose `next` runs no Python code."""

KEYED: Final = frozenset((list, tuple, str, bytes, dict, bytearray, range))
"""Types whose items are got, by a scalar or a slice, without Python code."""

SPECIAL_FUNCTIONS: Final = {**dict.fromkeys(FRAME_FUNCTIONS, False), **dict.fromkeys(ON_VALUES, True)}
"""Builtins that need their caller's frame, and those that ask their first argument (True), by identity."""

_new: Final = object.__new__

BUILTIN: Final = frozenset((BuiltinFunctionType, MethodDescriptorType, GetSetDescriptorType))
"""Types of callables that are C functions."""


def failed(frame: Frame[Any], instruction: Instruction, domain: Domain[Any], error: BaseException) -> Outcome[Any]:
    """What an instruction whose operation raised goes on with, as `attempt` has it."""
    if isinstance(error, Unwind):
        raise error
    error.__traceback__ = foreign_part(error.__traceback__)
    return deliver(frame, instruction.completion, Raise(error), domain)


def _load_fast(instruction: Instruction, general: Handler) -> Handler:
    slot = instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        value = frame.locals[slot]
        if value is UNBOUND:
            return general(frame, instruction, domain)
        frame.stack.append(value)
        return NEXT

    return step


def _load_const(instruction: Instruction, _general: Handler) -> Handler:
    value = instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        frame.stack.append(value)
        return NEXT

    return step


def _store_fast(instruction: Instruction, _general: Handler) -> Handler:
    slot = instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        value = frame.stack.pop()
        frame.locals[slot] = UNBOUND if value is NULL else value
        return NEXT

    return step


def _load_global(instruction: Instruction, general: Handler) -> Handler:
    name = instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        scope = frame.globals
        if name in scope:
            frame.stack.append(scope[name])
            return NEXT
        scope = frame.builtins
        if type(scope) is dict and name in scope:
            frame.stack.append(scope[name])
            return NEXT
        return general(frame, instruction, domain)

    return step


def _load_deref(instruction: Instruction, general: Handler) -> Handler:
    slot = instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        try:
            frame.stack.append(frame.locals[slot].cell_contents)
        except ValueError:
            return general(frame, instruction, domain)
        return NEXT

    return step


def _binary(operators: Mapping[str, Callable[[Any, Any], Any]]) -> Shortcut:
    def shortcut(instruction: Instruction, general: Handler) -> Handler:
        operation = operators[instruction.arg]

        def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
            stack = frame.stack
            left = stack[-2]
            right = stack[-1]
            if type(left) not in SCALARS or type(right) not in SCALARS:
                return general(frame, instruction, domain)
            try:
                stack[-2] = operation(left, right)
            except BaseException as error:  # noqa: BLE001 - the interpreted program's own
                return failed(frame, instruction, domain, error)
            stack.pop()
            return NEXT

        return step

    return shortcut


def _unary_op(instruction: Instruction, general: Handler) -> Handler:
    operation = UNARY_OPERATORS[instruction.arg]
    types = SIZED if instruction.arg == "not" else SCALARS

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        if type(stack[-1]) not in types:
            return general(frame, instruction, domain)
        try:
            stack[-1] = operation(stack[-1])
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        return NEXT

    return step


def _is_op(_instruction: Instruction, _general: Handler) -> Handler:
    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        right = stack.pop()
        stack[-1] = stack[-1] is right
        return NEXT

    return step


def _contains_op(_instruction: Instruction, general: Handler) -> Handler:
    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        container = stack[-1]
        kind = type(container)
        if type(stack[-2]) not in SCALARS or (kind is not dict and kind is not str and kind is not set):
            return general(frame, instruction, domain)
        try:
            stack[-2] = stack[-2] in container
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        stack.pop()
        return NEXT

    return step


def _binary_subscr(_instruction: Instruction, general: Handler) -> Handler:
    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        container = stack[-2]
        key = stack[-1]
        if type(container) not in KEYED or (type(key) not in SCALARS and type(key) is not slice):
            return general(frame, instruction, domain)
        try:
            stack[-2] = container[key]
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        stack.pop()
        return NEXT

    return step


def _store_subscr(_instruction: Instruction, general: Handler) -> Handler:
    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        container = stack[-2]
        key = stack[-1]
        kind = type(container)
        if (kind is not list and kind is not dict) or type(key) not in SCALARS:
            return general(frame, instruction, domain)
        try:
            container[key] = stack[-3]
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        del stack[-3:]
        return NEXT

    return step


def _load_attr(instruction: Instruction, general: Handler) -> Handler:
    name = instruction.arg
    plain: set[int] = set()

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        owner = stack[-1]
        if id(type(owner)) not in plain:
            if not attribute_is_plain(owner, name):
                return general(frame, instruction, domain)
            plain.add(id(type(owner)))
        try:
            stack[-1] = getattr(owner, name)
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        return NEXT

    return step


def _load_method(instruction: Instruction, general: Handler) -> Handler:
    name, null_first = instruction.arg
    plain: set[int] = set()

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        owner = stack[-1]
        if id(type(owner)) not in plain:
            if not attribute_is_plain(owner, name):
                return general(frame, instruction, domain)
            plain.add(id(type(owner)))
        try:
            found = getattr(owner, name)
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        if null_first:
            stack[-1] = NULL
            stack.append(found)
        else:
            stack[-1] = found
            stack.append(NULL)
        return NEXT

    return step


def _store_attr(instruction: Instruction, general: Handler) -> Handler:
    name = instruction.arg
    plain: set[int] = set()

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        owner = stack[-1]
        if id(type(owner)) not in plain:
            if setting(owner, name) is not None:
                return general(frame, instruction, domain)
            plain.add(id(type(owner)))
        try:
            setattr(owner, name, stack[-2])
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        del stack[-2:]
        return NEXT

    return step


def _conditional(jumps: bool) -> Shortcut:
    def shortcut(instruction: Instruction, general: Handler) -> Handler:
        jump = Jump(instruction.arg)
        if_true, if_false = (jump, NEXT) if jumps else (NEXT, jump)

        def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
            stack = frame.stack
            value = stack[-1]
            if type(value) not in SIZED:
                return general(frame, instruction, domain)
            stack.pop()
            return if_true if value else if_false

        return step

    return shortcut


def _none_test(jumps: bool) -> Shortcut:
    def shortcut(instruction: Instruction, _general: Handler) -> Handler:
        jump = Jump(instruction.arg)
        if_none, otherwise = (jump, NEXT) if jumps else (NEXT, jump)

        def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
            return if_none if frame.stack.pop() is None else otherwise

        return step

    return shortcut


def _to_bool(_instruction: Instruction, general: Handler) -> Handler:
    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        value = stack[-1]
        if type(value) not in SIZED:
            return general(frame, instruction, domain)
        stack[-1] = bool(value)
        return NEXT

    return step


def _jump(instruction: Instruction, _general: Handler) -> Handler:
    made = Jump(instruction.arg)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        return made

    return step


def _get_iter(_instruction: Instruction, general: Handler) -> Handler:
    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        if type(stack[-1]) not in ITERABLE:
            return general(frame, instruction, domain)
        stack[-1] = iter(stack[-1])
        return NEXT

    return step


def _for_iter(instruction: Instruction, general: Handler) -> Handler:
    exhausted = Jump(instruction.arg)

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        iterator = stack[-1]
        if type(iterator) not in ITERATORS:
            return general(frame, instruction, domain)
        try:
            stack.append(next(iterator))
        except StopIteration:
            stack.pop()
            return exhausted
        except BaseException as error:  # noqa: BLE001 - the interpreted program's own
            return failed(frame, instruction, domain, error)
        return NEXT

    return step


def _unpack_sequence(instruction: Instruction, general: Handler) -> Handler:
    count = instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        value = stack[-1]
        if (type(value) is not tuple and type(value) is not list) or len(value) != count:
            return general(frame, instruction, domain)
        stack[-1:] = value[::-1]
        return NEXT

    return step


def _display(make: Callable[[list[Any]], Any]) -> Shortcut:
    def shortcut(instruction: Instruction, _general: Handler) -> Handler:
        count = instruction.arg

        def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
            stack = frame.stack
            first = len(stack) - count
            stack[first:] = (make(stack[first:]),)
            return NEXT

        return step

    return shortcut


def _list_append(instruction: Instruction, _general: Handler) -> Handler:
    depth = -instruction.arg

    def step(frame: Frame[Any], instruction: Instruction, domain: Domain[Any]) -> Outcome[Any]:
        stack = frame.stack
        item = stack.pop()
        stack[depth].append(item)
        return NEXT

    return step


def entering(instruction: Instruction, general: Handler) -> Callable[[Frame[Any], Any, Any, list[Any]], Any]:
    """For one call in a program, what makes the frame of a plain function that is called with positional arguments.

    What is not entered so, the general handler does. The caller is set to wait for the callee.
    """
    completion = instruction.completion
    known: Code | None = None  # that of the last callee

    def enter(caller: Frame[Any], domain: Any, callee: Any, args: list[Any]) -> Any:
        kind = type(callee)
        if kind is MethodType:
            args.insert(0, callee.__self__)
            callee = callee.__func__
            kind = type(callee)
        if kind is not FunctionType:
            return general(caller, instruction, domain)
        enters = domain.enters
        if enters is not always and not enters(callee):
            return general(caller, instruction, domain)
        nonlocal known
        code = known
        if code is None or code.raw is not callee.__code__:
            if callee is polyfills.run_class_body:
                return general(caller, instruction, domain)
            code = known = decode(callee.__code__)
        missing = code.positional - len(args)
        if missing:
            defaults = callee.__defaults__
            if missing < 0 or defaults is None or missing > len(defaults):
                return general(caller, instruction, domain)
            args += defaults[len(defaults) - missing :]
        if code.unbound:
            args += code.unbound
        entered = _new(Frame)
        entered.code = code
        entered.globals = callee.__globals__
        entered.builtins = callee.__builtins__
        entered.locals = args
        entered.stack = []
        entered.index = 0
        entered.function = callee
        entered.closure = callee.__closure__ or ()
        entered.completion = entered.generator = None
        entered.back = caller
        caller.completion = completion
        return entered

    return enter


def _call(instruction: Instruction, general: Handler) -> Handler:
    layout = instruction.arg
    if layout.names or layout.names_on_stack:
        return general
    pops = layout.count + 2
    # Of the two entries below the arguments, one is the callee; the other is `self`, an argument more, or NULL.
    null_first = layout.null_first
    arguments, with_self = pops - 2, pops - 1
    enter = entering(instruction, general)

    def step(frame: Frame[Any], instruction: Instruction, domain: Any) -> Outcome[Any]:
        stack = frame.stack
        callee = stack[-pops]
        if null_first:
            if callee is NULL:
                callee = stack[-with_self]
                args = stack[-arguments:] if arguments else []
            else:
                args = stack[-with_self:]
        elif stack[-with_self] is NULL:
            args = stack[-arguments:] if arguments else []
        else:
            args = stack[-with_self:]
        kind = type(callee)
        if kind in BUILTIN:
            special = SPECIAL_FUNCTIONS.get(id(callee))
            if special is not None and not (special and args and type(args[0]) in BUILTIN_TYPES):
                return general(frame, instruction, domain)
            try:
                value = callee(*args)
            except BaseException as error:  # noqa: BLE001 - the interpreted program's own
                return failed(frame, instruction, domain, error)
            del stack[1 - pops :]
            stack[-1] = value
            return NEXT
        return enter(frame, domain, callee, args)  # type: ignore[no-any-return]

    return step


@dataclass(frozen=True, slots=True)
class Substitute:
    """A shortcut and the operations of the domain that it stands in for."""

    shortcut: Shortcut
    operations: tuple[str, ...] = ()


SUBSTITUTES: Final[Mapping[str, Substitute]] = {
    "BINARY_OP": Substitute(_binary(BINARY_OPERATORS), ("binary",)),
    "BINARY_SUBSCR": Substitute(_binary_subscr, ("get_item",)),
    "BUILD_LIST": Substitute(_display(list), ("build_list",)),
    "BUILD_TUPLE": Substitute(_display(tuple), ("build_tuple",)),
    "CALL": Substitute(_call, ("call", "enter", "new_frame")),
    "COMPARE_OP": Substitute(_binary(COMPARISONS), ("compare",)),
    "CONTAINS_OP": Substitute(_contains_op, ("contains",)),
    "FOR_ITER": Substitute(_for_iter, ("next", "is_stop_iteration")),
    "GET_ITER": Substitute(_get_iter, ("get_iter",)),
    "INPLACE_OP": Substitute(_binary(INPLACE_OPERATORS), ("inplace",)),
    "IS_OP": Substitute(_is_op, ("identical",)),
    "JUMP": Substitute(_jump),
    "LIST_APPEND": Substitute(_list_append, ("list_append",)),
    "LOAD_ATTR": Substitute(_load_attr, ("get_attribute",)),
    "LOAD_CLOSURE": Substitute(_load_fast),
    "LOAD_CONST": Substitute(_load_const, ("constant",)),
    "LOAD_DEREF": Substitute(_load_deref, ("load_cell",)),
    "LOAD_FAST": Substitute(_load_fast),
    "LOAD_GLOBAL": Substitute(_load_global, ("load_global",)),
    "LOAD_METHOD": Substitute(_load_method, ("get_attribute",)),
    "POP_JUMP_IF_FALSE": Substitute(_conditional(jumps=False), ("truth",)),
    "POP_JUMP_IF_NONE": Substitute(_none_test(jumps=True), ("identical", "truth", "constant")),
    "POP_JUMP_IF_NOT_NONE": Substitute(_none_test(jumps=False), ("identical", "truth", "constant")),
    "PUSH_NULL": Substitute(lambda _instruction, general: general),
    "POP_JUMP_IF_TRUE": Substitute(_conditional(jumps=True), ("truth",)),
    "STORE_ATTR": Substitute(_store_attr, ("set_attribute",)),
    "STORE_FAST": Substitute(_store_fast, ("store_local",)),
    "STORE_SUBSCR": Substitute(_store_subscr, ("set_item",)),
    "TO_BOOL": Substitute(_to_bool, ("truth", "constant")),
    "UNARY_OP": Substitute(_unary_op, ("unary",)),
    "UNPACK_SEQUENCE": Substitute(_unpack_sequence, ("unpack",)),
}
"""The shortcuts, by canonical instruction."""


def usable_shortcuts(domain: type, original: type) -> dict[str, Shortcut]:
    """The shortcuts whose operations a subclass of `original` leaves as they are."""
    return {
        opname: substitute.shortcut
        for opname, substitute in SUBSTITUTES.items()
        if all(getattr(domain, name) is getattr(original, name) for name in substitute.operations)
    }
