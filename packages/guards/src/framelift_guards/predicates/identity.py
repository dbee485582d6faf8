"""Predicates about identity and type: they never look inside the value."""

from __future__ import annotations

import ast
import types
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from framelift_guards.codegen import Builder
from framelift_guards.naming import code_hash
from framelift_guards.plain import show, type_name
from framelift_guards.reference import Reference
from framelift_guards.source import Scope, Source

from .base import Predicate, again, both, compare, either, is_exactly

SAME_OBJECT = "make that object once, and pass the same one in each call"
SAME_FUNCTION = "define that function once, and pass the same one in each call"
DIFFERENT_OBJECTS = "pass different objects, as before"
"""What to do where identity is guarded."""
ONE_TYPE = "pass objects of one type, or lift a function for each type"
"""What to do where a type is guarded."""


@dataclass(frozen=True, eq=False, repr=False)
class Is(Predicate):
    """The value is this very object, held weakly where that is possible; when it dies the guard fails for good.

    Args:
        value: the object. Hold no mutable container by this: use its type, length and keys instead.

    >>> Is(len).check(len, Scope({}))
    True
    """

    reference: Reference
    kind = "ID_MATCH"
    uses = 2

    def __init__(self, value: object) -> None:
        object.__setattr__(self, "reference", value if type(value) is Reference else Reference(value))

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.reference,)

    def check(self, value: object, scope: Scope) -> bool:
        return self.reference.refers_to(value)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        expected = self.reference.to_ast(builder, _hint(self.reference.get()) if self.reference.alive else "expected")
        if not self.reference.weak:
            return compare(value, ast.Is(), expected)
        # A dead weak reference gives None: a value of None must not pass for it.
        here = compare(again(value), ast.IsNot(), ast.Constant(None))
        return both(here, compare(expected, ast.Is(), value))

    def _expected(self) -> str:
        return _title(self.reference.get()) if self.reference.alive else "an object that no longer exists"

    def describe(self, name: str) -> str:
        return f"{name} is {self._expected()}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return SAME_OBJECT

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        return f"{name} was {self._expected()}, is {_another(_title(value), self._expected())}"


@dataclass(frozen=True, eq=False, repr=False)
class WeakIs(Is):
    """The value is this very object, which must allow weak references.

    Raises:
        TypeError: when the object does not.
    """

    kind = "WEAKREF_ALIVE"

    def __init__(self, value: object) -> None:
        if type(value).__weakrefoffset__ == 0:
            raise TypeError(f"WeakIs needs an object that can be weakly referenced, not {show(value)}; use Is")
        super().__init__(value)


@dataclass(frozen=True, eq=False, repr=False)
class TypeIs(Predicate):
    """The value's exact type, whatever its ``__class__`` says.

    >>> TypeIs(int).check(True, Scope({}))
    False
    """

    reference: Reference
    kind = "TYPE_MATCH"

    def __init__(self, expected: type) -> None:
        if not issubclass(type(expected), type):
            raise TypeError(f"TypeIs needs a type, not {show(expected)}; pass a class")
        object.__setattr__(self, "reference", Reference(expected))

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.reference,)

    @property
    def expected(self) -> type | None:
        """The type, or ``None`` when it no longer exists."""
        return self.reference.get() if self.reference.alive else None  # type: ignore[return-value]

    def check(self, value: object, scope: Scope) -> bool:
        return self.reference.refers_to(type(value))

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return compare(builder.call(type, value), ast.Is(), self.reference.to_ast(builder, _hint(self.expected)))

    def _expected(self) -> str:
        return type_name(self.expected) if self.expected is not None else "a type that no longer exists"

    def describe(self, name: str) -> str:
        return f"type({name}) is {self._expected()}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return ONE_TYPE

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        return f"type({name}) was {self._expected()}, is {_another(type_name(type(value)), self._expected())}"


