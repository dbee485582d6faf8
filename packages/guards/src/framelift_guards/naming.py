"""Names of objects that another process has too: classes, modules, functions; and the hash of a code object."""

from __future__ import annotations

import enum
import hashlib
import json
import sys
import types
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from framelift_guards.plain import NotPlain, identity_token

__all__ = ["Called", "NotNamed", "Reader", "Sought", "called", "code_hash", "find", "function_name", "function_named"]
__all__ += ["MAKER", "made_of"]
__all__ += ["IDENTITY", "name_of", "reads"]

RULE = "guards in JSON call only functions marked as readers and a few of Python's"
IDENTITY = "it is told by its identity, which means nothing in another process"
"""Why most objects have no name."""


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


_MARK = "__framelift_reads__"
AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


def reads(function: AnyFunction) -> AnyFunction:
    """Mark a function that guards in JSON may call: it looks at what it is given, and calls nothing that it is given.

    >>> from collections import deque
    >>> @reads
    ... def deque_items(value):
    ...     return list(deque.__iter__(value))
    >>> deque_items(deque([1, 2]))
    [1, 2]
    """
    function.__dict__[_MARK] = True
    return function


class Reader:
    """A function that guards in JSON may call, made of plain data and classes; those of the same parts are equal.

    >>> class Lacks(Reader):
    ...     def __init__(self, name):
    ...         self.name = name
    ...     def parts(self):
    ...         return (self.name,)
    ...     def __call__(self, owner):
    ...         return self.name not in vars(owner)
    >>> Lacks("a") == Lacks("a"), Lacks("a") == Lacks("b"), Lacks("a")(int)
    (True, False, True)
    """

    def parts(self) -> tuple[object, ...]:
        """Return what the class is called with to make this one."""
        raise NotImplementedError

    def __call__(self, value: Any) -> object:
        """Read."""
        raise NotImplementedError

    def _token(self) -> tuple[Hashable, ...]:
        return (type(self), *map(identity_token, self.parts()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reader) and self._token() == other._token()

    def __hash__(self) -> int:
        return hash(self._token())


_NUMERIC = "add and_ floordiv lshift mod mul neg or_ pow rshift sub truediv xor"
_MATHEMATICAL = (
    "acos asin atan ceil copysign cos cosh exp floor isfinite isinf isnan log log2 log10 sin sinh sqrt tan tanh trunc"
)
_LIBRARY = frozenset(
    {
        *[f"builtins:{name}" for name in ("abs", "float", "len", "max", "min", "round")],
        *[f"builtins:{kind.__name__}.__{kind.__name__}__" for kind in (int, float, str, complex)],
        *[f"_operator:{name}" for name in _NUMERIC.split()],
        *[f"math:{name}" for name in _MATHEMATICAL.split()],
        *[f"torch._C:TensorBase.{name}" for name in ("size", "stride", "storage_offset")],
    }
)
"""Functions of other libraries that guards in JSON may call: they compute, or read what a class in C keeps."""


def function_name(function: object) -> str:
    """Return the name of a function that guards in JSON may call.

    Raises:
        NotNamed: it has none, or guards in JSON may not call it.

    >>> function_name(abs)
    'builtins:abs'
    >>> function_name(print)
    Traceback (most recent call last):
    framelift_guards.naming.NotNamed: guards in JSON call only functions marked as readers and a few of Python's
    """
    name = name_of(function)
    if not _is_reader(function) and name not in _LIBRARY:
        raise NotNamed(RULE)
    return name


def function_named(name: str) -> object:
    """Return the function of a name that :func:`function_name` gives, or the subclass of :class:`Reader`.

    Raises:
        NotNamed: there is none, or guards in JSON may not call it.

    >>> function_named("builtins:abs")(-3)
    3
    """
    found = find(name)
    if issubclass(type(found), type) and issubclass(cast(type, found), Reader):
        return found
    if not _is_reader(found) and name not in _LIBRARY:
        raise NotNamed(f"{RULE}, not {name!r}")
    return found


def _is_reader(function: object) -> bool:
    return type(function) is types.FunctionType and _MARK in function.__dict__


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
_bases: Callable[[object], tuple[type, ...]] = vars(type)["__bases__"].__get__


def name_of(value: object) -> str:
    """Return a name by which :func:`find` finds an object.

    Args:
        value: a module or its dictionary, a class or Python function that is what its module and qualified name say,
            a built-in function, a method that a class in C defines, a property of such a class, a member of an
            enumeration, a ``torch.dtype``.

    Raises:
        NotNamed: it is none of these; the text says why.

    >>> name_of(int), name_of(json), name_of(str.upper), name_of(type(None))
    ('builtins:int', 'json:', 'builtins:str.upper', 'types:NoneType')
    """
    kind = type(value)
    if issubclass(kind, enum.Enum):
        module, outer = _of_class(kind)
        name = f"{outer}.{cast(enum.Enum, value)._name_}"
        why = "it is a combination of members, or its class is not what its module has under its qualified name"
    elif kind is property:
        named = next((one for one in _functions_of(value) if type(one) is types.FunctionType), None)
        module, name = ("", "") if named is None else (named.__module__, named.__qualname__)
        why = "its class does not have it under the name of its function"
    elif kind is dict:
        module, name = _of_variables(cast("dict[object, object]", value))
        why = IDENTITY
    elif _kind_name(kind) in _PRINTED_BY_NAME:
        module, _, name = repr(value).rpartition(".")
        why = "it is not what its name says"
    elif issubclass(kind, type):
        module, name = _of_class(cast(type, value))
        why = "it is a class that its module does not have under its qualified name"
    elif kind is types.ModuleType:
        module, name = cast(types.ModuleType, value).__name__, ""
        why = "it is a module that was not imported under its name"
    elif kind is types.FunctionType:
        function = cast(types.FunctionType, value)
        module, name = function.__module__, function.__qualname__
        why = "it is a function that its module does not have under its qualified name"
        holder = _look_up(module, name) if type(module) is str else None
        for part in _OF_DESCRIPTORS.get(type(holder), ()):
            if getattr(holder, part) is value:
                name = f"{name}.{part}"
    elif kind is types.BuiltinFunctionType:
        owner = cast(types.BuiltinFunctionType, value)
        module, name = owner.__module__ or "builtins", owner.__qualname__
        if _look_up(module, name) is not value:
            name = owner.__name__  # torch.add calls itself a method of a class
        why = "it is bound to an object"
    elif kind in _DESCRIPTORS:
        module, outer = _of_class(cast(Any, value).__objclass__)
        name = f"{outer}.{cast(Any, value).__name__}"
        why = "its class does not have it under its name"
    else:
        raise NotNamed(IDENTITY)
    if type(module) is not str or type(name) is not str or _look_up(module, name) is not value:
        raise NotNamed(why)
    return f"{module}:{name}"


MAKER = "__framelift_maker__"
"""What a class that is made of another one holds the name of its maker under; see :func:`made_of`."""


def made_of(value: object) -> tuple[str, type] | None:
    """Return the maker's name and the class that another class was made of, if it says so.

    The maker is a function marked by :func:`reads` that finds the class, given the other; its first base.

    >>> made_of(int)
    >>> made_of(type("Made", (int,), {MAKER: "shop:made"}))
    ('shop:made', <class 'int'>)
    """
    if not issubclass(type(value), type):
        return None
    maker = _variables(value).get(MAKER)
    return (maker, _bases(value)[0]) if type(maker) is str else None


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


_OF_DESCRIPTORS: dict[type, tuple[str, ...]] = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
}
"""Where descriptors hold functions, which call themselves by the descriptor's name."""
_PRINTED_BY_NAME = frozenset({"torch:dtype", "torch:layout", "torch:memory_format", "torch:qscheme"})
"""Classes in C each of whose instances is the only one that prints as it does: by its name."""


def _kind_name(kind: type) -> str:
    module, name = _of_class(kind)
    return f"{module}:{name}"


def _functions_of(value: object) -> tuple[object, ...]:
    found = cast(property, value)
    return found.fget, found.fset, found.fdel


def _of_variables(variables: dict[object, object]) -> tuple[str, str]:
    """Return the name of the variables of a module, or of the dictionary of all modules."""
    if variables is sys.modules:
        return "sys", "modules"
    name = dict.get(variables, "__name__")
    return (name, "__dict__") if type(name) is str else ("", "")


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
            variables = object.__getattribute__(found, "__dict__")
            found = variables if part == "__dict__" else variables.get(part)
        elif issubclass(type(found), type):
            members = _variables(found).get("_member_map_") if issubclass(cast(type, found), enum.Enum) else None
            found = _variables(found).get(part) if type(members) is not dict else _member(found, members, part)
        elif part in _OF_DESCRIPTORS.get(type(found), ()):
            found = getattr(found, part)
        else:
            return None
    return found


def _member(found: object, members: dict[str, object], part: str) -> object:
    return members[part] if part in members else _variables(found).get(part)


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
