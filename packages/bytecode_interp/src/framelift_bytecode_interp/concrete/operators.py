"""Operators, attributes, items and formatting of real objects, by the `operator` module and builtins."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..domain import missing_special_method
from ..operators import BINARY_OPERATORS, COMPARISONS, INPLACE_OPERATORS, UNARY_OPERATORS
from ..outcome import Result, Value
from .attempt import attempt, has_special_method

CONVERT: Final[Mapping[str, Callable[[Any], str]]] = {"s": str, "r": repr, "a": ascii}


def find_special_method(owner: Any, name: str) -> Any:
    """The bound special method of an object, looked up on its type as CPython's slots are.

    Raises:
        AttributeError: the type has none.
    """
    cls = type(owner)
    for base in cls.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            bind = getattr(type(found), "__get__", None)
            return found if bind is None else bind(found, owner, cls)
    raise AttributeError(f"{cls.__name__!r} object has no special method {name!r}")


def special_method(owner: Any, name: str) -> Any:
    """The bound special method that `with` and `async with` look up.

    Raises:
        TypeError: the type has none; worded as CPython does.
    """
    if not has_special_method(owner, name):
        has_enter = has_special_method(owner, name.replace("exit", "enter"))
        raise TypeError(missing_special_method(type(owner).__name__, name, has_enter=has_enter))
    return find_special_method(owner, name)


class ConcreteOperators:
    """Implements `domain.Operators`."""

    def unary(self, op: str, operand: Any) -> Result[Any]:
        return attempt(UNARY_OPERATORS[op], operand)

    def binary(self, op: str, left: Any, right: Any) -> Result[Any]:
        return attempt(BINARY_OPERATORS[op], left, right)

    def inplace(self, op: str, left: Any, right: Any) -> Result[Any]:
        return attempt(INPLACE_OPERATORS[op], left, right)

    def compare(self, op: str, left: Any, right: Any) -> Result[Any]:
        return attempt(COMPARISONS[op], left, right)

    def contains(self, item: Any, container: Any) -> Result[Any]:
        return attempt(operator.contains, container, item)

    def identical(self, left: Any, right: Any) -> Result[Any]:
        return Value(left is right)

    def truth(self, value: Any) -> Result[Any]:
        if value is True or value is False:
            return Value(value)
        return attempt(bool, value)

    def get_item(self, container: Any, key: Any) -> Result[Any]:
        return attempt(operator.getitem, container, key)

    def set_item(self, container: Any, key: Any, value: Any) -> Result[Any]:
        return attempt(operator.setitem, container, key, value)

    def delete_item(self, container: Any, key: Any) -> Result[Any]:
        return attempt(operator.delitem, container, key)

    def get_attribute(self, owner: Any, name: str) -> Result[Any]:
        return attempt(getattr, owner, name)

    def set_attribute(self, owner: Any, name: str, value: Any) -> Result[Any]:
        return attempt(setattr, owner, name, value)

    def delete_attribute(self, owner: Any, name: str) -> Result[Any]:
        return attempt(delattr, owner, name)

    def special_method(self, owner: Any, name: str) -> Result[Any]:
        return attempt(special_method, owner, name)

    def length(self, value: Any) -> Result[Any]:
        return attempt(len, value)

    def format_value(self, value: Any, spec: Any) -> Result[Any]:
        return attempt(format, value) if spec is None else attempt(format, value, spec)

    def convert(self, value: Any, conversion: str) -> Result[Any]:
        return attempt(CONVERT[conversion], value)
