"""Compares what two runs left behind: values, structure, and which objects are one and the same."""

from __future__ import annotations

import cmath
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from framelift_graph_capture import original_of
from framelift_guards.plain import ATOMS, is_plain, show

from .module import plain_module

__all__ = ["Comparison"]

Part = tuple[str, Any, Any]
"""What to compare next: how it was reached, and the two objects."""


class Comparison:
    """Compares pairs of objects, and holds against later pairs which objects belong together.

    Tensors are compared as `torch.testing.assert_close` does, NaNs being equal; containers and instances by what they
    hold, in order; immutable plain data by value and type. Objects of other types need only be of the same type. No
    method of the user's is called.

    >>> items = [1]
    >>> print(Comparison().difference([items, items], [[1], [1]], "result"))
    result[1] is the object that was met before in one run, and another one in the other
    """

    def __init__(self) -> None:
        self._partners: dict[int, int] = {}
        self._kept: list[object] = []  # an id means something only while its object lives

    def difference(self, left: object, right: object, path: str) -> str | None:
        """Return the first difference between two objects as a sentence, or None when there is none.

        Args:
            left: an object of one run.
            right: its counterpart in the other.
            path: what to call them.
        """
        pending: list[Part] = [(path, left, right)]
        while pending:
            name, one, other = pending.pop()
            if one is other:
                continue
            one, other = _before_lifting(one), _before_lifting(other)
            if type(one) is not type(other):
                return f"{name} is of type {type(one).__name__} in one run, of {type(other).__name__} in the other"
            if type(one) in _CONSTANTS:
                if not _same_constant(one, other):
                    return f"{name} is {show(one)} in one run, {show(other)} in the other"
                continue
            met = self._met(one, other)
            if met is False:
                return f"{name} is the object that was met before in one run, and another one in the other"
            if met is None:
                parts = _parts(name, one, other)
                if isinstance(parts, str):
                    return parts
                pending.extend(reversed(parts))
        return None

    def _met(self, one: object, other: object) -> bool | None:
        """Tell whether two objects were met as partners; None: neither was met yet, now they are partners."""
        if type(one) in (tuple, frozenset):
            return None
        key, partner = (id(vars(value)) if isinstance(value, torch.nn.Module) else id(value) for value in (one, other))
        if key in self._partners or -partner in self._partners:
            return self._partners.get(key) == partner and self._partners.get(-partner) == key
        self._partners[key], self._partners[-partner] = partner, key
        self._kept += [one, other]
        return None


def _before_lifting(value: object) -> object:
    """Return what a lifted function or module was before it was lifted, and anything else as it is."""
    if isinstance(value, torch.nn.Module):
        return plain_module(value)
    return original_of(value) or value


_CONSTANTS = (*ATOMS, float, complex, range, slice)


def _same_constant(one: Any, other: Any) -> bool:
    if isinstance(one, (float, complex)):  # as tensors are: the last bits are the backend's affair, and NaNs are equal
        return cmath.isclose(one, other, rel_tol=1e-5, abs_tol=1e-8) or (cmath.isnan(one) and cmath.isnan(other))
    return bool(one == other)


def _parts(name: str, one: Any, other: Any) -> list[Part] | str:
    """Return what two objects of one type hold, or how they differ already."""
    for kind, parts in _KINDS.items():
        if isinstance(one, kind):
            return parts(name, one, other)
    return _instances(name, one, other)


def _tensors(name: str, one: torch.Tensor, other: torch.Tensor) -> list[Part] | str:
    if one.requires_grad is not other.requires_grad:
        return f"{name}.requires_grad is {one.requires_grad} in one run, {other.requires_grad} in the other"
    try:
        torch.testing.assert_close(one.detach(), other.detach(), equal_nan=True, check_stride=False)
    except AssertionError as error:
        return f"{name}: {' '.join(str(error).split())}"
    if one.is_leaf is not other.is_leaf:
        return f"{name}.is_leaf is {one.is_leaf} in one run, {other.is_leaf} in the other"
    fields: list[Part] = [] if not one.is_leaf else [(f"{name}.grad", one.grad, other.grad)]
    return [*fields, *_mappings(name, vars(one), vars(other), _AS_ATTRIBUTE)]


_AS_ATTRIBUTE, _AS_ITEM = ".{}".format, "[{}]".format


def _dicts(name: str, one: dict[Any, Any], other: dict[Any, Any]) -> list[Part] | str:
    return _mappings(name, one, other, _AS_ITEM)


def _mappings(
    name: str, one: Mapping[Any, Any], other: Mapping[Any, Any], at: Callable[[str], str]
) -> list[Part] | str:
    keys, others = list(one), list(other)
    if len(keys) != len(others):
        return f"{name} has {len(keys)} entries in one run, {len(others)} in the other"
    parts: list[Part] = []
    for number, (key, its) in enumerate(zip(keys, others, strict=True)):
        parts.append((f"key {number} of {name}", key, its))
        parts.append(
            (f"{name}{at(key if at is _AS_ATTRIBUTE and type(key) is str else show(key))}", one[key], other[its])
        )
    return parts


def _sequences(name: str, one: Any, other: Any) -> list[Part] | str:
    if len(one) != len(other):
        return f"{name} has {len(one)} items in one run, {len(other)} in the other"
    return [(f"{name}[{at}]", left, right) for at, (left, right) in enumerate(zip(one, other, strict=True))]


def _sets(name: str, one: Any, other: Any) -> list[Part] | str:
    if len(one) != len(other):
        return f"{name} has {len(one)} elements in one run, {len(other)} in the other"
    if all(map(is_plain, one)) and one != other:
        return f"{name} has other elements in one run than in the other"
    return []


def _functions(name: str, one: types.FunctionType, other: types.FunctionType) -> list[Part] | str:
    if one.__code__ is not other.__code__:
        return f"{name} is another function in one run than in the other"
    return []


def _cells(name: str, one: types.CellType, other: types.CellType) -> list[Part] | str:
    try:
        return [(f"{name}.cell_contents", one.cell_contents, other.cell_contents)]
    except ValueError:
        return []


def _errors(name: str, one: BaseException, other: BaseException) -> list[Part] | str:
    return [(f"{name}.args", one.args, other.args), *_instances(name, one, other)]


def _nothing(name: str, one: object, other: object) -> list[Part]:
    return []


def _instances(name: str, one: object, other: object) -> list[Part]:
    parts: list[Part] = []
    fields = [object.__getattribute__(value, "__dict__") if _has_dict(value) else {} for value in (one, other)]
    found = _mappings(name, *fields, _AS_ATTRIBUTE)  # type: ignore[call-arg]
    if isinstance(found, str):
        return [(f"the attributes of {name}", tuple(fields[0]), tuple(fields[1]))]
    parts += found
    for slot in _slots(type(one)):
        values = [getattr(value, slot, None) for value in (one, other)]
        parts.append((f"{name}.{slot}", *values))  # type: ignore[arg-type]
    return parts


def _has_dict(value: object) -> bool:
    return type(value).__dictoffset__ != 0


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        for name, member in vars(base).items():
            if type(member) is types.MemberDescriptorType and not (base.__module__ or "").startswith("torch"):
                yield name


_KINDS: Mapping[type | tuple[type, ...], Callable[[str, Any, Any], list[Part] | str]] = {
    torch.Tensor: _tensors,
    dict: _dicts,
    (list, tuple, deque): _sequences,
    (set, frozenset): _sets,
    types.FunctionType: _functions,
    types.CellType: _cells,
    BaseException: _errors,
    (type, types.ModuleType, types.BuiltinFunctionType): _nothing,
}