@dataclass(frozen=True, eq=False, repr=False)
class Singleton(Predicate):
    """The value is one of ``None``, ``True``, ``False``."""

    expected: bool | None
    kind = "CONSTANT_MATCH"

    def _parts(self) -> tuple[Hashable, ...]:
        return (repr(self.expected),)

    def check(self, value: object, scope: Scope) -> bool:
        return value is self.expected

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return compare(value, ast.Is(), ast.Constant(self.expected))

    def describe(self, name: str) -> str:
        return f"{name} is {self.expected}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if value is self.expected else f"{name} was {self.expected}, is {show(value)}"


@dataclass(frozen=True, eq=False, repr=False)
class IsNone(Singleton):
    """The value is ``None``."""

    kind = "NONE_MATCH"

    def __init__(self) -> None:
        super().__init__(None)

    def ingredients(self) -> Sequence[object]:
        return []


@dataclass(frozen=True, eq=False, repr=False)
class BoolIs(Singleton):
    """The value is exactly ``True``, or exactly ``False``."""

    kind = "BOOL_MATCH"

    def __init__(self, expected: bool) -> None:
        if type(expected) is not bool:
            raise TypeError(f"BoolIs needs True or False, not {show(expected)}; pass a bool")
        super().__init__(expected)


@dataclass(frozen=True, eq=False, repr=False)
class IsNot(Predicate):
    """The value is not this object, held as :class:`Is` holds it; one that has died cannot come back."""

    reference: Reference
    kind = "ID_NOT_MATCH"
    uses = 2

    def __init__(self, value: object) -> None:
        object.__setattr__(self, "reference", Reference(value))

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.reference,)

    def check(self, value: object, scope: Scope) -> bool:
        return not self.reference.refers_to(value)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        if not self.reference.weak:
            return compare(value, ast.IsNot(), self.reference.to_ast(builder, "excluded"))
        gone = compare(again(value), ast.Is(), ast.Constant(None))
        return either(gone, compare(self.reference.to_ast(builder, "excluded"), ast.IsNot(), value))

    def _excluded(self) -> str:
        return _title(self.reference.get()) if self.reference.alive else "an object that no longer exists"

    def describe(self, name: str) -> str:
        return f"{name} is not {self._excluded()}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if self.check(value, scope) else f"{name} was not {self._excluded()}, now it is"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"pass another object as {name}, or pass that one in the first call"


@dataclass(frozen=True, eq=False, repr=False)
class SameObject(Predicate):
    """The value is the same object as that of another source."""

    other: Source
    kind = "DUPLICATE_INPUT"

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.other,)

    @property
    def sources(self) -> tuple[Source, ...]:
        return (self.other,)

    def check(self, value: object, scope: Scope) -> bool:
        return value is self.other.fetch(scope)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return compare(value, ast.Is(), builder.fetch(self.other))

    def describe(self, name: str) -> str:
        return f"{name} is {self.other.name}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return "pass one object for both, as before"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        return f"{name} and {self.other.spelling} were the same object, are different objects"


@dataclass(frozen=True, eq=False, repr=False)
class NotSameObject(SameObject):
    """The value is not the object of another source."""

    kind = "NOT_SAME_OBJECT"

    def check(self, value: object, scope: Scope) -> bool:
        return value is not self.other.fetch(scope)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return compare(value, ast.IsNot(), builder.fetch(self.other))

    def describe(self, name: str) -> str:
        return f"{name} is not {self.other.name}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return DIFFERENT_OBJECTS

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        return f"{name} and {self.other.spelling} were different objects, are the same object"


@dataclass(frozen=True, eq=False, repr=False)
class Distinct(Predicate):
    """The values of these sources are pairwise different objects; one check however many there are.

    Args:
        others: the sources, at least two. The guard itself has no source.

    Raises:
        TypeError: they are not a tuple of sources.
    """

    others: tuple[Source, ...]
    kind = "NO_ALIASING"

    def __post_init__(self) -> None:
        if type(self.others) is not tuple:
            raise TypeError(f"Distinct needs a tuple of sources, not {show(self.others)}; pass such a tuple")
        for other in self.others:
            if not issubclass(type(other), Source):
                raise TypeError(f"Distinct needs a tuple of sources, but {show(other)} is none; leave it out")

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.others,)

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.others

    def check(self, value: object, scope: Scope) -> bool:
        values = [source.fetch(scope) for source in self.others]
        return len({id(value) for value in values}) == len(values)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        fetched = [builder.fetch(source) for source in self.others]
        if len(fetched) == 2:
            return compare(fetched[0], ast.IsNot(), fetched[1])
        count = builder.call(len, ast.Set([builder.call(id, item) for item in fetched]))
        return compare(count, ast.Eq(), ast.Constant(len(fetched)))

    def describe(self, name: str) -> str:
        return f"no two of {', '.join(source.name for source in self.others)} are the same object"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return DIFFERENT_OBJECTS

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        seen: dict[int, Source] = {}
        for source in self.others:
            first = seen.setdefault(id(source.fetch(scope)), source)
            if first is not source:
                return f"{first.spelling} and {source.spelling} were different objects, are the same object"
        return None


