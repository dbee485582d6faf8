"""Operations of dictionaries and sets that call back into the user's code, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .sequence import matches

__framelift_hidden__ = True


def update(target: dict[Any, Any], other: Any) -> None:
    """`target.update(other)` for an object with `keys()`."""
    for key in other.keys():  # noqa: SIM118 - it is asked for its keys
        target[key] = other[key]


def update_pairs(target: dict[Any, Any], pairs: Iterable[Any]) -> None:
    """`target.update(pairs)`."""
    index = 0
    for pair in pairs:
        try:
            parts = [*pair]
        except TypeError:
            raise TypeError(f"cannot convert dictionary update sequence element #{index} to a sequence") from None
        if len(parts) != 2:
            raise ValueError(f"dictionary update sequence element #{index} has length {len(parts)}; 2 is required")
        target[parts[0]] = parts[1]
        index += 1  # noqa: SIM113 - `enumerate` would be an object more


def update_ordered_pairs(target: dict[Any, Any], pairs: Iterable[Any]) -> None:
    """`OrderedDict.update(target, pairs)`, which words its errors in its own way."""
    for pair in pairs:
        parts = list(pair)  # `[*pair]` words the TypeError in another way
        if len(parts) < 2:
            raise ValueError(f"need more than {len(parts)} value{'' if parts else 's'} to unpack")
        if len(parts) > 2:
            raise ValueError("too many values to unpack (expected 2)")
        target[parts[0]] = parts[1]


def update_by_methods(target: dict[Any, Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    """`OrderedDict.update` of a subclass, by its own `__setitem__` (odictobject.c, mutablemapping_update)."""
    for other in args:
        if type(other) is dict:
            update_ordered_pairs(target, other.items())
        elif hasattr(other, "keys"):
            update(target, other)
        elif hasattr(other, "items"):
            update_ordered_pairs(target, other.items())
        else:
            update_ordered_pairs(target, other)
    for key, value in keywords.items():
        target[key] = value  # noqa: PERF403 - one by one, by its own method


def missing(mapping: dict[Any, Any], factory: Callable[[], Any], key: Any) -> Any:
    """`defaultdict.__missing__`."""
    value = factory()
    mapping[key] = value
    return value


def equal(left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    """`left == right`."""
    if len(left) != len(right):
        return False
    for key in left:  # noqa: PLC0206, SIM110 - plain steps, each of which may break
        if key not in right or not matches(left[key], right[key]):
            return False
    return True


def unequal(left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    """`left != right`."""
    return not equal(left, right)


EQUALITY: dict[str, Callable[..., Any]] = {"==": equal, "!=": unequal}


def has_value(values: Iterable[Any], item: Any) -> bool:
    """`item in values`."""
    for value in values:  # noqa: SIM110 - a generator expression is a frame more
        if matches(value, item):
            return True
    return False


def from_keys(mapping: dict[Any, Any], keys: Iterable[Any], value: Any) -> dict[Any, Any]:
    """`dict.fromkeys(keys, value)`; `mapping` is the new, empty one."""
    for key in keys:
        mapping[key] = value
    return mapping


def fill_dict(mapping: dict[Any, Any], other: Any) -> dict[Any, Any]:
    """`dict(other)` for an object with `keys()`; `mapping` is the new one."""
    update(mapping, other)
    return mapping


def fill_pairs(mapping: dict[Any, Any], pairs: Iterable[Any]) -> dict[Any, Any]:
    """`dict(pairs)`; `mapping` is the new one."""
    update_pairs(mapping, pairs)
    return mapping


def fill_ordered_pairs(mapping: dict[Any, Any], pairs: Iterable[Any]) -> dict[Any, Any]:
    """`OrderedDict(pairs)`; `mapping` is the new one."""
    update_ordered_pairs(mapping, pairs)
    return mapping


def add_all(target: set[Any], items: Iterable[Any]) -> set[Any]:
    """Add all items to a set, and return it."""
    for item in items:
        target.add(item)
    return target


def make_frozenset(target: set[Any], items: Iterable[Any]) -> frozenset[Any]:
    """`frozenset(items)`; `target` is a new, empty set."""
    for item in items:
        target.add(item)
    return frozenset(target)


def _set_of(items: Iterable[Any]) -> set[Any]:
    return add_all(set(), items)


def set_update(target: set[Any], others: tuple[Iterable[Any], ...]) -> None:
    """`target.update(*others)`."""
    for other in others:
        add_all(target, other)


def set_difference_update(target: set[Any], others: tuple[Iterable[Any], ...]) -> None:
    """`target.difference_update(*others)`."""
    for other in others:
        for item in other:
            target.discard(item)


def set_intersection_update(target: set[Any], others: tuple[Iterable[Any], ...]) -> None:
    """`target.intersection_update(*others)`."""
    target.intersection_update(set_intersection(target, others))


def set_symmetric_difference_update(target: set[Any], others: tuple[Iterable[Any], ...]) -> None:
    """`target.symmetric_difference_update(*others)`, of one."""
    target.symmetric_difference_update(_set_of(others[0]))


def _like(target: Any, result: set[Any]) -> Any:
    return frozenset(result) if type(target) is frozenset else result


def set_union(target: set[Any], others: tuple[Iterable[Any], ...]) -> Any:
    """`target.union(*others)`."""
    result = set(target)
    set_update(result, others)
    return _like(target, result)


def set_difference(target: set[Any], others: tuple[Iterable[Any], ...]) -> Any:
    """`target.difference(*others)`."""
    result = set(target)
    set_difference_update(result, others)
    return _like(target, result)


def set_intersection(target: set[Any], others: tuple[Iterable[Any], ...]) -> Any:
    """`target.intersection(*others)`."""
    result = set(target)
    for other in others:
        result = result.intersection(_set_of(other))
    return _like(target, result)


def set_symmetric_difference(target: set[Any], others: tuple[Iterable[Any], ...]) -> Any:
    """`target.symmetric_difference(*others)`, of one."""
    return target.symmetric_difference(_set_of(others[0]))


def set_isdisjoint(target: set[Any], others: tuple[Iterable[Any], ...]) -> bool:
    """`target.isdisjoint(*others)`, of one."""
    for item in others[0]:  # noqa: SIM110 - a generator expression is a frame more
        if item in target:
            return False
    return True


def set_issubset(target: set[Any], others: tuple[Iterable[Any], ...]) -> bool:
    """`target.issubset(*others)`, of one."""
    return target.issubset(_set_of(others[0]))


def set_issuperset(target: set[Any], others: tuple[Iterable[Any], ...]) -> bool:
    """`target.issuperset(*others)`, of one."""
    for item in others[0]:  # noqa: SIM110 - a generator expression is a frame more
        if item not in target:
            return False
    return True


SETS: dict[str, Callable[..., Any]] = {
    "update": set_update,
    "difference_update": set_difference_update,
    "intersection_update": set_intersection_update,
    "symmetric_difference_update": set_symmetric_difference_update,
    "union": set_union,
    "difference": set_difference,
    "intersection": set_intersection,
    "symmetric_difference": set_symmetric_difference,
    "isdisjoint": set_isdisjoint,
    "issubset": set_issubset,
    "issuperset": set_issuperset,
}
