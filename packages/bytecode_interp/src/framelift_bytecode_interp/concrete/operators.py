"""Operators, attributes, items and formatting of real objects, by the `operator` module and builtins."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final

from ..domain import missing_special_method
from ..operators import BINARY_OPERATORS, COMPARISONS, INPLACE_OPERATORS, UNARY_OPERATORS
from ..outcome import Enter, Raise, Result, Value
from . import polyfills
from .attempt import attempt, has_special_method
from .special_methods import (
    ABSENT,
    BUILTIN_TYPES,
    UNARY_NAMES,
    Attempts,
    binary_attempts,
    comparison_attempts,
    deleting,
    getting,
    inplace_attempts,
    is_class,
    on_type,
    setting,
)

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


def _refuse(op: str, left: Any, right: Any) -> Any:
    """Raise what CPython does when neither operand knows the operator."""
    symbol = "** or pow()" if op == "**" else op
    kinds = f"'{type(left).__name__}' and '{type(right).__name__}'"
    raise TypeError(f"unsupported operand type(s) for {symbol}: {kinds}")


def _compare_by_default(op: str, left: Any, right: Any) -> Any:
    """What a comparison gives when neither operand knows it (Objects/object.c, do_richcompare)."""
    if op == "==":
        return left is right
    if op == "!=":
        return left is not right
    kinds = f"'{type(left).__name__}' and '{type(right).__name__}'"
    raise TypeError(f"'{op}' not supported between instances of {kinds}")


def checked_length(result: Any) -> int:
    """What `len` gives for what `__len__` gave.

    Raises:
        TypeError: it is no integer.
        ValueError: it is negative.
        OverflowError: it is too large.
    """
    length = operator.index(result)
    if length < 0:
        raise ValueError("__len__() should return >= 0")
    return len(range(length))


def _checked_text(method: str, result: Any) -> str:
    if not isinstance(result, str):
        raise TypeError(f"{method} returned non-string (type {type(result).__name__})")
    return result


def checked_iterator(result: Any) -> Any:
    """What `iter` gives for what `__iter__` gave.

    Raises:
        TypeError: it is no iterator.
    """
    if on_type(type(result), "__next__") is ABSENT:
        raise TypeError(f"iter() returned non-iterator of type '{type(result).__name__}'")
    return result


def _checked_ascii(result: Any) -> str:
    text = _checked_text("__repr__", result)
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _checked_format(result: Any) -> str:
    if not isinstance(result, str):
        raise TypeError(f"__format__ must return a str, not {type(result).__name__}")
    return result


class ConcreteOperators:
    """Implements `domain.Operators`: what Python functions do is entered, all else is done at once."""

    def perform(self, operation: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Result[Any]:
        """Do an operation on real objects."""
        raise NotImplementedError

    def enters_method(self, value: Any, name: str) -> FunctionType | None:
        """The special method of a value, where it is a Python function that is to be interpreted."""
        raise NotImplementedError

    def enters_function(self, function: FunctionType) -> bool:
        """Whether a Python function is to be interpreted."""
        raise NotImplementedError

    def iterates_in_python(self, value: Any) -> bool:
        """Whether iterating a value runs Python functions that are to be interpreted."""
        raise NotImplementedError

    def enter(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Result[Any]:
        """Enter a Python function."""
        raise NotImplementedError

    def _first_answer(self, attempts: Attempts, otherwise: Callable[[], Any]) -> Result[Any] | None:
        """The entered methods of an operator; None where each is C's."""
        for method, _ in attempts:
            if type(method) is MethodType and self.enters_function(method.__func__):  # type: ignore[arg-type]
                return self.enter(polyfills.first_answer, (attempts, otherwise), {})
        return None

    def unary(self, op: str, operand: Any) -> Result[Any]:
        if op == "not":
            truth = self.truth(operand)
            if isinstance(truth, Enter):
                return self.enter(polyfills.negation, (operand,), {})
            return Value(not truth.value) if isinstance(truth, Value) else truth
        method = self.enters_method(operand, UNARY_NAMES[op])
        return self.perform(UNARY_OPERATORS[op], operand) if method is None else self.enter(method, (operand,), {})

    def binary(self, op: str, left: Any, right: Any) -> Result[Any]:
        if type(left) not in BUILTIN_TYPES or type(right) not in BUILTIN_TYPES:
            attempts = binary_attempts(op, left, right)
            entered = self._first_answer(attempts, partial(_refuse, op, left, right))
            if entered is not None:
                return entered
        return self.perform(BINARY_OPERATORS[op], left, right)

    def inplace(self, op: str, left: Any, right: Any) -> Result[Any]:
        if type(left) not in BUILTIN_TYPES or type(right) not in BUILTIN_TYPES:
            attempts = inplace_attempts(op, left, right)
            entered = self._first_answer(attempts, partial(_refuse, f"{op}=", left, right))
            if entered is not None:
                return entered
        return self.perform(INPLACE_OPERATORS[op], left, right)

    def compare(self, op: str, left: Any, right: Any) -> Result[Any]:
        if type(left) not in BUILTIN_TYPES or type(right) not in BUILTIN_TYPES:
            attempts = comparison_attempts(op, left, right)
            entered = self._first_answer(attempts, partial(_compare_by_default, op, left, right))
            if entered is not None:
                return entered
        return self.perform(COMPARISONS[op], left, right)

    def contains(self, item: Any, container: Any) -> Result[Any]:
        method = self.enters_method(container, "__contains__")
        if method is not None:
            return self.enter(polyfills.contains_by_method, (MethodType(method, container), item), {})
        if on_type(type(container), "__contains__") is ABSENT and self.iterates_in_python(container):
            return self.enter(polyfills.contains_by_iteration, (container, item), {})
        return self.perform(operator.contains, container, item)

    def identical(self, left: Any, right: Any) -> Result[Any]:
        return Value(left is right)

    def truth(self, value: Any) -> Result[Any]:
        if value is True or value is False:
            return Value(value)
        if type(value) not in BUILTIN_TYPES:
            method = self.enters_method(value, "__bool__")
            if method is not None:
                return self.enter(polyfills.truth_by_bool, (MethodType(method, value),), {})
            if on_type(type(value), "__bool__") is ABSENT:
                method = self.enters_method(value, "__len__")
                if method is not None:
                    return self.enter(polyfills.truth_by_length, (MethodType(method, value), checked_length), {})
        return self.perform(bool, value)

    def get_item(self, container: Any, key: Any) -> Result[Any]:
        method = self.enters_method(container, "__getitem__")
        if method is not None:
            return self.enter(method, (container, key), {})
        if is_class(container) and on_type(type(container), "__getitem__") is ABSENT:
            of_class = getattr(on_type(container, "__class_getitem__"), "__func__", None)
            if type(of_class) is FunctionType and self.enters_function(of_class):
                return self.enter(of_class, (container, key), {})
        return self.perform(operator.getitem, container, key)

    def set_item(self, container: Any, key: Any, value: Any) -> Result[Any]:
        method = self.enters_method(container, "__setitem__")
        if method is not None:
            return self.enter(method, (container, key, value), {})
        return self.perform(operator.setitem, container, key, value)

    def delete_item(self, container: Any, key: Any) -> Result[Any]:
        method = self.enters_method(container, "__delitem__")
        if method is not None:
            return self.enter(method, (container, key), {})
        return self.perform(operator.delitem, container, key)

    def get_attribute(self, owner: Any, name: str) -> Result[Any]:
        return self.perform(getattr, owner, name) if type(owner) in BUILTIN_TYPES else self.attribute(owner, name)

    def attribute(self, owner: Any, name: str, *, hooks: bool = True) -> Result[Any]:
        """`owner.name`; without hooks, `object.__getattribute__(owner, name)`."""
        first, last, args = getting(owner, name, hooks=hooks)
        if first is not None and not self.enters_function(first):
            first = None
            last = None
        if last is not None and not self.enters_function(last):
            last = None
            first = None
        if first is not None:
            if last is None:
                return self.enter(first, args, {})
            return self.enter(polyfills.attribute_or_fallback, (first, args, last, owner, name), {})
        if last is None:
            return self.perform(getattr, owner, name) if hooks else self.perform(object.__getattribute__, owner, name)
        found = attempt(type(owner).__getattribute__, owner, name)
        if isinstance(found, Raise) and isinstance(found.exception, AttributeError):
            return self.enter(last, (owner, name), {})
        return found

    def set_attribute(self, owner: Any, name: str, value: Any) -> Result[Any]:
        if type(owner) not in BUILTIN_TYPES:
            found = setting(owner, name)
            if found is not None and self.enters_function(found[0]):
                return self.enter(found[0], (*found[1], value), {})
        return self.perform(setattr, owner, name, value)

    def set_without_hooks(self, owner: Any, name: str, value: Any) -> Result[Any]:
        """`object.__setattr__(owner, name, value)`."""
        found = setting(owner, name, hooks=False)
        if found is not None and self.enters_function(found[0]):
            return self.enter(found[0], (*found[1], value), {})
        return self.perform(object.__setattr__, owner, name, value)

    def delete_attribute(self, owner: Any, name: str) -> Result[Any]:
        if type(owner) not in BUILTIN_TYPES:
            found = deleting(owner, name)
            if found is not None and self.enters_function(found[0]):
                return self.enter(*found, {})
        return self.perform(delattr, owner, name)

    def delete_without_hooks(self, owner: Any, name: str) -> Result[Any]:
        """`object.__delattr__(owner, name)`."""
        found = deleting(owner, name, hooks=False)
        if found is not None and self.enters_function(found[0]):
            return self.enter(*found, {})
        return self.perform(object.__delattr__, owner, name)

    def special_method(self, owner: Any, name: str) -> Result[Any]:
        return attempt(special_method, owner, name)

    def length(self, value: Any) -> Result[Any]:
        method = self.enters_method(value, "__len__")
        if method is None:
            return self.perform(len, value)
        return self.enter(polyfills.checked, (method, (value,), checked_length), {})

    def format_value(self, value: Any, spec: Any) -> Result[Any]:
        method = self.enters_method(value, "__format__")
        if method is not None:
            return self.enter(polyfills.checked, (method, (value, "" if spec is None else spec), _checked_format), {})
        if not spec and on_type(type(value), "__format__") is object.__format__:
            return self.convert(value, "s")
        return self.perform(format, value) if spec is None else self.perform(format, value, spec)

    def convert(self, value: Any, conversion: str) -> Result[Any]:
        name = "__str__" if conversion == "s" else "__repr__"
        if conversion == "s" and on_type(type(value), "__str__") is object.__str__:
            name = "__repr__"
        method = self.enters_method(value, name)
        if method is None:
            return self.perform(CONVERT[conversion], value)
        text = partial(_checked_text, name)
        return self.enter(polyfills.checked, (method, (value,), _checked_ascii if conversion == "a" else text), {})
