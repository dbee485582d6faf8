"""Look-ups that take no detour through the user's code; generated code calls them."""

from __future__ import annotations

import itertools
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import cast

from framelift_guards.naming import reads

dict_item = cast(Callable[[object, object], object], dict.__getitem__)
list_item = cast(Callable[[object, object], object], list.__getitem__)
tuple_item = cast(Callable[[object, object], object], tuple.__getitem__)
instance_attribute = cast(Callable[[object, str], object], object.__getattribute__)

_GETATTRIBUTE: object = vars(object)["__getattribute__"]


def alive(value: object) -> object:
    """Return what a weak reference gave.

    Raises:
        ReferenceError: when that is ``None``.
    """
    if value is None:
        raise ReferenceError("the constant no longer exists")
    return value


def has_ordinary_dict(kind: type) -> bool:
    """Tell whether ``instance.__dict__`` is the plain instance dictionary for instances of ``kind``."""
    found = [vars(base)["__dict__"] for base in kind.__mro__ if "__dict__" in vars(base)]
    return (
        class_attribute(kind, "__getattribute__") is _GETATTRIBUTE
        and bool(found)
        and all(type(item) is types.GetSetDescriptorType for item in found)
    )


def class_attribute(owner: object, name: str) -> object:
    """Return ``name`` from the first class of the MRO that has it, without binding it.

    Raises:
        AttributeError: when no class has it.
    """
    for base in type.__dict__["__mro__"].__get__(owner):
        variables = type.__dict__["__dict__"].__get__(base)
        if name in variables:
            return variables[name]
    raise AttributeError(name)


def slot_value(value: object, owner: object, name: str) -> object:
    """Return the value of the descriptor ``name`` of the class ``owner`` on ``value``."""
    descriptor = type.__dict__["__dict__"].__get__(owner)[name]
    return type(descriptor).__get__(descriptor, value, type(value))


@reads
def dict_keys(value: object) -> Iterable[object]:
    """Return the keys of a dictionary in order, past any ``__iter__`` of its class.

    An ``OrderedDict`` has an order of its own, which ``move_to_end`` changes.

    Raises:
        TypeError: when it is not a dictionary.
    """
    kind = type(value)
    if kind is dict:
        return value  # type: ignore[return-value]
    if issubclass(kind, OrderedDict):
        return OrderedDict.__iter__(value)  # type: ignore[arg-type]
    return dict.__iter__(value)  # type: ignore[arg-type]


def nth_key(value: object, index: int) -> object:
    """Return the ``index``-th key of a dictionary.

    Raises:
        IndexError: when there are fewer keys.
    """
    for key in itertools.islice(dict_keys(value), index, None):
        return key
    raise IndexError(index)
