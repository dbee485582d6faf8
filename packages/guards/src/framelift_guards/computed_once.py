"""An attribute that is computed when it is first asked for, without a lock around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class computed_once(Generic[Value]):  # noqa: N801 - a decorator
    """What a method gives, kept in the instance's ``__dict__``; several threads may compute it, to the same end.

    (``functools.cached_property`` was rejected: on CPython 3.11 all instances share one lock around it, which a process
    that was forked while another thread held it waits for in vain: Lib/functools.py.)

    >>> class Word:
    ...     @computed_once
    ...     def letters(self):
    ...         print("counting")
    ...         return 4
    >>> word = Word()
    >>> word.letters + word.letters
    counting
    8
    """

    def __init__(self, method: Callable[[Any], Value]) -> None:
        self._method = method
        self._name = method.__name__
        self.__doc__ = method.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Value:
        if instance is None:
            return self  # type: ignore[return-value]
        value: Value = self._method(instance)
        instance.__dict__[self._name] = value
        return value
