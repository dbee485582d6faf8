"""Operators, attributes, items, formatting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from ..completion import deliver
from ..domain import Domain
from ..frame import Frame
from ..instruction import Instruction
from ..outcome import NEXT, Outcome, Value

V = TypeVar("V")


def unary_op(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [op a]`."""
    return deliver(frame, instruction.completion, domain.unary(instruction.arg, frame.stack[-1]), domain)


def binary_op(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, b] -> [a op b]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.binary(instruction.arg, stack[-2], stack[-1]), domain)


def inplace_op(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, b] -> [a op= b]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.inplace(instruction.arg, stack[-2], stack[-1]), domain)


def compare_op(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, b] -> [a op b]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.compare(instruction.arg, stack[-2], stack[-1]), domain)


def contains_op(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[item, container] -> [item in container]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.contains(stack[-2], stack[-1]), domain)


def is_op(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, b] -> [a is b]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.identical(stack[-2], stack[-1]), domain)


def to_bool(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [bool(a)]`."""
    result = domain.truth(frame.stack[-1])
    if type(result) is Value:
        frame.stack[-1] = domain.constant(result.value)
        return NEXT
    return deliver(frame, instruction.completion, result, domain)


def binary_subscr(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[container, key] -> [container[key]]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.get_item(stack[-2], stack[-1]), domain)


def store_subscr(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[value, container, key] -> []`: `container[key] = value`."""
    value, container, key = frame.stack[-3:]
    return deliver(frame, instruction.completion, domain.set_item(container, key, value), domain)


def delete_subscr(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[container, key] -> []`: `del container[key]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.delete_item(stack[-2], stack[-1]), domain)


def load_attr(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[owner] -> [owner.name]`."""
    return deliver(frame, instruction.completion, domain.get_attribute(frame.stack[-1], instruction.arg), domain)


def load_method(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[owner] -> [NULL, owner.name]`, in the version's order. CPython may push an unbound method and `self`."""
    result = domain.get_attribute(frame.stack[-1], instruction.arg[0])
    return deliver(frame, instruction.completion, result, domain)


def store_attr(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[value, owner] -> []`: `owner.name = value`."""
    stack = frame.stack
    result = domain.set_attribute(stack[-1], instruction.arg, stack[-2])
    return deliver(frame, instruction.completion, result, domain)


def delete_attr(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[owner] -> []`: `del owner.name`."""
    result = domain.delete_attribute(frame.stack[-1], instruction.arg)
    return deliver(frame, instruction.completion, result, domain)


def convert_value(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [str(a)]`, `repr` or `ascii`."""
    return deliver(frame, instruction.completion, domain.convert(frame.stack[-1], instruction.arg), domain)


def format_simple(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a] -> [format(a)]`."""
    return deliver(frame, instruction.completion, domain.format_value(frame.stack[-1], None), domain)


def format_with_spec(frame: Frame[V], instruction: Instruction, domain: Domain[V]) -> Outcome[V]:
    """`[a, spec] -> [format(a, spec)]`."""
    stack = frame.stack
    return deliver(frame, instruction.completion, domain.format_value(stack[-2], stack[-1]), domain)


HANDLERS: Final[Mapping[str, Callable[[Frame[Any], Instruction, Domain[Any]], Outcome[Any]]]] = {
    "BINARY_OP": binary_op,
    "BINARY_SUBSCR": binary_subscr,
    "COMPARE_OP": compare_op,
    "CONTAINS_OP": contains_op,
    "CONVERT_VALUE": convert_value,
    "DELETE_ATTR": delete_attr,
    "DELETE_SUBSCR": delete_subscr,
    "FORMAT_SIMPLE": format_simple,
    "FORMAT_WITH_SPEC": format_with_spec,
    "INPLACE_OP": inplace_op,
    "IS_OP": is_op,
    "LOAD_ATTR": load_attr,
    "LOAD_METHOD": load_method,
    "STORE_ATTR": store_attr,
    "STORE_SUBSCR": store_subscr,
    "TO_BOOL": to_bool,
    "UNARY_OP": unary_op,
}
