"""Displays, comprehensions, unpacking and iteration: handlers of the containers do the work."""

from __future__ import annotations

import types
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from framelift_bytecode_interp import Raise, Result, Value

from ..classes import name_of
from ..handler import Arguments
from ..polyfills import iterators, protocols
from ..variable import ConstantVariable, ObjectVariable, Variable
from .attributes import Attributes


class Containers(Attributes):
    """The operations of `framelift_bytecode_interp.domain.Containers`."""

    def build_tuple(self, items: Sequence[Variable]) -> Result[Variable]:
        return self.handler_for(tuple).build(self.tracking, items)

    def build_list(self, items: Sequence[Variable]) -> Result[Variable]:
        return self.handler_for(list).build(self.tracking, items)

    def build_set(self, items: Sequence[Variable]) -> Result[Variable]:
        return self.handler_for(set).build(self.tracking, items)

    def build_slice(self, parts: Sequence[Variable]) -> Result[Variable]:
        padded = [*parts, self.none] if len(parts) == 2 else parts
        return self.handler_for(slice).build(self.tracking, padded)

    def build_string(self, parts: Sequence[Variable]) -> Result[Variable]:
        return self.handler_for(str).build(self.tracking, parts)

    def build_map(self, keys: Sequence[Variable], values: Sequence[Variable]) -> Result[Variable]:
        alternating = [part for pair in zip(keys, values, strict=True) for part in pair]
        return self.handler_for(dict).build(self.tracking, alternating)

    def _method(self, target: Variable, name: str, args: Arguments) -> Result[Variable]:
        payload = self.payload_of(target)
        return self.handler_of(payload).call_method(self.tracking, payload, name, args, {})

    def list_append(self, target: Variable, item: Variable) -> Result[Variable]:
        return self._method(target, "append", (item,))

    def set_add(self, target: Variable, item: Variable) -> Result[Variable]:
        return self._method(target, "add", (item,))

    def map_add(self, target: Variable, key: Variable, value: Variable) -> Result[Variable]:
        return self.handler_of(target).set_item(self.tracking, target, key, value)

    def list_extend(self, target: Variable, items: Variable) -> Result[Variable]:
        if not isinstance(items, ObjectVariable) and not self.is_iterable(items):
            text = f"Value after * must be an iterable, not {name_of(items.python_type())}"
            return self.raise_error(TypeError, text)
        return self._method(target, "extend", (items,))

    def list_to_tuple(self, value: Variable) -> Result[Variable]:
        items = self.sequence(value)
        assert items is not None
        return self.build_tuple(items)

    def set_update(self, target: Variable, items: Variable) -> Result[Variable]:
        return self._method(target, "update", (items,))

    def dict_update(self, target: Variable, items: Variable) -> Result[Variable]:
        if self.find(items.python_type(), "keys") is None and not isinstance(items, ObjectVariable):
            return self.raise_error(TypeError, f"{name_of(items.python_type())!r} object is not a mapping")
        return self._method(target, "update", (items,))

    def dict_merge(self, target: Variable, items: Variable, callee: Variable) -> Result[Variable]:
        shown = self.callee_name(callee)
        entries = self.entries(items)
        if entries is None:
            refused = self.refuse_mapping(items, callee)
            return refused or self.polyfill(protocols.merged, target, items, self.constant(shown))
        present = {self.as_constant(key) for key, _ in self.handler_of(target).entries(self.tracking, target) or ()}
        for key, value in entries:
            name = self.as_constant(key)
            if not isinstance(name, str):
                return self.raise_error(TypeError, "keywords must be strings")
            if name in present:
                return self.raise_error(TypeError, f"{shown}() got multiple values for keyword argument {name!r}")
            stored = self.handler_of(target).set_item(self.tracking, target, key, value)
            if type(stored) is not Value:
                return stored
        return Value(target)

    def entries(self, mapping: Variable) -> Sequence[tuple[Variable, Variable]] | None:
        """Return the keys and values that C code reads past any method of a dictionary's; None where it asks methods.

        It reads them where `__iter__` is that of dict (Objects/dictobject.c, dict_merge); OrderedDict has its own.
        """
        payload = self.payload_of(mapping)
        if payload is not mapping:
            asked = ("__iter__",) if payload.cls is not OrderedDict else ("__iter__", "keys", "__getitem__")
            if any(self.special(mapping, name) is not None for name in asked):
                return None
        return self.handler_of(payload).entries(self.tracking, payload)

    def is_iterable(self, value: Variable) -> bool:
        """Tell whether the class of a value, being one of C code, has what `iter` needs."""
        return any(self.find(value.python_type(), name) is not None for name in ("__iter__", "__getitem__"))

    def refuse_mapping(self, value: Variable, callee: Variable) -> Raise[Variable] | None:
        """Raise the TypeError of `callee(**value)` where the value has no keys; None where it may have some."""
        if isinstance(value, ObjectVariable) or self.find(value.python_type(), "keys") is not None:
            return None
        text = f"{self.callee_name(callee)}() argument after ** must be a mapping, not"
        return self.raise_error(TypeError, f"{text} {name_of(value.python_type())}")

    def callee_name(self, callee: Variable) -> str:
        function = getattr(callee, "function", callee)  # of a bound method
        name = getattr(function, "qualname", None)
        code = getattr(function, "code", None)
        module = getattr(function, "globals", {}).get("__name__")
        if isinstance(name, str) and code is not None and isinstance(module, str):
            return f"{module}.{name}" if module != "builtins" else name
        value = getattr(function, "value", None)
        if type(value) in (type, types.BuiltinFunctionType):
            module = value.__module__
            qualname = str(getattr(value, "__qualname__", ""))
            return f"{module}.{qualname}" if module not in (None, "builtins") else qualname
        return name_of(callee.python_type()) + " object"

    # ---- iteration --------------------------------------------------------------------------------------------------

    def get_iter(self, value: Variable) -> Result[Variable]:
        handler = self.handler_of(value)
        if not handler.overridable:
            return handler.get_iter(self.tracking, value)
        method = self.special(value, "__iter__")
        if method is not None:
            return self.call_special(method, value)
        payload = self.payload_of(value)
        if payload is not value and self.builtin_special(value.cls, "__iter__") is not None:
            return self.handler_of(payload).get_iter(self.tracking, payload)
        if self.special(value, "__getitem__") is not None:
            return self.polyfill(iterators.by_index, value)
        return self.raise_error(TypeError, f"{name_of(value.python_type())!r} object is not iterable")

    def next(self, iterator: Variable) -> Result[Variable]:
        handler = self.handler_of(iterator)
        if not handler.overridable:
            return handler.next(self.tracking, iterator)
        method = self.special(iterator, "__next__")
        if method is not None:
            return self.call_special(method, iterator)
        payload = self.payload_of(iterator)
        if payload is not iterator and self.builtin_special(iterator.cls, "__next__") is not None:
            return self.handler_of(payload).next(self.tracking, payload)
        return self.raise_error(TypeError, f"{name_of(iterator.python_type())!r} object is not an iterator")

    def _plain_sequence(self, value: Variable) -> Sequence[Variable] | None:
        """Return the items of an iterable whose iteration its class does not override."""
        if self.handler_of(value).overridable:
            payload = self.payload_of(value)
            if payload is value or self.special(value, "__iter__") is not None:
                return None
            return self.handler_of(payload).sequence(self.tracking, payload)
        return self.sequence(value)

    def unpack(self, value: Variable, count: int) -> Result[Any]:
        items = self._plain_sequence(value)
        if items is None:
            refused = self._not_iterable(value)
            return refused or self.polyfill(protocols.unpacked, value, ConstantVariable(count))
        if len(items) < count:
            text = f"not enough values to unpack (expected {count}, got {len(items)})"
            return self.raise_error(ValueError, text)
        if len(items) > count:
            return self.raise_error(ValueError, f"too many values to unpack (expected {count})")
        return Value(tuple(items))

    def _not_iterable(self, value: Variable) -> Result[Any] | None:
        if type(value) is ConstantVariable:
            return self.raise_error(TypeError, f"cannot unpack non-iterable {name_of(value.cls)} object")
        return None

    def unpack_ex(self, value: Variable, before: int, after: int) -> Result[Any]:
        items = self._plain_sequence(value)
        if items is None:
            refused = self._not_iterable(value)
            return refused or self.polyfill(protocols.items_of, value)
        if len(items) < before + after:
            found = len(items)
            text = f"not enough values to unpack (expected at least {before + after}, got {found})"
            return self.raise_error(ValueError, text)
        end = len(items) - after
        middle = self.build_list(list(items[before:end]))
        if type(middle) is not Value:
            return middle
        return Value((*items[:before], middle.value, *items[end:]))
