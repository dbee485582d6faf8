"""Displays, comprehensions, unpacking and iteration over real containers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any

from ..outcome import Result, Value
from . import polyfills
from .attempt import is_iterable
from .operators import checked_iterator
from .special_methods import ABSENT, on_type


def call_text(callee: Any) -> str:
    """How CPython names a callee in errors about its arguments (Objects/object.c, _PyObject_FunctionStr)."""
    qualname = getattr(callee, "__qualname__", None)
    if qualname is None:
        return str(callee)
    module = getattr(callee, "__module__", None)
    return f"{module}.{qualname}()" if module is not None and module != "builtins" else f"{qualname}()"


def _unpacking(value: Any) -> Iterator[Any]:
    if not is_iterable(value):
        raise TypeError(f"cannot unpack non-iterable {type(value).__name__} object")
    return iter(value)


def unpack_exactly(value: Any, count: int) -> tuple[Any, ...]:
    """`count` items of an iterable.

    Raises:
        TypeError: it is not iterable.
        ValueError: it has more or fewer; both are worded as CPython words them (Python/ceval.c, unpack_iterable).
    """
    iterator = _unpacking(value)
    items = tuple(itertools.islice(iterator, count))
    if len(items) < count:
        raise ValueError(f"not enough values to unpack (expected {count}, got {len(items)})")
    for _ in iterator:
        raise ValueError(f"too many values to unpack (expected {count})")
    return items


def unpack_with_rest(value: Any, before: int, after: int) -> tuple[Any, ...]:
    """`before` items, a list, and `after` items of an iterable; errors are as for `unpack_exactly`."""
    iterator = _unpacking(value)
    first = tuple(itertools.islice(iterator, before))
    if len(first) < before:
        raise ValueError(f"not enough values to unpack (expected at least {before + after}, got {len(first)})")
    rest = list(iterator)
    if len(rest) < after:
        got = before + len(rest)
        raise ValueError(f"not enough values to unpack (expected at least {before + after}, got {got})")
    split = len(rest) - after
    return (*first, rest[:split], *rest[split:])


def extend_list(target: list[Any], items: Any) -> None:
    """`[*target, *items]` in place, with the display's own TypeError."""
    if not is_iterable(items):
        raise TypeError(f"Value after * must be an iterable, not {type(items).__name__}")
    target.extend(items)


def update_dict(target: dict[Any, Any], items: Any) -> None:
    """`{**target, **items}` in place, with the display's own TypeError."""
    if not hasattr(items, "keys"):
        raise TypeError(f"'{type(items).__name__}' object is not a mapping")
    if type(items) is dict:
        target.update(items)
        return
    for key in items.keys():  # noqa: SIM118 - a mapping is what has keys()
        target[key] = items[key]


def merge_keywords(target: dict[Any, Any], items: Any, callee: Any) -> None:
    """Add the keywords of a `**items` argument, with the call's own TypeErrors."""
    if not hasattr(items, "keys"):
        kind = type(items).__name__
        raise TypeError(f"{call_text(callee)} argument after ** must be a mapping, not {kind}")
    for key in items.keys():  # noqa: SIM118 - a mapping is what has keys()
        if key in target:
            if not isinstance(key, str):
                raise TypeError(f"{call_text(callee)} keywords must be strings")
            raise TypeError(f"{call_text(callee)} got multiple values for keyword argument '{key}'")
        target[key] = items[key]


class ConcreteContainers:
    """Implements `domain.Containers`: iterators in Python are entered, all else is done at once."""

    def perform(self, operation: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Result[Any]:
        """Do an operation on real objects."""
        raise NotImplementedError

    def enters_method(self, value: Any, name: str) -> FunctionType | None:
        """The special method of a value, where it is a Python function that is to be interpreted."""
        raise NotImplementedError

    def enter(self, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Result[Any]:
        """Enter a Python function."""
        raise NotImplementedError

    def iterates_in_python(self, value: Any) -> bool:
        """Whether iterating a value runs Python functions that are to be interpreted."""
        raise NotImplementedError

    def constant(self, value: Any) -> Any:
        return value

    def build_tuple(self, items: Sequence[Any]) -> Result[Any]:
        return Value(tuple(items))

    def build_list(self, items: Sequence[Any]) -> Result[Any]:
        return Value(list(items))

    def build_set(self, items: Sequence[Any]) -> Result[Any]:
        return self.perform(set, items)

    def build_map(self, keys: Sequence[Any], values: Sequence[Any]) -> Result[Any]:
        return self.perform(dict, zip(keys, values, strict=True))

    def build_slice(self, parts: Sequence[Any]) -> Result[Any]:
        return Value(slice(*parts))

    def build_string(self, parts: Sequence[Any]) -> Result[Any]:
        return Value("".join(parts))

    def list_append(self, target: Any, item: Any) -> Result[Any]:
        return self.perform(list.append, target, item)

    def set_add(self, target: Any, item: Any) -> Result[Any]:
        return self.perform(set.add, target, item)

    def map_add(self, target: Any, key: Any, value: Any) -> Result[Any]:
        return self.perform(dict.__setitem__, target, key, value)

    def list_extend(self, target: Any, items: Any) -> Result[Any]:
        if self.iterates_in_python(items):
            return self.enter(polyfills.extend, (target, target.append, items), {})
        return self.perform(extend_list, target, items)

    def list_to_tuple(self, value: Any) -> Result[Any]:
        return Value(tuple(value))

    def set_update(self, target: Any, items: Any) -> Result[Any]:
        if self.iterates_in_python(items):
            return self.enter(polyfills.extend, (target, target.add, items), {})
        return self.perform(set.update, target, items)

    def dict_update(self, target: Any, items: Any) -> Result[Any]:
        if self.enters_method(items, "keys") is not None:
            return self.enter(polyfills.update_by_keys, (target, items), {})
        return self.perform(update_dict, target, items)

    def dict_merge(self, target: Any, items: Any, callee: Any) -> Result[Any]:
        return self.perform(merge_keywords, target, items, callee)

    def get_iter(self, value: Any) -> Result[Any]:
        method = self.enters_method(value, "__iter__")
        if method is None:
            by_index = (
                on_type(type(value), "__iter__") is ABSENT and self.enters_method(value, "__getitem__") is not None
            )
            return self.enter(polyfills.by_index, (value,), {}) if by_index else self.perform(iter, value)
        return self.enter(polyfills.checked, (method, (value,), checked_iterator), {})

    def next(self, iterator: Any) -> Result[Any]:
        method = self.enters_method(iterator, "__next__")
        return self.perform(next, iterator) if method is None else self.enter(method, (iterator,), {})

    def unpack(self, value: Any, count: int) -> Result[Any]:
        if type(value) in {tuple, list} and len(value) == count:
            return Value(tuple(value))
        if self.iterates_in_python(value):
            return self.enter(polyfills.collect, (value, count), {})
        return self.perform(unpack_exactly, value, count)

    def unpack_ex(self, value: Any, before: int, after: int) -> Result[Any]:
        if self.iterates_in_python(value):
            return self.enter(polyfills.collect, (value, None), {})
        return self.perform(unpack_with_rest, value, before, after)
