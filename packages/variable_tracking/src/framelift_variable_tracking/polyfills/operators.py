"""Getters of `operator` (Modules/_operator.c)."""

from __future__ import annotations

from typing import Any

__framelift_hidden__ = True


def items_of(owner: Any, items: tuple[Any, ...], /) -> tuple[Any, ...]:
    """`operator.itemgetter(*items)(owner)` for several items."""
    found = []
    for item in items:
        found.append(owner[item])  # noqa: PERF401 - a comprehension has a frame of its own
    return tuple(found)


def _attribute(owner: Any, path: str) -> Any:
    for name in path.split("."):
        owner = getattr(owner, name)
    return owner


def attributes_of(owner: Any, paths: tuple[str, ...], /) -> Any:
    """`operator.attrgetter(*paths)(owner)`."""
    if len(paths) == 1:
        return _attribute(owner, paths[0])
    found = []
    for path in paths:
        found.append(_attribute(owner, path))  # noqa: PERF401 - a comprehension has a frame of its own
    return tuple(found)


def call_method(owner: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], /) -> Any:
    """`operator.methodcaller(*arguments, **keywords)(owner)`."""
    return getattr(owner, arguments[0])(*arguments[1:], **keywords)


def count_of(iterable: Any, item: Any, /) -> int:
    """`operator.countOf(iterable, item)`."""
    found = 0
    for each in iterable:
        if each is item or each == item:
            found += 1
    return found


def index_of(iterable: Any, item: Any, /) -> int:
    """`operator.indexOf(iterable, item)`."""
    position = 0
    for each in iterable:
        if each is item or each == item:
            return position
        position += 1  # noqa: SIM113 - enumerate would be one more iterator to interpret
    raise ValueError("sequence.index(x): x not in sequence")


def not_(value: Any, /) -> bool:
    """`operator.not_(value)`."""
    return not value


def truth(value: Any, /) -> bool:
    """`operator.truth(value)`."""
    return True if value else False  # noqa: SIM210 - `bool` is what this function stands for


def is_not(left: Any, right: Any, /) -> bool:
    """`operator.is_not(left, right)`."""
    return left is not right


def set_item(container: Any, key: Any, value: Any, /) -> None:
    """`operator.setitem(container, key, value)`."""
    container[key] = value


def delete_item(container: Any, key: Any, /) -> None:
    """`operator.delitem(container, key)`."""
    del container[key]


def contains(container: Any, item: Any, /) -> bool:
    """`operator.contains(container, item)`."""
    return item in container
