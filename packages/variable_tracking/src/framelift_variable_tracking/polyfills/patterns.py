"""The class and mapping patterns of `match` (Python/ceval.c, match_class and match_keys)."""

from __future__ import annotations

from typing import Any

__framelift_hidden__ = True

_SELF = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)


def match_keys(subject: Any, keys: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The values of all keys, or None when one is missing."""
    missing = object
    values = []
    for key in keys:
        value = subject.get(key, missing)
        if value is missing:
            return None
        values.append(value)
    return tuple(values)


def match_class(subject: Any, cls: Any, count: int, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The attributes that a class pattern binds, or None when it does not match."""
    if not isinstance(cls, type):
        raise TypeError("called match pattern must be a class")
    if not isinstance(subject, cls):
        return None
    found = []
    seen = []
    if count:
        positional = getattr(cls, "__match_args__", None)
        if positional is None:
            positional = ()
            for base in cls.__mro__:
                if base in _SELF:
                    if count > 1:
                        raise TypeError(f"{cls.__name__}() accepts 1 positional sub-pattern ({count} given)")
                    found.append(subject)
                    break
            else:
                raise TypeError(f"{cls.__name__}() accepts 0 positional sub-patterns ({count} given)")
        else:
            if not isinstance(positional, tuple):
                raise TypeError(f"{cls.__name__}.__match_args__ must be a tuple (got {type(positional).__name__})")
            if len(positional) < count:
                plural = "" if len(positional) == 1 else "s"
                allowed = len(positional)
                raise TypeError(f"{cls.__name__}() accepts {allowed} positional sub-pattern{plural} ({count} given)")
            for name in positional[:count]:
                if not isinstance(name, str):
                    raise TypeError(f"__match_args__ elements must be strings (got {type(name).__name__})")
                if name in seen:
                    raise TypeError(f"{cls.__name__}() got multiple sub-patterns for attribute {name!r}")
                seen.append(name)
                try:
                    found.append(getattr(subject, name))
                except AttributeError:
                    return None
    for name in names:
        if name in seen:
            raise TypeError(f"{cls.__name__}() got multiple sub-patterns for attribute {name!r}")
        seen.append(name)
        try:
            found.append(getattr(subject, name))
        except AttributeError:
            return None
    return tuple(found)
