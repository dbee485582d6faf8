"""What the fields of a dataclass are declared to hold, and whether they do: for what is made from data."""

from __future__ import annotations

import collections.abc
import functools
import types
import typing
from collections.abc import Collection
from dataclasses import fields

from framelift_guards.plain import show

__all__ = ["must_be", "require_declared"]


def require_declared(made: object, only: Collection[str] | None = None) -> None:
    """Check that each field of a dataclass's instance holds what its annotation says.

    Args:
        made: the instance.
        only: the names of the fields to check; all of them by default.

    Types are exact where they are plain data (``True`` is no ``int`` here); of annotations that are more than classes,
    unions, tuples and dictionaries of these, only the outermost is checked.

    Raises:
        TypeError: a field holds something else.

    >>> from framelift_guards import Length, LocalSource
    >>> require_declared(Length(3))
    >>> require_declared(LocalSource(3))
    Traceback (most recent call last):
    TypeError: LocalSource.variable must be str, not 3; give it a value of that type
    """
    kind: typing.Any = type(made)
    for name, hint, plain in _declared(kind):
        if only is not None and name not in only:
            continue
        value = getattr(made, name)
        # Most fields are of a class: these are asked first, since sources and predicates are made by thousands.
        if type(value) is hint or (plain is not None and issubclass(type(value), plain)):
            continue
        if not _fits(value, hint):
            raise TypeError(must_be(f"{kind.__name__}.{name}", _written(hint), value))


def must_be(subject: str, rule: str, value: object) -> str:
    """Return what is wrong with a value, and what to do.

    >>> must_be("Length.expected", "int", "a")
    "Length.expected must be int, not 'a'; give it a value of that type"
    """
    return f"{subject} must be {rule}, not {show(value)}; give it a value of that type"


@functools.cache
def _declared(kind: type) -> tuple[tuple[str, object, type | None], ...]:
    """Return name and hint of each field that is checked, and the hint again where subclasses of it will do."""
    try:
        hints = typing.get_type_hints(kind)
    except NameError:  # a class of somebody else's that names what only type checkers import
        return ()
    names = [one.name for one in fields(typing.cast(typing.Any, kind)) if one.init and one.name in hints]
    checked = [(name, hints[name]) for name in names if hints[name] not in (object, typing.Any)]
    return tuple([(name, hint, hint if type(hint) is type and hint not in _EXACT else None) for name, hint in checked])


_EXACT = (bool, int, float, complex, str, bytes)


def _fits(value: object, hint: object) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is None:
        return value is None
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is tuple:
        if type(value) is not tuple:
            return False
        if arguments[-1:] == (...,):
            return all(_fits(one, arguments[0]) for one in value)
        return len(value) == len(arguments) and all(map(_fits, value, arguments))
    if origin is dict:
        return type(value) is dict and all(
            _fits(key, arguments[0]) and _fits(item, arguments[1]) for key, item in value.items()
        )
    if origin is type:
        return isinstance(value, type) and arguments[0] in (*type.__dict__["__mro__"].__get__(value), typing.Any)
    if origin is collections.abc.Callable:
        return callable(value)
    if type(hint) is not type:  # a protocol, or a class whose own metaclass tells what is one of it
        return True
    return type(value) is hint if hint in _EXACT else issubclass(type(value), hint)


def _written(hint: object) -> str:
    return hint.__name__ if type(hint) is type else str(hint).replace("framelift_guards.", "")
