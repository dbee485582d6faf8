"""The operations of `match` over real objects (Python/ceval.c, match_keys and match_class)."""

from __future__ import annotations

from typing import Any, Final

from ..outcome import Result, Value
from .attempt import attempt

_SEQUENCE: Final = 1 << 5  # Py_TPFLAGS_SEQUENCE of Include/object.h
_MAPPING: Final = 1 << 6  # Py_TPFLAGS_MAPPING
_ITSELF: Final = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Builtins whose one positional sub-pattern matches the subject itself (PEP 634); the flag isn't visible to Python."""


def mapping_values(subject: Any, keys: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The values of the keys, or None if one is missing.

    Raises:
        ValueError: a key is there twice.
    """
    seen: set[Any] = set()
    values = []
    absent = object()
    for key in keys:
        if key in seen:
            raise ValueError(f"mapping pattern checks duplicate key ({key!r})")
        seen.add(key)
        value = subject.get(key, absent)
        if value is absent:
            return None
        values.append(value)
    return tuple(values)


def class_attributes(subject: Any, cls: Any, count: int, names: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The attributes that the sub-patterns of a class pattern match, or None.

    Raises:
        TypeError: `cls` is no class, or takes fewer positional sub-patterns.
    """
    if not isinstance(cls, type):
        raise TypeError("called match pattern must be a class")
    if not isinstance(subject, cls):
        return None
    found = []
    seen: set[str] = set()
    if count:
        itself = False
        try:
            match_args = cls.__match_args__  # type: ignore[attr-defined]
        except AttributeError:
            match_args = ()
            itself = _matches_itself(cls)
        if type(match_args) is not tuple:
            raise TypeError(f"{cls.__name__}.__match_args__ must be a tuple (got {type(match_args).__name__})")
        allowed = 1 if itself else len(match_args)
        if allowed < count:
            plural = "" if allowed == 1 else "s"
            raise TypeError(f"{cls.__name__}() accepts {allowed} positional sub-pattern{plural} ({count} given)")
        if itself:
            found.append(subject)
        else:
            names = (*match_args[:count], *names)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"__match_args__ elements must be strings (got {type(name).__name__})")
        if name in seen:
            raise TypeError(f"{cls.__name__}() got multiple sub-patterns for attribute {name!r}")
        seen.add(name)
        try:
            found.append(getattr(subject, name))
        except AttributeError:
            return None
    return tuple(found)


def _matches_itself(cls: type) -> bool:
    """Whether the flag Py_TPFLAGS_MATCH_SELF, which subclasses inherit, is set."""
    return any(base in _ITSELF for base in cls.__mro__ if base.__module__ == "builtins")


def is_mapping(subject: Any) -> bool:
    """Whether mapping patterns match it."""
    return bool(type(subject).__flags__ & _MAPPING)


def is_sequence(subject: Any) -> bool:
    """Whether sequence patterns match it."""
    return bool(type(subject).__flags__ & _SEQUENCE)


class ConcretePatterns:
    """Implements `domain.Patterns`."""

    def match_mapping(self, subject: Any) -> Result[Any]:
        return Value(is_mapping(subject))

    def match_sequence(self, subject: Any) -> Result[Any]:
        return Value(is_sequence(subject))

    def match_keys(self, subject: Any, keys: Any) -> Result[Any]:
        return attempt(mapping_values, subject, keys)

    def match_class(self, subject: Any, cls: Any, count: int, names: Any) -> Result[Any]:
        return attempt(class_attributes, subject, cls, count, names)
