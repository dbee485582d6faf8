"""Comparison of a lifted function with CPython: results, arguments afterwards, exceptions, aliasing."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from driver import Lifted, lift, outcome_of

ATOMS = (int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), range, slice)


def canonical(value: Any, seen: dict[int, int] | None = None) -> Any:
    """Return a structure that is equal for two values that no program can tell apart, aliasing included."""
    seen = {} if seen is None else seen
    kind = type(value)
    if kind in ATOMS:
        return kind.__name__, repr(value)
    if isinstance(value, type) or kind in (types.ModuleType, types.BuiltinFunctionType, types.CodeType):
        return "reference", id(value) if not isinstance(value, types.CodeType) else value.co_qualname
    if id(value) in seen:
        return "again", seen[id(value)]
    seen[id(value)] = len(seen)
    return kind, *_parts(value, seen)


def _parts(value: Any, seen: dict[int, int]) -> tuple[Any, ...]:
    def deep(part: Any) -> Any:
        return canonical(part, seen)

    parts: list[Any] = []
    if isinstance(value, (list, tuple)):
        parts.append(
            [deep(item) for item in tuple.__iter__(value)]
            if isinstance(value, tuple)
            else [deep(item) for item in list.__iter__(value)]
        )
    elif isinstance(value, dict):
        parts.append([(deep(key), deep(item)) for key, item in dict.items(value)])
        parts.append(deep(getattr(value, "default_factory", None)))
    elif isinstance(value, (set, frozenset)):
        parts.append(sorted(repr(deep(item)) for item in value))
    elif isinstance(value, types.FunctionType):
        parts += [
            value.__code__.co_code,
            value.__name__,
            value.__qualname__,
            deep(value.__defaults__),
            deep(value.__kwdefaults__),
        ]
        parts.append([deep(cell) for cell in value.__closure__ or ()])
        parts.append(deep(value.__annotations__))
    elif isinstance(value, types.CellType):
        try:
            parts.append(deep(value.cell_contents))
        except ValueError:
            parts.append("empty")
    elif isinstance(value, types.MethodType):
        parts += [deep(value.__func__), deep(value.__self__)]
    elif isinstance(value, BaseException):
        parts += [deep(value.args), deep(value.__cause__), deep(value.__context__), value.__suppress_context__]
    elif isinstance(value, (property, staticmethod, classmethod)):
        parts.append([deep(getattr(value, name, None)) for name in ("fget", "fset", "fdel", "__func__")])
    for base in type(value).__mro__:
        for name, member in vars(base).items():
            if isinstance(member, types.MemberDescriptorType) and base.__flags__ & 1 << 9:
                parts.append((name, deep(getattr(value, name, "<empty>"))))
    fields = getattr(value, "__dict__", None)
    if isinstance(fields, dict) and not isinstance(value, type):
        parts.append([(name, deep(field)) for name, field in fields.items()])
    return tuple(parts)


def check(function: Callable[..., Any], *makers: Callable[[], tuple[Any, ...]], again: bool = True) -> Lifted:
    """Call a function natively and lifted with what each of `makers` makes, and compare all that can be seen.

    Args:
        function: the function.
        makers: each makes the arguments of one call, anew for each of the calls that are compared.
        again: a second call with equal arguments must be served by the first capture.
    """
    lifted = lift(function)
    for make in makers or (lambda: (),):
        _compare(function, lifted, make)
        captures = len(lifted.captures)
        _compare(function, lifted, make)
        if again:
            assert len(lifted.captures) == captures, "a second call with equal arguments was captured anew"
    return lifted


def _compare(function: Callable[..., Any], lifted: Lifted, make: Callable[[], tuple[Any, ...]]) -> None:
    native_arguments, arguments = make(), make()
    expected = outcome_of(function, *native_arguments)
    found = outcome_of(lifted, *arguments)
    wanted, given = canonical([expected, native_arguments]), canonical([found, arguments])
    assert given == wanted, f"{found!r}, arguments {arguments!r}\nexpected {expected!r}, arguments {native_arguments!r}"
