"""Names of objects that another process has too: classes, modules, functions; and the hash of a code object."""

from __future__ import annotations

import hashlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from framelift_guards.plain import NotPlain

__all__ = ["Called", "NotNamed", "Sought", "called", "code_hash", "find", "name_of"]


class NotNamed(TypeError):
    """An object that no name stands for, or a name that stands for nothing here.

    >>> name_of(object())
    Traceback (most recent call last):
    framelift_guards.naming.NotNamed: it is told by its identity, which means nothing in another process
    """


@dataclass(frozen=True)
class Called:
    """A function that a guard calls, as an ingredient of it.

    >>> called(Called(len)), called(3)
    (<built-in function len>, 3)
    """

    function: object


@dataclass(frozen=True)
class Sought:
    """A key that is looked up in a container, as an ingredient of a guard.

    >>> Sought("a").key
    'a'
    """

    key: object


def called(ingredient: object) -> object:
    """Return the function of a :class:`Called`, or plain data as it is.

    Raises:
        TypeError: for anything else that may be called: nobody vouched for it.
    """
    if type(ingredient) is Called:
        return ingredient.function
    if callable(ingredient):
        raise TypeError("a guard calls only functions that are marked as such")
    return ingredient


_DESCRIPTORS = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.ClassMethodDescriptorType,
)
_BUILTIN_TYPES: dict[type, str] = {kind: name for name, kind in vars(types).items() if type(kind) is type}
_BUILTIN_TYPES |= {
    type(one): type(one).__qualname__
    for one in (iter(()), iter([]), iter(range(0)), iter(range(1 << 70)), iter(""), iter(b""), iter({}), iter(set()))
}
_TYPE_NAMED: dict[str, type] = {name: kind for kind, name in _BUILTIN_TYPES.items()}
_variables: Callable[[object], dict[str, object]] = vars(type)["__dict__"].__get__


def name_of(value: object) -> str:
    """Return a name by which :func:`find` finds an object.

    Args:
        value: a module, a class or Python function that is what its module and qualified name say, a built-in
            function, or a method that a class in C defines.

    Raises:
        NotNamed: it is none of these; the text says why.

    >>> name_of(int), name_of(json), name_of(str.upper), name_of(type(None))
    ('builtins:int', 'json:', 'builtins:str.upper', 'types:NoneType')
    """
    kind = type(value)
    if issubclass(kind, type):
        module, name = _of_class(cast(type, value))
        why = "it is a class that its module does not have under its qualified name"
    elif kind is types.ModuleType:
        module, name = cast(types.ModuleType, value).__name__, ""
        why = "it is a module that was not imported under its name"
    elif kind is types.FunctionType:
        function = cast(types.FunctionType, value)
        module, name = function.__module__, function.__qualname__
        why = "it is a function that its module does not have under its qualified name"
    elif kind is types.BuiltinFunctionType:
        owner = cast(types.BuiltinFunctionType, value)
        module, name = owner.__module__ or "builtins", owner.__qualname__
        why = "it is bound to an object"
    elif kind in _DESCRIPTORS:
        module, outer = _of_class(cast(Any, value).__objclass__)
        name = f"{outer}.{cast(Any, value).__name__}"
        why = "its class does not have it under its name"
    else:
        raise NotNamed("it is told by its identity, which means nothing in another process")
    if type(module) is not str or type(name) is not str or _look_up(module, name) is not value:
        raise NotNamed(why)
    return f"{module}:{name}"


def find(name: str) -> object:
    """Return the object that a name stands for, in modules that have been imported.

    Raises:
        NotNamed: there is none.

    >>> find("builtins:int"), find("shop:Order")
    Traceback (most recent call last):
    framelift_guards.naming.NotNamed: nothing here is called 'shop:Order'; import 'shop' first
    """
    module, _, path = name.partition(":")
    found = _look_up(module, path)
    if found is None:
        raise NotNamed(f"nothing here is called {name!r}; import {module!r} first")
    return found


def _of_class(value: type) -> tuple[str, str]:
    if value in _BUILTIN_TYPES:
        return "types", _BUILTIN_TYPES[value]
    return type.__getattribute__(value, "__module__"), type.__getattribute__(value, "__qualname__")


def _look_up(module: str, path: str) -> object:
    if module == "types" and path in _TYPE_NAMED:
        return _TYPE_NAMED[path]
    found: object = sys.modules.get(module)
    for part in path.split(".") if path else ():
        if issubclass(type(found), types.ModuleType):
            found = object.__getattribute__(found, "__dict__").get(part)
        elif issubclass(type(found), type):
            found = _variables(found).get(part)
        else:
            return None
    return found


def code_hash(code: types.CodeType) -> str:
    """Return a hash of what a code object does; where it stands in its file makes no difference.

    It is that of one version of CPython: others compile to other instructions.

    >>> code_hash((lambda n: n + 1).__code__) == code_hash((lambda n: n + 1).__code__)
    True
    >>> code_hash((lambda n: n + 1).__code__) == code_hash((lambda n: n + 2).__code__)
    False
    """
    return hashlib.sha256(json.dumps(list(_contents(code))).encode()).hexdigest()


def _contents(code: types.CodeType) -> Iterator[object]:
    yield sys.implementation.cache_tag
    yield code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
    yield code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    yield code.co_code.hex(), code.co_exceptiontable.hex()
    yield [_constant(constant) for constant in code.co_consts]


def _constant(value: object) -> object:
    if type(value) is types.CodeType:
        return ["code", code_hash(value)]
    if type(value) in (tuple, frozenset):
        items = [_constant(item) for item in cast(tuple[object, ...], value)]
        return [type(value).__name__, items if type(value) is tuple else sorted(items, key=repr)]
    if type(value) is float:
        return ["float", value.hex()]
    if type(value) is complex:
        return ["complex", value.real.hex(), value.imag.hex()]
    if type(value) is int:
        return ["int", hex(value)]
    if type(value) in (str, bytes, bool, type(None), type(Ellipsis), slice):
        return [type(value).__name__, ascii(value)]
    raise NotPlain(f"a code object with a constant of type {type(value).__qualname__!r} was not compiled from source")
