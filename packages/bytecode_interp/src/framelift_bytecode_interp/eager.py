"""What an instruction does, as a call on real objects: how a breaking instruction is executed outside its frame."""

from __future__ import annotations

import builtins as real_builtins
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .concrete.attempt import is_iterable
from .concrete.calls import get_aiter, get_anext, get_awaitable
from .concrete.containers import extend_list, merge_keywords, update_dict
from .concrete.exceptions import catches, exception_to_raise
from .concrete.intrinsics import run_intrinsic
from .concrete.operators import CONVERT, special_method
from .concrete.patterns import class_attributes, is_mapping, is_sequence, mapping_values
from .handlers.calls import call_operands, unpacked_operands
from .instruction import Instruction
from .operators import BINARY_OPERATORS, COMPARISONS, INPLACE_OPERATORS, UNARY_OPERATORS

Resolved: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
Namespace: TypeAlias = Mapping[str, Any]
Resolver: TypeAlias = Callable[[Namespace, Namespace, Sequence[Any]], Resolved]


@dataclass(frozen=True, slots=True)
class EagerOperation:
    """An instruction as a call on real objects.

    Args:
        depths: where its operands are on the stack: 1 is the top. Operands may be NULL, as they are on the stack.
        resolve: from globals, builtins and operands, the callable and the arguments that do it. The callable of a
            CALL is the user's own, so that whoever calls it decides which frame the callee sees below it. Resolving
            may itself raise what the instruction raises.
        pops: how many entries the instruction's completion takes from the stack.
    """

    depths: tuple[int, ...]
    resolve: Resolver
    pops: int

    def operands(self, stack: Sequence[Any]) -> tuple[Any, ...]:
        """The operands, from the stack before the instruction."""
        return tuple(stack[-depth] for depth in self.depths)

    def perform(self, namespace: Namespace, builtins: Namespace, *operands: Any) -> Any:
        """Do it; what it gives goes to the instruction's completion."""
        function, args, kwargs = self.resolve(namespace, builtins, operands)
        return function(*args, **kwargs)


def eager_operation(instruction: Instruction) -> EagerOperation | None:
    """The call that does what an instruction does, or None where it needs its frame.

    Instructions without one (they read cells, make functions, yield, ...) are left to run natively in their frame.

    Args:
        instruction: of a decoded code object.

    Example:
        >>> from framelift_bytecode_interp import decode
        >>> def divide(a, b):
        ...     return a / b
        >>> instruction = decode(divide.__code__).instructions[3]
        >>> eager_operation(instruction).perform({}, {}, 6, 3)
        2.0
    """
    rule = _RULES.get(instruction.opname)
    if rule is None or instruction.completion is None:
        return None
    found = rule(instruction.arg)
    if found is None:
        return None
    depths, resolver = found
    return EagerOperation(depths, resolver, instruction.completion.pops)


_Rule: TypeAlias = Callable[[Any], "tuple[tuple[int, ...], Resolver] | None"]


def _all(count: int) -> tuple[int, ...]:
    return tuple(range(count, 0, -1))


