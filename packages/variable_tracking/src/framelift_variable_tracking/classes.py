"""Facts about classes, read without running any of their code."""

from __future__ import annotations

import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from typing import Any

_MRO = type.__dict__["__mro__"]
_NAMESPACE = type.__dict__["__dict__"]
_HEAPTYPE = 1 << 9
_TYPE_SUBCLASS = 1 << 31
"""Py_TPFLAGS_TYPE_SUBCLASS (Include/object.h)."""

_OF_C = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)


def mro_of(cls: type) -> tuple[type, ...]:
    """Return the MRO of a class, past any `__mro__` of its metaclass.

    >>> mro_of(bool)
    (<class 'bool'>, <class 'int'>, <class 'object'>)
    """
    mro: tuple[type, ...] = _MRO.__get__(cls)
    return mro


def namespace_of(cls: type) -> Mapping[str, Any]:
    """Return the attributes that a class itself defines."""
    namespace: Mapping[str, Any] = _NAMESPACE.__get__(cls)
    return namespace


def is_subclass(cls: type, base: type) -> bool:
    """Tell whether `base` is in the MRO of `cls`; no `__subclasscheck__` is asked.

    >>> is_subclass(bool, int)
    True
    """
    return base in mro_of(cls)


def is_class(cls: type) -> bool:
    """Tell whether instances of `cls` are classes: whether it is a metaclass.

    >>> is_class(type), is_class(int)
    (True, False)
    """
    return bool(cls.__flags__ & _TYPE_SUBCLASS)


def is_odd(metaclass: type) -> bool:
    """Tell whether a metaclass changes how its classes are hashed, compared, or asked for attributes.

    Such a class can't be used as any other: its metaclass would run.

    >>> class Meta(type):
    ...     __hash__ = None
    >>> is_odd(Meta), is_odd(type)
    (True, False)
    """
    for base in mro_of(metaclass):
        if base is type:
            return False
        namespace = namespace_of(base)
        if "__hash__" in namespace or "__eq__" in namespace or "__getattribute__" in namespace:
            return True
    return True


def name_of(cls: type) -> str:
    """Return the name that CPython's messages use for a class: with its module for classes of C code.

    >>> import collections
    >>> name_of(int), name_of(collections.deque)
    ('int', 'collections.deque')
    """
    name: str = type.__dict__["__name__"].__get__(cls)
    if made_in_python(cls):
        return name
    module = type.__dict__["__module__"].__get__(cls)
    return name if module == "builtins" else f"{module}.{name}"


def made_in_python(cls: type) -> bool:
    """Tell whether a class statement (or `type()`) made the class.

    Classes of C code define slots as descriptors of their own; a class statement never does.

    >>> class Mine(list): ...
    >>> made_in_python(Mine), made_in_python(list)
    (True, False)
    """
    if not cls.__flags__ & _HEAPTYPE:
        return False
    for attribute in namespace_of(cls).values():
        kind = type(attribute)
        if kind in _OF_C and attribute.__objclass__ is cls:
            return False
        if kind is types.BuiltinFunctionType and attribute.__self__ is cls:
            return False
    return True


def native_base(cls: type) -> type:
    """Return the nearest class of the MRO that C code made: what instances hold besides their attributes.

    >>> class Mine(list): ...
    >>> native_base(Mine)
    <class 'list'>
    """
    for base in mro_of(cls):
        if not made_in_python(base) and not _adds_nothing(base):
            return base
    return object


def _adds_nothing(cls: type) -> bool:
    """Tell whether C code made a class whose instances are as those of `object`: `typing.Generic` from 3.12 on."""
    if cls is object or cls.__basicsize__ != object.__basicsize__ or cls.__itemsize__:
        return False
    kinds = {type(attribute) for attribute in namespace_of(cls).values()}
    return kinds <= {types.ClassMethodDescriptorType, str, type(None)}


PAYLOADS: frozenset[type] = frozenset({
    int, float, str, bytes, complex, list, dict, set, frozenset, tuple, deque, OrderedDict, defaultdict,
    types.ModuleType,
})  # fmt: skip
"""Built-in classes whose subclasses made in Python are known."""


def calls_back(cls: type, base: type, method: str) -> bool:
    """Tell whether a C method of `base` calls methods that `cls` overrides: some of OrderedDict do, unlike dict's.

    Which ones do is read off Objects/odictobject.c, where they ask `PyODict_CheckExact` or store by `PyObject_SetItem`.

    >>> class Logged(OrderedDict):
    ...     def __setitem__(self, key, value): ...
    >>> calls_back(Logged, OrderedDict, "update"), calls_back(Logged, OrderedDict, "move_to_end")
    (True, False)
    """
    if base is not OrderedDict or method not in _CALLING_BACK:
        return False
    between = mro_of(cls)[: mro_of(cls).index(base)]
    return any(name in namespace_of(one) for one in between for name in _CALLED_BACK)


def makes_its_own(base: type, method: str) -> bool:
    """Tell whether a C method of `base` makes its result by calling the subclass of what it is called on.

    Read off Objects/odictobject.c and Modules/_collectionsmodule.c.

    >>> makes_its_own(OrderedDict, "copy"), makes_its_own(dict, "copy")
    (True, False)
    """
    return method in _MAKING_THEIR_OWN.get(base, ())


_MAKING_THEIR_OWN: dict[type, frozenset[str]] = {
    OrderedDict: frozenset({"__copy__", "__or__", "__ror__", "copy"}),
    defaultdict: frozenset({"__copy__", "__or__", "__ror__", "copy"}),
    deque: frozenset({"__add__", "__copy__", "__mul__", "__rmul__", "copy"}),
}

_CALLING_BACK = frozenset({
    "__init__", "__ior__", "__or__", "__reduce__", "__repr__", "__ror__", "copy", "fromkeys", "pop", "popitem",
    "setdefault", "update",
})  # fmt: skip

_CALLED_BACK = ("__contains__", "__delitem__", "__getitem__", "__iter__", "__setitem__", "items", "keys")


def has_instance_dict(cls: type) -> bool:
    """Tell whether instances have a `__dict__`."""
    return cls.__dictoffset__ != 0