@dataclass(frozen=True, eq=False, repr=False)
class CodeIs(Predicate):
    """The value is a plain Python function with this very code object."""

    code: types.CodeType
    kind = "CODE_MATCH"
    uses = 2

    @classmethod
    def made_from(cls, *ingredients: Any) -> Predicate:
        (code,) = ingredients
        return code if type(code) is CodeHashIs else cls(code)

    def _parts(self) -> tuple[Hashable, ...]:
        return (id(self.code),)

    def check(self, value: object, scope: Scope) -> bool:
        return type(value) is types.FunctionType and value.__code__ is self.code

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        code = ast.Attribute(again(value), "__code__", ast.Load())
        return both(
            is_exactly(value, types.FunctionType, builder),
            compare(code, ast.Is(), builder.constant(self.code, "code")),
        )

    def _place(self) -> str:
        return f"{self.code.co_qualname} ({PurePath(self.code.co_filename).name}:{self.code.co_firstlineno})"

    def describe(self, name: str) -> str:
        return f"{name}.__code__ is that of {self._place()}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return SAME_FUNCTION

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        found = f"that of {value.__code__.co_qualname}" if type(value) is types.FunctionType else _title(value)
        return f"{name}.__code__ was that of {self._place()}, is {found}"


@dataclass(frozen=True, eq=False, repr=False)
class CodeHashIs(Predicate):
    """The value is a plain Python function whose code has this hash: what `CodeIs` becomes in another process.

    Args:
        digest: what :func:`framelift_guards.naming.code_hash` gives for the code.
        name: the qualified name of the function.

    >>> from framelift_guards.naming import code_hash
    >>> one, other, third = (lambda n: n + 1), (lambda n: n + 1), (lambda n: n + 2)
    >>> same = CodeHashIs(code_hash(one.__code__), "increment")
    >>> same.check(other, Scope({})), same.check(third, Scope({}))
    (True, False)
    """

    digest: str
    name: str
    kind = "CODE_MATCH"

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.digest,)

    def check(self, value: object, scope: Scope) -> bool:
        return self.holds(value)

    def holds(self, value: object) -> bool:
        """Tell whether ``value`` is such a function."""
        return type(value) is types.FunctionType and code_hash(value.__code__) == self.digest

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(self.holds, value)

    def describe(self, name: str) -> str:
        return f"{name}.__code__ is that of {self.name}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return SAME_FUNCTION

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        found = f"that of another {value.__code__.co_qualname}" if type(value) is types.FunctionType else _title(value)
        return f"{name}.__code__ was that of {self.name}, is {found}"


def _hint(value: object) -> str:
    """Return what to call ``value`` in generated code."""
    if issubclass(type(value), type):
        return str(type.__getattribute__(value, "__name__"))
    if type(value) in (types.FunctionType, types.BuiltinFunctionType):
        return str(value.__name__)  # type: ignore[attr-defined]
    return "expected"


def _title(value: object) -> str:
    if issubclass(type(value), type):
        return type_name(value)  # type: ignore[arg-type]
    if type(value) is types.FunctionType:
        return f"function {value.__qualname__}"
    if type(value) is types.BuiltinFunctionType:
        return f"built-in function {value.__qualname__}"
    if type(value) is types.ModuleType:
        return f"module {value.__name__}"
    return show(value)


def _another(found: str, expected: str) -> str:
    return f"another {found}" if found == expected else found
