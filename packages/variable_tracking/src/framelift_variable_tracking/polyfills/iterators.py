"""Iterators written in C whose state is a list here: what `next` does to it, in plain Python.

An iterator that this module makes during a capture is a variable of its own type, with its state as a list that the
functions named `..._next` change. A break leaves the list, and the object is made again from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__framelift_hidden__ = True


class Advancing:
    """An iterator that a function advances: what stands for one while a call of the function is under way.

    Args:
        advance: takes the state, returns the next item or raises StopIteration.
        state: what the function changes.
    """

    def __init__(self, advance: Callable[[list[Any]], Any], state: list[Any]) -> None:
        self.advance = advance
        self.state = state

    def __iter__(self) -> Advancing:
        return self

    def __next__(self) -> Any:
        return self.advance(self.state)


def made(advance: Callable[[list[Any]], Any], state: list[Any], /) -> Any:
    """The iterator with this state; the domain knows a rule for this function."""
    return Advancing(advance, state)


def calls(function: Callable[[], Any], sentinel: Any, /) -> Any:
    """`iter(function, sentinel)`."""
    if not callable(function):
        raise TypeError("iter(v, w): v must be callable")
    return made(calls_next, [function, sentinel, False])


def calls_next(state: list[Any], /) -> Any:
    """Objects/iterobject.c: calliter_iternext."""
    function, sentinel, ended = state
    if not ended:
        try:
            value = function()
        except StopIteration:
            state[2] = True
        else:
            if not (sentinel is value or sentinel == value):
                return value
            state[2] = True
    raise StopIteration


def by_index(sequence: Any, /) -> Any:
    """`iter(sequence)` of an object with `__getitem__` alone."""
    return made(by_index_next, [sequence, 0])


def by_index_next(state: list[Any], /) -> Any:
    """Objects/iterobject.c: iter_iternext."""
    sequence, position = state
    if position >= 0:
        try:
            item = sequence[position]
        except (IndexError, StopIteration):
            state[1] = -1
        else:
            state[1] = position + 1
            return item
    raise StopIteration


def backwards(sequence: Any, /) -> Any:
    """`reversed(sequence)` without `__reversed__`."""
    return made(backwards_next, [sequence, len(sequence) - 1])


def backwards_next(state: list[Any], /) -> Any:
    """Objects/enumobject.c: reversed_next."""
    sequence, position = state
    if position >= 0:
        state[1] = -1
        try:
            item = sequence[position]
        except (IndexError, StopIteration):
            pass
        else:
            state[1] = position - 1
            return item
    raise StopIteration
