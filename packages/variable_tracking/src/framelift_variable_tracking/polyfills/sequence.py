"""Operations of sequences that call back into the user's code, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

__framelift_hidden__ = True


def matches(one: Any, other: Any) -> Any:
    """Whether containers find two objects equal; a rule answers, so that no identity of constants is asked for."""
    return one is other or one == other


def equal(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """`left == right`."""
    if len(left) != len(right):
        return False
    index = 0
    while index < len(left) and index < len(right):
        one = left[index]
        other = right[index]
        if not matches(one, other):
            return False
        index += 1
    return len(left) == len(right)


def unequal(left: Sequence[Any], right: Sequence[Any]) -> bool:
    """`left != right`."""
    return not equal(left, right)


def _difference(left: Sequence[Any], right: Sequence[Any]) -> int:
    index = 0
    while index < len(left) and index < len(right):
        one = left[index]
        other = right[index]
        if not matches(one, other):
            return index
        index += 1
    return -1


def less(left: Sequence[Any], right: Sequence[Any]) -> Any:
    """`left < right`."""
    index = _difference(left, right)
    return len(left) < len(right) if index < 0 else left[index] < right[index]


def less_or_equal(left: Sequence[Any], right: Sequence[Any]) -> Any:
    """`left <= right`."""
    index = _difference(left, right)
    return len(left) <= len(right) if index < 0 else left[index] <= right[index]


def greater(left: Sequence[Any], right: Sequence[Any]) -> Any:
    """`left > right`."""
    index = _difference(left, right)
    return len(left) > len(right) if index < 0 else left[index] > right[index]


def greater_or_equal(left: Sequence[Any], right: Sequence[Any]) -> Any:
    """`left >= right`."""
    index = _difference(left, right)
    return len(left) >= len(right) if index < 0 else left[index] >= right[index]


EQUALITY: dict[str, Callable[..., Any]] = {"==": equal, "!=": unequal}
ORDER: dict[str, Callable[..., Any]] = {"<": less, "<=": less_or_equal, ">": greater, ">=": greater_or_equal}


def contains(items: Iterable[Any], item: Any) -> bool:
    """`item in items`."""
    for each in items:  # noqa: SIM110 - a generator expression is a frame more
        if matches(each, item):
            return True
    return False


def count(items: Sequence[Any], item: Any) -> int:
    """`items.count(item)`."""
    found = 0
    for each in items:
        if matches(each, item):
            found += 1
    return found


def _position(items: Sequence[Any], item: Any, start: int, stop: int) -> int:
    index = start
    while index < stop and index < len(items):
        each = items[index]
        if matches(each, item):
            return index
        index += 1
    return -1


def list_index(items: Sequence[Any], item: Any, start: int, stop: int) -> int:
    """`list.index(items, item, start, stop)`."""
    index = _position(items, item, start, stop)
    if index < 0:
        raise ValueError(f"{item!r} is not in list")
    return index


def tuple_index(items: Sequence[Any], item: Any, start: int, stop: int) -> int:
    """`tuple.index(items, item, start, stop)`."""
    index = _position(items, item, start, stop)
    if index < 0:
        raise ValueError("tuple.index(x): x not in tuple")
    return index


def remove(items: list[Any], item: Any) -> None:
    """`items.remove(item)`."""
    index = _position(items, item, 0, len(items))
    if index < 0:
        raise ValueError("list.remove(x): x not in list")
    del items[index]


def extend(items: list[Any], iterable: Iterable[Any]) -> None:
    """`items.extend(iterable)`."""
    for item in iterable:
        items.append(item)  # noqa: PERF402 - `extend` ends here


def extend_left(items: Any, iterable: Iterable[Any]) -> None:
    """`deque.extendleft(items, iterable)`."""
    for item in iterable:
        items.appendleft(item)


def extended(items: Any, iterable: Iterable[Any]) -> Any:
    """Append all items to a deque, and return it."""
    for item in iterable:
        items.append(item)
    return items


def make_list(iterable: Iterable[Any]) -> list[Any]:
    """`list(iterable)`."""
    return [item for item in iterable]  # noqa: C416 - `list()` is what this defines


def make_tuple(iterable: Iterable[Any]) -> tuple[Any, ...]:
    """`tuple(iterable)`."""
    items = []
    for item in iterable:
        items.append(item)  # noqa: PERF402 - `list()` ends here
    return tuple(items)


def concatenated(items: list[Any], iterable: Iterable[Any]) -> list[Any]:
    """`items += iterable`."""
    for item in iterable:
        items.append(item)  # noqa: PERF402 - `extend` ends here
    return items


def assign_slice(items: list[Any], place: slice, iterable: Iterable[Any]) -> None:
    """`items[place] = iterable`."""
    items[place] = make_list(iterable)


def _merge(order: list[int], keys: list[Any], low: int, middle: int, high: int) -> list[int]:
    merged = []
    left = low
    right = middle
    while left < middle and right < high:
        if keys[order[right]] < keys[order[left]]:
            merged.append(order[right])
            right += 1
        else:
            merged.append(order[left])
            left += 1
    while left < middle:
        merged.append(order[left])
        left += 1
    while right < high:
        merged.append(order[right])
        right += 1
    return merged


def sorting_order(keys: list[Any]) -> list[int]:
    """Return the indices of `keys` in ascending order; equal ones keep theirs. Compares by `<` only."""
    count = len(keys)
    order = list(range(count))
    width = 1
    while width < count:
        merged = []
        low = 0
        while low < count:
            middle = min(low + width, count)
            merged.extend(_merge(order, keys, low, middle, min(low + 2 * width, count)))
            low = middle + width
        order = merged
        width *= 2
    return order


def sort(items: list[Any], key: Callable[[Any], Any] | None, reverse: bool) -> None:
    """`items.sort(key=key, reverse=reverse)`; the items are away meanwhile, as in CPython."""
    content = items[:]
    items.clear()
    try:
        keys = content[:] if key is None else [key(item) for item in content]
        ordered = content[:]
        if reverse:
            # A reversed sort keeps equal items in order: sort the reversed items, and reverse the result.
            keys.reverse()
            ordered.reverse()
        ordered = [ordered[index] for index in sorting_order(keys)]
        if reverse:
            ordered.reverse()
    except BaseException:
        items[:] = content
        raise
    modified = len(items) > 0
    items[:] = ordered
    if modified:
        raise ValueError("list modified during sort")