def _calls(function: Callable[..., Any], *depths: int, extra: tuple[Any, ...] = ()) -> tuple[tuple[int, ...], Resolver]:
    """Call a known function on operands, in the order of their depths, and on further arguments."""

    def resolve(_globals: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        return function, (*operands, *extra), {}

    return depths, resolve


def _call(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(_globals: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        return call_operands(arg, list(operands))

    return _all(arg.pops), resolve


def _call_function_ex(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(_globals: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        callee, args, kwargs = unpacked_operands(arg, list(operands))
        if type(args) is tuple:
            return callee, args, kwargs or {}
        return apply, (callee, args, kwargs or {}), {}

    return _all(3 + arg[0]), resolve


def apply(callee: Any, args: Any, kwargs: Any) -> Any:
    """Call with what is unpacked here, so that CPython words the errors."""
    return callee(*args, **kwargs)


def _load_global(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(namespace: Namespace, builtins: Namespace, _operands: Sequence[Any]) -> Resolved:
        return load_global, (namespace, builtins, arg), {}

    return (), resolve


def load_global(namespace: Namespace, builtins: Namespace, name: str) -> Any:
    """A global or builtin.

    Raises:
        NameError: neither has the name.
    """
    for scope in (namespace, builtins):
        if name in scope:
            return scope[name]
    raise NameError(f"name '{name}' is not defined", name=name)


def _store_global(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(namespace: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        return operator.setitem, (namespace, arg, operands[0]), {}

    return (1,), resolve


def _import_name(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(namespace: Namespace, builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        level, fromlist = operands
        importer = builtins.get("__import__", real_builtins.__import__)
        return importer, (arg, namespace, None, fromlist, level), {}

    return (2, 1), resolve


def _load_super(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(_globals: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        callee, cls, self = operands
        return callee, () if arg and callee is not super else (cls, self), {}

    return (3, 2, 1), resolve


def _enter_context(arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(_globals: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        return special_method(operands[0], arg), (), {}

    return (1,), resolve


def _with_except_start(_arg: Any) -> tuple[tuple[int, ...], Resolver]:
    def resolve(_globals: Namespace, _builtins: Namespace, operands: Sequence[Any]) -> Resolved:
        leave, exception = operands
        return leave, (type(exception), exception, exception.__traceback__), {}

    return (4, 1), resolve


def _raise_varargs(arg: Any) -> tuple[tuple[int, ...], Resolver] | None:
    return _calls(exception_to_raise, *_all(arg)) if arg else None


def start_unpacking(value: Any, count: int) -> Any:
    """What UNPACK_SEQUENCE treats as it treats `value`: one item more than it takes shows that there are too many."""
    if type(value) in {tuple, list} or not is_iterable(value):
        return value
    return tuple(itertools.islice(value, count + 1))


def start_unpacking_rest(value: Any) -> Any:
    """What UNPACK_EX treats as it treats `value`."""
    if type(value) in {tuple, list} or not is_iterable(value):
        return value
    return tuple(value)


def build_map(*items: Any) -> dict[Any, Any]:
    """A dict from keys and values that alternate."""
    return dict(zip(items[::2], items[1::2], strict=True))


def build_string(*parts: str) -> str:
    """The parts of an f-string joined."""
    return "".join(parts)


def keyed(*operands: Any) -> dict[Any, Any]:
    """A dict from values and the tuple of their keys, which comes last."""
    return dict(zip(operands[-1], operands[:-1], strict=True))


def display_list(*items: Any) -> list[Any]:
    """A list display."""
    return list(items)


def display_set(*items: Any) -> set[Any]:
    """A set display."""
    return set(items)


def display_tuple(*items: Any) -> tuple[Any, ...]:
    """A tuple display."""
    return items


def send(receiver: Any, value: Any) -> Any:
    """What SEND does."""
    if value is None and not hasattr(receiver, "send"):
        return next(receiver)
    return receiver.send(value)


def set_attribute(owner: Any, value: Any, name: str) -> None:
    """`owner.name = value`."""
    setattr(owner, name, value)


def match_class(subject: Any, cls: Any, names: tuple[str, ...], count: int) -> tuple[Any, ...] | None:
    """The attributes that a class pattern matches, or None."""
    return class_attributes(subject, cls, count, names)


def run_intrinsic_on(*operands: Any) -> Any:
    """Run an intrinsic; its name comes last."""
    return run_intrinsic(operands[-1], *operands[:-1])


def _truth(_arg: Any) -> tuple[tuple[int, ...], Resolver]:
    return _calls(bool, 1)


_RULES: Final[Mapping[str, _Rule]] = {
    "BINARY_OP": lambda arg: _calls(BINARY_OPERATORS[arg], 2, 1),
    "BINARY_SUBSCR": lambda _arg: _calls(operator.getitem, 2, 1),
    "BUILD_CONST_KEY_MAP": lambda arg: _calls(keyed, *_all(len(arg) + 1)),
    "BUILD_LIST": lambda arg: _calls(display_list, *_all(arg)),
    "BUILD_MAP": lambda arg: _calls(build_map, *_all(2 * arg)),
    "BUILD_SET": lambda arg: _calls(display_set, *_all(arg)),
    "BUILD_SLICE": lambda arg: _calls(slice, *_all(arg)),
    "BUILD_STRING": lambda arg: _calls(build_string, *_all(arg)),
    "BUILD_TUPLE": lambda arg: _calls(display_tuple, *_all(arg)),
    "CALL": _call,
    "CALL_FUNCTION_EX": _call_function_ex,
    "CHECK_EXC_MATCH": lambda _arg: _calls(catches, 2, 1),
    "COMPARE_OP": lambda arg: _calls(COMPARISONS[arg], 2, 1),
    "CONTAINS_OP": lambda _arg: _calls(operator.contains, 1, 2),
    "CONVERT_VALUE": lambda arg: _calls(CONVERT[arg], 1),
    "DELETE_ATTR": lambda arg: _calls(delattr, 1, extra=(arg,)),
    "DELETE_SUBSCR": lambda _arg: _calls(operator.delitem, 2, 1),
    "DICT_MERGE": lambda arg: _calls(merge_keywords, 1 + arg[0], 1, arg[1]),
    "DICT_UPDATE": lambda arg: _calls(update_dict, 1 + arg, 1),
    "ENTER_CONTEXT": _enter_context,
    "FORMAT_SIMPLE": lambda _arg: _calls(format, 1),
    "FORMAT_WITH_SPEC": lambda _arg: _calls(format, 2, 1),
    "FOR_ITER": lambda _arg: _calls(next, 1),
    "GET_AITER": lambda _arg: _calls(get_aiter, 1),
    "GET_ANEXT": lambda _arg: _calls(get_anext, 1),
    "GET_AWAITABLE": lambda _arg: _calls(get_awaitable, 1),
    "GET_ITER": lambda _arg: _calls(iter, 1),
    "GET_LEN": lambda _arg: _calls(len, 1),
    "IMPORT_NAME": _import_name,
    "INPLACE_OP": lambda arg: _calls(INPLACE_OPERATORS[arg], 2, 1),
    "INTRINSIC": lambda arg: (
        _calls(run_intrinsic_on, *_all(arg[1]), extra=(arg[0],)) if arg[0] != "SETUP_ANNOTATIONS" else None
    ),
    "IS_OP": lambda _arg: _calls(operator.is_, 2, 1),
    "JUMP_IF_FALSE_OR_POP": _truth,
    "JUMP_IF_TRUE_OR_POP": _truth,
    "LIST_APPEND": lambda arg: _calls(list.append, 1 + arg, 1),
    "LIST_EXTEND": lambda arg: _calls(extend_list, 1 + arg, 1),
    "LIST_TO_TUPLE": lambda _arg: _calls(tuple, 1),
    "LOAD_ATTR": lambda arg: _calls(getattr, 1, extra=(arg,)),
    "LOAD_EXIT": lambda arg: _calls(special_method, 1, extra=(arg,)),
    "LOAD_GLOBAL": _load_global,
    "LOAD_METHOD": lambda arg: _calls(getattr, 1, extra=(arg[0],)),
    "LOAD_SUPER": _load_super,
    "MAP_ADD": lambda arg: _calls(dict.__setitem__, 2 + arg, 2, 1),
    "MATCH_CLASS": lambda arg: _calls(match_class, 3, 2, 1, extra=(arg,)),
    "MATCH_KEYS": lambda _arg: _calls(mapping_values, 2, 1),
    "MATCH_MAPPING": lambda _arg: _calls(is_mapping, 1),
    "MATCH_SEQUENCE": lambda _arg: _calls(is_sequence, 1),
    "POP_JUMP_IF_FALSE": _truth,
    "POP_JUMP_IF_TRUE": _truth,
    "RAISE_VARARGS": _raise_varargs,
    "SEND": lambda _arg: _calls(send, 2, 1),
    "SET_ADD": lambda arg: _calls(set.add, 1 + arg, 1),
    "SET_UPDATE": lambda arg: _calls(set.update, 1 + arg, 1),
    "STORE_ATTR": lambda arg: _calls(set_attribute, 1, 2, extra=(arg,)),
    "STORE_GLOBAL": _store_global,
    "STORE_SUBSCR": lambda _arg: _calls(operator.setitem, 2, 1, 3),
    "TO_BOOL": _truth,
    "UNARY_OP": lambda arg: _calls(UNARY_OPERATORS[arg], 1),
    "UNPACK_EX": lambda _arg: _calls(start_unpacking_rest, 1),
    "UNPACK_SEQUENCE": lambda arg: _calls(start_unpacking, 1, extra=(arg,)),
    "WITH_EXCEPT_START": _with_except_start,
}
"""What each instruction does; those that are missing need their frame."""
