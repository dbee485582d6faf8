"""Which Python functions an operation on real objects runs: CPython's slots, resolved as Objects/typeobject.c does.

An operation whose functions are all C's is done natively; one that runs a Python function is entered, either in that
function or, where more than one may run, in a polyfill that calls them in CPython's order.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, MethodType, MethodWrapperType, ModuleType, WrapperDescriptorType
from typing import Any, Final, TypeAlias

Attempts: TypeAlias = tuple[tuple[Callable[[Any], Any], Any], ...]
"""Bound methods and their operand, to be called until one knows the answer."""

ABSENT: Final = object()
"""What `on_type` answers where no class has the name."""

BUILTIN_TYPES: Final = frozenset(
    found for found in vars(builtins).values() if isinstance(found, type) and found not in (object, super, type)
) | {type(None), type(Ellipsis), type(NotImplemented), FunctionType, type(len), ModuleType}
"""Types of C, whose operations are C's; for what they do with their items see each operation."""

_SEQUENCES: Final = frozenset((list, tuple, str, bytes, bytearray))
_BINARY_NAMES: Final[Mapping[str, str]] = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "lshift",
    ">>": "rshift",
}
_COMPARISON_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "<": ("__lt__", "__gt__"),
    "<=": ("__le__", "__ge__"),
    "==": ("__eq__", "__eq__"),
    "!=": ("__ne__", "__ne__"),
    ">": ("__gt__", "__lt__"),
    ">=": ("__ge__", "__le__"),
}
UNARY_NAMES: Final[Mapping[str, str]] = {"-": "__neg__", "+": "__pos__", "~": "__invert__"}
"""The special method of each prefix operator; `not` asks for the truth."""

_OPERATORS: Final = (
    *(f"__{prefix}{name}__" for name in _BINARY_NAMES.values() for prefix in ("", "r", "i")),
    *(name for name, _ in _COMPARISON_NAMES.values()),
    *UNARY_NAMES.values(),
    "__bool__",
    "__len__",
)


def on_type(cls: type, name: str) -> Any:
    """What a class has under a name, as it is in the class that defines it; ABSENT where none does."""
    for base in cls.__mro__ or ():  # a class that is being made has none
        namespace = base.__dict__
        if name in namespace:
            return namespace[name]
    return ABSENT


def operates_in_c(value: Any) -> bool:
    """Whether no operator or truth of values of this type runs Python code, as far as their own methods go."""
    cls = type(value)
    return not any(type(on_type(cls, name)) is FunctionType for name in _OPERATORS)


def python_method(value: Any, name: str) -> FunctionType | None:
    """The special method of a value, where that is a Python function."""
    cls = type(value)
    if cls in BUILTIN_TYPES:
        return None
    found = on_type(cls, name)
    return found if type(found) is FunctionType else None


def bound(found: Any, owner: Any) -> Any:
    """A special method of a class bound to its owner."""
    if type(found) is FunctionType:
        return MethodType(found, owner)
    if owner is None:  # a descriptor takes None for the absence of an owner
        return partial(found, None)
    if _is_concatenation(found) and found.__name__ in {"__mul__", "__rmul__"}:
        return partial(_repeated, found, owner)
    bind = getattr(type(found), "__get__", None)
    return found if bind is None else bind(found, owner, type(owner))


def runs_python(attempts: Attempts) -> bool:
    """Whether one of them is a method in Python."""
    return any(type(method) is MethodType for method, _ in attempts)


def _is_concatenation(found: Any) -> bool:
    """Whether it is the `+` or `*` of a C sequence, which CPython asks after the operators of both operands."""
    return type(found) is WrapperDescriptorType and found.__objclass__ in _SEQUENCES


def _is_concatenation_of(method: Any) -> bool:
    return type(method) is MethodWrapperType and _is_concatenation(on_type(method.__objclass__, method.__name__))


def _repeated(found: Any, sequence: Any, count: Any) -> Any:
    if on_type(type(count), "__index__") is ABSENT:
        raise TypeError(f"can't multiply sequence by non-int of type '{type(count).__name__}'")
    return found(sequence, count)


def binary_attempts(op: str, left: Any, right: Any) -> Attempts:
    """The methods of `left op right`, in order (Objects/abstract.c, binary_op1, and typeobject.c, SLOT1BINFULL)."""
    name = _BINARY_NAMES[op]
    first, second = type(left), type(right)
    forward = on_type(first, f"__{name}__")
    attempts = [] if forward is ABSENT else [(bound(forward, left), right)]
    if second is not first:
        reflected = on_type(second, f"__r{name}__")
        if reflected is not ABSENT:
            overloads = second in BUILTIN_TYPES or on_type(first, f"__r{name}__") is not reflected
            sooner = (issubclass_in_mro(second, first) and overloads) or (
                _is_concatenation(forward) and op in {"+", "*"} and not _is_concatenation(reflected)
            )
            attempts.insert(0 if sooner else len(attempts), (bound(reflected, right), left))
    return tuple(attempts)


def inplace_attempts(op: str, left: Any, right: Any) -> Attempts:
    """The methods of `left op= right`, in order."""
    found = on_type(type(left), f"__i{_BINARY_NAMES[op]}__")
    attempts = binary_attempts(op, left, right)
    if found is ABSENT:
        return attempts
    inplace = bound(found, left), right
    if _is_concatenation(found):  # instead of the `+` of the sequence, and like it after the operators of both operands
        return (*(known for known in attempts if not _is_concatenation_of(known[0])), inplace)
    return inplace, *attempts


