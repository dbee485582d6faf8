"""How a guard holds an object that it compares by identity: weakly wherever that is possible.

A cache of specialisations must not keep a model, a tensor, a function or a class of the user alive. A class that is
importable under its own name, and what lives in C for the life of the process, is held strongly, since a plain name
is checked faster than a call of a weak reference.
"""

from __future__ import annotations

import ast
import sys
import types
import weakref
from typing import Protocol


class ConstantHolder(Protocol):
    """What a reference needs of a code builder: a name for a constant."""

    def very(self, value: object, hint: str = "object") -> ast.expr:
        """Return an expression for this very object, held by the generated namespace."""


_weakref_offset = vars(type)["__weakrefoffset__"].__get__
_type_variables = vars(type)["__dict__"].__get__


def _importable(value: object) -> bool:
    """Tell whether a class is what its module and qualified name say, so that it lives on without us."""
    module, name = [type.__getattribute__(value, attr) for attr in ("__module__", "__qualname__")]
    found: object = sys.modules.get(module) if type(module) is str else None
    for part in name.split("."):
        if issubclass(type(found), types.ModuleType):
            scope = object.__getattribute__(found, "__dict__")
        elif issubclass(type(found), type):
            scope = _type_variables(found)
        else:
            return False
        found = scope.get(part)
    return found is value


def _held_strongly(value: object) -> bool:
    kind = type(value)
    if issubclass(kind, type):
        return _importable(value)
    if kind is types.BuiltinFunctionType:
        return value.__self__ is None or type(value.__self__) is types.ModuleType  # type: ignore[attr-defined]
    return kind is types.ModuleType or not _weakref_offset(kind)


class Reference:
    """A reference to one object, weak where that is possible.

    Args:
        value: the object.
        strong: hold it strongly whatever it is.

    >>> class Model: ...
    >>> model = Model()
    >>> reference = Reference(model)
    >>> reference.refers_to(model)
    True
    >>> del model
    >>> reference.alive
    False
    """

    __slots__ = ("_identity", "_strong", "_weak")

    def __init__(self, value: object, *, strong: bool = False) -> None:
        self._identity = id(value)
        self._weak: weakref.ref[object] | None = None
        self._strong: object = None
        if strong or _held_strongly(value):
            self._strong = value
        else:
            self._weak = weakref.ref(value)

    @property
    def weak(self) -> bool:
        """Whether the object may die while this reference lives."""
        return self._weak is not None

    @property
    def held(self) -> object:
        """What is held: the object, or a weak reference to it."""
        return self._strong if self._weak is None else self._weak

    @property
    def alive(self) -> bool:
        """Whether the object still exists."""
        return self._weak is None or self._weak() is not None

    def get(self) -> object:
        """Return the object.

        Raises:
            ReferenceError: when it has died.
        """
        if self._weak is None:
            return self._strong
        value = self._weak()
        if value is None:
            raise ReferenceError("the object that the guard was made for no longer exists")
        return value

    def refers_to(self, value: object) -> bool:
        """Tell whether ``value`` is the object referred to."""
        if self._weak is None:
            return self._strong is value
        return value is not None and self._weak() is value

    def to_ast(self, builder: ConstantHolder, hint: str) -> ast.expr:
        """Return an expression for the object; it gives ``None`` once the object has died."""
        if self._weak is None:
            return builder.very(self._strong, hint)
        return ast.Call(builder.very(self._weak, f"{hint}_ref"), [], [])

    def __eq__(self, other: object) -> bool:
        if type(other) is not Reference:
            return NotImplemented
        if self._identity != other._identity or self.weak is not other.weak:
            return False
        return self.alive and other.refers_to(self.get())

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        state = "" if self.alive else " dead"
        return f"<Reference {'weak' if self.weak else 'strong'}{state} {self._identity:#x}>"
