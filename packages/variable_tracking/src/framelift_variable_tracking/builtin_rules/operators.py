"""The functions of `operator`: one operation of the domain each."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..handler import Answer, FunctionRule, Tracking
from ..polyfills import operators as polyfills
from ..variable import Variable
from .arguments import Parameters, forwarded, polyfilled

_BINARY: Final = {
    "+": ("add", "iadd"),
    "-": ("sub", "isub"),
    "*": ("mul", "imul"),
    "/": ("truediv", "itruediv"),
    "//": ("floordiv", "ifloordiv"),
    "%": ("mod", "imod"),
    "**": ("pow", "ipow"),
    "@": ("matmul", "imatmul"),
    "&": ("and_", "iand"),
    "|": ("or_", "ior"),
    "^": ("xor", "ixor"),
    "<<": ("lshift", "ilshift"),
    ">>": ("rshift", "irshift"),
}
_COMPARE: Final = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", ">=": "ge"}
_UNARY: Final = {"-": "neg", "+": "pos", "~": "invert"}


def _binary(domain: Tracking, op: str, left: Variable, right: Variable) -> Answer:
    return domain.binary(op, left, right)


def _inplace(domain: Tracking, op: str, left: Variable, right: Variable) -> Answer:
    return domain.inplace(op, left, right)


def _compare(domain: Tracking, op: str, left: Variable, right: Variable) -> Answer:
    return domain.compare(op, left, right)


def _unary(domain: Tracking, op: str, operand: Variable) -> Answer:
    return domain.unary(op, operand)


def _get_item(domain: Tracking, container: Variable, key: Variable) -> Answer:
    return domain.get_item(container, key)


def _identical(domain: Tracking, left: Variable, right: Variable) -> Answer:
    return domain.identical(left, right)


def _rules() -> dict[Any, FunctionRule]:
    made: dict[Any, FunctionRule] = {}

    def add(name: str, operation: Callable[..., Answer], count: int, *before: object) -> None:
        function = getattr(operator, name)
        made[function] = forwarded(function, operation, count, *before)

    for op, (name, inplace) in _BINARY.items():
        add(name, _binary, 2, op)
        add(inplace, _inplace, 2, op)
    for op, name in _COMPARE.items():
        add(name, _compare, 2, op)
    for op, name in _UNARY.items():
        add(name, _unary, 1, op)
    add("getitem", _get_item, 2)
    add("is_", _identical, 2)
    polyfilled_ones: list[tuple[Callable[..., Any], Callable[..., Any], int]] = [
        (operator.not_, polyfills.not_, 1),
        (operator.truth, polyfills.truth, 1),
        (operator.is_not, polyfills.is_not, 2),
        (operator.contains, polyfills.contains, 2),
        (operator.setitem, polyfills.set_item, 3),
        (operator.delitem, polyfills.delete_item, 2),
        (operator.countOf, polyfills.count_of, 2),
        (operator.indexOf, polyfills.index_of, 2),
    ]
    for function, polyfill, count in polyfilled_ones:
        made[function] = polyfilled(function, polyfill, Parameters(count))
    return made


RULES: Final[Mapping[Any, FunctionRule]] = _rules()
"""The rules, by function."""