def comparison_attempts(op: str, left: Any, right: Any) -> Attempts:
    """The methods of `left op right`, in order (Objects/object.c, do_richcompare); every class has all of them."""
    name, reflected = _COMPARISON_NAMES[op]
    first, second = type(left), type(right)
    attempts = [(_comparison(left, name), right), (_comparison(right, reflected), left)]
    if first is not second and issubclass_in_mro(second, first):
        attempts.reverse()
    return tuple(attempts)


def _comparison(owner: Any, name: str) -> Any:
    found = on_type(type(owner), name)
    if found is object.__ne__:
        equality = on_type(type(owner), "__eq__")
        if type(equality) is FunctionType:
            return MethodType(unequal, MethodType(equality, owner))
    return bound(found, owner)


def unequal(equality: Callable[[Any], Any], other: Any) -> Any:
    """`object.__ne__` (Objects/typeobject.c, object_richcompare)."""
    result = equality(other)
    return result if result is NotImplemented else not result


def issubclass_in_mro(cls: type, parent: type) -> bool:
    """Whether a class is another or has it in its MRO, whatever `__subclasscheck__` says."""
    return any(base is parent for base in cls.__mro__)


def getting(
    owner: Any, name: str, *, hooks: bool = True
) -> tuple[FunctionType | None, FunctionType | None, tuple[Any, ...]]:
    """What Python code `owner.name` runs (Objects/object.c, _PyObject_GenericGetAttrWithDict, and typeobject.c).

    Returns:
        The function that is called first, on the arguments that come last, and the `__getattr__` that is called if
        that one, or C code in its place, raises AttributeError. None, where it is C code or absent.
        Without `hooks`, what `object.__getattribute__` runs.
    """
    cls = type(owner)
    general = on_type(cls, "__getattribute__") if hooks else ABSENT
    fallback = on_type(cls, "__getattr__") if hooks else ABSENT
    last = fallback if type(fallback) is FunctionType else None
    if type(general) is FunctionType:
        return general, last, (owner, name)
    if cls is super:
        mro = (owner.__self_class__.__mro__ or ()) if owner.__self_class__ is not None else ()
        after = iter(mro)
        if any(base is owner.__thisclass__ for base in after):
            for base in after:
                if name in base.__dict__:
                    instance = None if owner.__self__ is owner.__self_class__ else owner.__self__
                    return _descriptor_get(base.__dict__[name], instance, owner.__self_class__, last)
        return None, last, ()
    found = on_type(cls, name)
    if found is not ABSENT:
        if _is_data(found):
            return _descriptor_get(found, owner, cls, last)
        if not is_class(owner):
            if name in _namespace(owner):
                return None, last, ()
            return _descriptor_get(found, owner, cls, last)
    if is_class(owner):
        on_owner = on_type(owner, name)
        if on_owner is not ABSENT:
            return _descriptor_get(on_owner, None, owner, last)
        if found is not ABSENT:
            return _descriptor_get(found, owner, cls, last)
    return None, last, ()


def is_class(value: Any) -> bool:
    """Whether a value is a class, without asking its own `__class__`."""
    return issubclass_in_mro(type(value), type)


def _is_property(found: Any) -> bool:
    return issubclass_in_mro(type(found), property)


def _namespace(owner: Any) -> Any:
    """What an object holds by itself, without asking its class's own `__getattribute__`."""
    try:
        return object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return ()


def _is_data(found: Any) -> bool:
    kind = type(found)
    return on_type(kind, "__set__") is not ABSENT or on_type(kind, "__delete__") is not ABSENT


def _descriptor_get(
    found: Any, owner: Any, cls: type, last: FunctionType | None
) -> tuple[FunctionType | None, FunctionType | None, tuple[Any, ...]]:
    if _is_property(found) and on_type(type(found), "__get__") is property.__get__:
        if owner is not None and type(found.fget) is FunctionType:
            return found.fget, last, (owner,)
        return None, last, ()
    get = python_method(found, "__get__")
    return (None, last, ()) if get is None else (get, last, (found, owner, cls))


def attribute_is_plain(owner: Any, name: str) -> bool:
    """Whether `owner.name` runs no Python code, for this owner and all others of its type."""
    cls = type(owner)
    if cls in BUILTIN_TYPES:
        return True
    if is_class(owner) or cls is super:
        return False
    if FunctionType in {type(on_type(cls, "__getattribute__")), type(on_type(cls, "__getattr__"))}:
        return False
    found = on_type(cls, name)
    return found is ABSENT or (not _is_property(found) and python_method(found, "__get__") is None)


def setting(owner: Any, name: str, *, hooks: bool = True) -> tuple[FunctionType, tuple[Any, ...]] | None:
    """The Python function that `owner.name = value` calls, and its arguments before the value."""
    return _changing(owner, name, "__setattr__" if hooks else "", "__set__", "fset")


def deleting(owner: Any, name: str, *, hooks: bool = True) -> tuple[FunctionType, tuple[Any, ...]] | None:
    """The Python function that `del owner.name` calls, and its arguments."""
    return _changing(owner, name, "__delattr__" if hooks else "", "__delete__", "fdel")


def _changing(
    owner: Any, name: str, general: str, special: str, accessor: str
) -> tuple[FunctionType, tuple[Any, ...]] | None:
    method = python_method(owner, general)
    if method is not None:
        return method, (owner, name)
    found = on_type(type(owner), name)
    if _is_property(found) and on_type(type(found), special) is getattr(property, special):
        function = getattr(found, accessor)
        return (function, (owner,)) if type(function) is FunctionType else None
    descriptor = None if found is ABSENT else python_method(found, special)
    return None if descriptor is None else (descriptor, (found, owner))
