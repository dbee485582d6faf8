"""`copy.copy` and `copy.deepcopy` (Lib/copy.py), with `object.__reduce_ex__` (Objects/typeobject.c) in plain Python.

The domain knows rules for `identity`, `is_itself`, `distinct`, `stay_where_they_are` and `slot_names`. Between what
`identity` answers and `distinct`, addresses are numbers that may be others at the next call, so a deep copy is
captured whole or not at all: a break inside is a break at the call of `copy.deepcopy`.
"""

from __future__ import annotations

import copyreg
import types
from collections import OrderedDict, defaultdict
from typing import Any

__framelift_hidden__ = True

_ATOMIC = frozenset({
    type(None), type(Ellipsis), type(NotImplemented), int, float, bool, complex, bytes, str, types.CodeType, range,
    property, types.BuiltinFunctionType, types.FunctionType,
})  # fmt: skip


def identity(value: Any) -> int | None:
    """A number for an object, None for what is its own copy."""
    return None if type(value) in _ATOMIC or isinstance(value, type) else id(value)


def is_itself(result: Any, value: Any) -> bool:
    """Whether a copy is what was copied."""
    return result is value


def distinct(values: list[Any]) -> None:
    """Rely on these being different objects."""


def stay_where_they_are(values: list[Any]) -> None:
    """Rely on the addresses of these: somebody else sees a memo that has them as keys."""


def slot_names(cls: type) -> tuple[str, ...]:
    """The names of the slots of a class made in Python."""
    members = [vars(one).items() for one in cls.__mro__ if one.__flags__ & 1 << 9]
    return tuple([name for each in members for name, one in each if type(one) is types.MemberDescriptorType])


def deepcopy(value: Any, memo: Any = None) -> Any:
    """`copy.deepcopy(value, memo)`."""
    met: list[Any] = []
    result = _deep(value, {} if memo is None else memo, met)
    if memo is None:
        distinct(met)
    else:
        stay_where_they_are(met)
    return result


def _deep(value: Any, memo: dict[int, Any], met: list[Any]) -> Any:
    key = identity(value)
    if key is None:
        return value
    if key in memo:
        return memo[key]
    cls = type(value)
    met.append(value)
    result: Any
    if cls is list:
        result = []
        memo[key] = result
        for item in value:
            result.append(_deep(item, memo, met))
    elif cls is tuple:
        result = _deep_tuple(value, key, memo, met)
    elif cls is dict:
        result = {}
        memo[key] = result
        for name, item in value.items():
            result[_deep(name, memo, met)] = _deep(item, memo, met)
    else:
        hook = getattr(value, "__deepcopy__", None)
        if hook is None:
            result = _rebuilt(value, key, memo, met)
        else:
            stay_where_they_are(met)
            result = hook(memo)
    if not is_itself(result, value):
        memo[key] = result
    return result


def _deep_tuple(value: tuple[Any, ...], key: int, memo: dict[int, Any], met: list[Any]) -> Any:
    items = []
    for item in value:
        items.append(_deep(item, memo, met))  # noqa: PERF401 - a comprehension is a frame more
    if key in memo:
        return memo[key]
    for index in range(len(items)):
        if not is_itself(items[index], value[index]):
            return tuple(items)
    return value


def copy(value: Any) -> Any:
    """`copy.copy(value)`."""
    cls = type(value)
    if cls is list or cls is dict or cls is set:
        return value.copy()
    if cls is tuple or cls is frozenset or identity(value) is None:
        return value
    hook = getattr(cls, "__copy__", None)
    return _rebuilt(value, None, {}, None) if hook is None else hook(value)


def _rebuilt(value: Any, key: int | None, memo: dict[int, Any], met: list[Any] | None) -> Any:
    cls: Any = type(value)
    reduce = copyreg.dispatch_table.get(cls)
    parts: Any
    if reduce is not None:
        parts = reduce(value)
    elif cls.__reduce_ex__ is not object.__reduce_ex__:
        parts = value.__reduce_ex__(4)
    elif cls is set or cls is frozenset:
        parts = (cls, ([*value],))
    elif cls is OrderedDict:
        parts = (cls, (), None, None, value.items())
    elif cls is defaultdict:
        parts = (cls, (value.default_factory,), None, None, value.items())
    elif cls.__reduce__ is not object.__reduce__:
        parts = value.__reduce__()
    else:
        parts = _reduced(value, cls)
    if isinstance(parts, str):
        return value
    return _reconstructed(parts, key, memo, met)


def _reduced(value: Any, cls: Any) -> tuple[Any, ...]:
    """`object.__reduce_ex__(value, 4)`."""
    names = slot_names(cls)
    if hasattr(value, "__getnewargs_ex__"):
        args, kwargs = value.__getnewargs_ex__()
        make, parts = copyreg.__newobj_ex__, (cls, args, kwargs)  # type: ignore[attr-defined]
    else:
        args = value.__getnewargs__() if hasattr(value, "__getnewargs__") else ()
        make, parts = copyreg.__newobj__, (cls, *args)  # type: ignore[attr-defined]
    state = value.__getstate__() if _own_getstate(cls) else _state(value, names)
    items = iter(value) if issubclass(cls, list) else None
    pairs = iter(value.items()) if issubclass(cls, dict) else None
    return make, parts, state, items, pairs


def _own_getstate(cls: Any) -> bool:
    found = getattr(cls, "__getstate__", None)
    return found is not None and found is not getattr(object, "__getstate__", None)


def _state(value: Any, names: tuple[str, ...]) -> Any:
    """`object.__getstate__(value)`."""
    fields = getattr(value, "__dict__", None)
    state = fields or None
    slots = {}
    for name in names:
        if hasattr(value, name):
            slots[name] = getattr(value, name)
    return (state, slots) if slots else state


def _reconstructed(parts: tuple[Any, ...], key: int | None, memo: dict[int, Any], met: list[Any] | None) -> Any:
    """`copy._reconstruct(x, memo, *parts)`; `met` is None for a shallow copy."""
    given: list[Any] = [*parts, None, None, None]
    make, args, state, items, pairs = given[:5]
    if met is None:
        result = make(*args)
    else:
        copied = []
        for arg in args:
            copied.append(_deep(arg, memo, met))  # noqa: PERF401 - a comprehension is a frame more
        result = make(*copied)
        assert key is not None
        memo[key] = result
    if state is not None:
        if met is not None:
            state = _deep(state, memo, met)
        if hasattr(result, "__setstate__"):
            result.__setstate__(state)
        else:
            slots = None
            if isinstance(state, tuple) and len(state) == 2:
                state, slots = state
            if state is not None:
                result.__dict__.update(state)
            if slots is not None:
                for name, item in slots.items():
                    setattr(result, name, item)
    if items is not None:
        for item in items:
            result.append(item if met is None else _deep(item, memo, met))
    if pairs is not None:
        for name, item in pairs:
            if met is None:
                result[name] = item
            else:
                result[_deep(name, memo, met)] = _deep(item, memo, met)
    return result
