"""Predicates about containers: lengths, keys and their order, membership, the position of an iterator."""

from __future__ import annotations

import ast
import operator
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from framelift_guards.codegen import Builder
from framelift_guards.declared import must_be
from framelift_guards.lookup import dict_keys
from framelift_guards.naming import Sought
from framelift_guards.plain import identity_token, is_plain, same_plain, show
from framelift_guards.reference import Reference
from framelift_guards.source import Scope

from .base import Predicate, again, both, compare, either, is_exactly, kept

_SIZED: frozenset[type] = frozenset({dict, OrderedDict, list, tuple, set, frozenset, deque, str, bytes})
"""Types whose own ``len`` and truth are what their class and the empty value say."""


def _built_in(ingredients: Sequence[Any]) -> Sequence[Any]:
    """Return them; the last one is the class whose method is called, and no data may name one of the user's."""
    via = ingredients[-1]
    if via is not None and type.__getattribute__(via, "__module__") not in ("builtins", "collections"):
        raise TypeError(f"a guard that is read asks built-in containers only, not {show(via)}")
    return ingredients


def _require_method(via: type | None, method: str, subject: str) -> None:
    if via is not None and not hasattr(via, method):
        raise TypeError(f"{subject} must be a class with {method}, not {show(via)}; give it the container's class")


@dataclass(frozen=True, eq=False, repr=False)
class Length(Predicate):
    """The value has this length.

    Args:
        expected: the length.
        via: the class whose ``__len__`` is asked, for containers whose class may define its own; ``len`` by default.

    >>> Length(2).check([1, 2], Scope({}))
    True
    """

    expected: int
    via: type | None = None
    kind = "SEQUENCE_LENGTH"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_method(self.via, "__len__", "Length.via")

    def _parts(self) -> tuple[Hashable, ...]:
        return self.expected, self.via

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        return cls(*_built_in(ingredients))

    def _measure(self, value: object) -> int:
        return len(value) if self.via is None else self.via.__len__(value)  # type: ignore[arg-type, attr-defined]

    def check(self, value: object, scope: Scope) -> bool:
        return self._measure(value) == self.expected

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        plain = builder.subject_type in _SIZED
        if plain and self.expected == 0:
            return ast.UnaryOp(ast.Not(), value)
        measure = len if plain or self.via is None else self.via.__len__  # type: ignore[attr-defined]
        return compare(builder.call(measure, value), ast.Eq(), builder.constant(self.expected, "length"))

    def describe(self, name: str) -> str:
        return f"len({name}) == {self.expected}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        found = self._measure(value)
        return None if found == self.expected else f"len({name}) was {self.expected}, is {found}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return kept(f"len({name})")


@dataclass(frozen=True)
class Key:
    """A key of a container: plain data by its fingerprint, any other by identity.

    >>> Key.of(1).matches(True)
    False
    """

    reference: Reference
    token: Hashable
    plain: bool

    @classmethod
    def of(cls, key: object) -> Key:
        """Return the key that an object is."""
        plain = is_plain(key)
        return cls(Reference(key, strong=plain), identity_token(key), plain)

    def matches(self, key: object) -> bool:
        """Tell whether an object is this key."""
        return self.reference.refers_to(key) or (self.plain and same_plain(key, self.token))

    def show(self) -> str:
        """Return a short text for it that runs no user code."""
        return show(self.reference.get()) if self.reference.alive else "<a key that no longer exists>"


@dataclass(frozen=True, eq=False, repr=False)
class DictKeys(Predicate):
    """The value is a dictionary (or an instance of a subclass) with exactly these keys in this order.

    >>> DictKeys(["a", "b"]).check({"b": 1, "a": 2}, Scope({}))
    False
    """

    keys: tuple[Key, ...]
    kind = "DICT_KEYS"
    uses = 4

    def __init__(self, keys: object) -> None:
        if not issubclass(type(keys), Iterable):
            raise TypeError(must_be("DictKeys.keys", "a dictionary, or an iterable of keys", keys))
        object.__setattr__(self, "keys", tuple([Key.of(key) for key in keys]))  # type: ignore[attr-defined]

    def _parts(self) -> tuple[Hashable, ...]:
        return (tuple([(key.reference if not key.plain else None, key.token) for key in self.keys]),)

    def matches(self, value: object) -> bool:
        """Tell whether ``value`` is a dictionary with these keys in this order."""
        if not issubclass(type(value), dict) or dict.__len__(value) != len(self.keys):  # type: ignore[arg-type]
            return False
        return all(map(Key.matches, self.keys, dict_keys(value)))

    def check(self, value: object, scope: Scope) -> bool:
        return self.matches(value)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        slow = builder.call(self.matches, value)
        if not all(key.plain for key in self.keys):
            return slow
        # Keys of instance dictionaries are nearly always the same interned strings: compare those by identity in C.
        quick: list[ast.expr] = [
            is_exactly(again(value), dict, builder),
            compare(builder.call(len, again(value)), ast.Eq(), ast.Constant(len(self.keys))),
        ]
        if not self.keys:
            return either(both(*quick), slow)
        expected = builder.constant(tuple([key.reference.get() for key in self.keys]), "keys")
        same = builder.call(map, builder.constant(operator.is_, "identical"), again(value), expected)
        return either(both(*quick, builder.call(all, same)), slow)

    def describe(self, name: str) -> str:
        return f"list({name}) == [{', '.join(key.show() for key in self.keys)}]"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.matches(value):
            return None
        if not issubclass(type(value), dict):
            return f"{name} was a dictionary, is {show(value)}"
        keys = list(dict_keys(value))
        for position, (expected, found) in enumerate(zip(self.keys, keys, strict=False)):
            if not expected.matches(found):
                return f"key {position} of {name} was {expected.show()}, is {show(found)}"
        return f"len({name}) was {len(self.keys)}, is {len(keys)}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"keep the keys of {name} and their order as they were between calls"


@dataclass(frozen=True, eq=False, repr=False)
class Contains(Predicate):
    """The key is in the container, by the ``__contains__`` of a built-in class.

    Args:
        key: plain data, or an object held weakly where that is possible.
        via: the built-in class, ``dict`` by default.
    """

    key: Key
    via: type
    kind = "DICT_CONTAINS"

    def __init__(self, key: object, via: type = dict) -> None:
        object.__setattr__(self, "key", Key.of(key))
        object.__setattr__(self, "via", via)
        self.__post_init__()
        _require_method(via, "__contains__", f"{type(self).__name__}.via")

    def _parts(self) -> tuple[Hashable, ...]:
        return self.key.token, self.via

    def ingredients(self) -> Sequence[object]:
        reference = self.key.reference
        return [Sought(reference.get()) if reference.alive else reference, self.via]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        return cls(*_built_in(ingredients))

    @property
    def _contains(self) -> Callable[[object, object], bool]:
        return self.via.__contains__  # type: ignore[operator, no-any-return]

    def holds(self, value: object) -> bool:
        """Tell whether ``value`` contains the key."""
        return self.key.reference.alive and self._contains(value, self.key.reference.get())

    def check(self, value: object, scope: Scope) -> bool:
        return self.holds(value)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        if self.key.reference.weak:
            return builder.call(self.holds, value)
        key = builder.constant(self.key.reference.get(), "key")
        if builder.subject_type is self.via:
            return compare(key, ast.In(), value)
        return builder.call(self._contains, value, key)

    def describe(self, name: str) -> str:
        return f"{self.key.show()} in {name}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if self.check(value, scope) else f"{self.key.show()} was in {name}, now it is not"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        if not self.key.reference.alive:
            return "keep that key between calls, and pass the same object"
        return f"keep {self.key.show()} in {name} between calls"


@dataclass(frozen=True, eq=False, repr=False, init=False)
class LacksKey(Contains):
    """The key is not in the container, by the ``__contains__`` of a built-in class."""

    kind = "DICT_NOT_CONTAINS"

    def check(self, value: object, scope: Scope) -> bool:
        return not self.holds(value)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return ast.UnaryOp(ast.Not(), super().to_ast(value, builder))

    def describe(self, name: str) -> str:
        return f"{self.key.show()} not in {name}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if self.check(value, scope) else f"{self.key.show()} was not in {name}, now it is"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"put {self.key.show()} into {name} before the first call"


ITERATORS: frozenset[type] = frozenset(
    type(iterator) for iterator in (iter(()), iter([]), iter(range(0)), iter(range(1 << 70)), iter(""), iter(b""))
)


@dataclass(frozen=True, eq=False, repr=False)
class IteratorState(Predicate):
    """The value is a built-in iterator of this exact type with this many items left.

    Args:
        of: the iterator to take type and position from: that of a list, tuple, range, string or bytes.

    Raises:
        TypeError: for any other iterator.

    >>> IteratorState(iter([1, 2])).check(iter([3]), Scope({}))
    False
    """

    expected: type
    remaining: int
    kind = "ITERATOR_STATE"
    uses = 2

    def __init__(self, of: object) -> None:
        if type(of) not in ITERATORS:
            raise TypeError(
                f"IteratorState needs a built-in iterator over a sequence, not {show(of)}; pass iter() of one"
            )
        object.__setattr__(self, "expected", type(of))
        object.__setattr__(self, "remaining", operator.length_hint(of))

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        expected, remaining = ingredients
        if expected not in ITERATORS or type(remaining) is not int:
            raise TypeError("IteratorState needs the type of a built-in iterator and the number of items left")
        made = cls.__new__(cls)
        object.__setattr__(made, "expected", expected)
        object.__setattr__(made, "remaining", remaining)
        return made

    def _parts(self) -> tuple[Hashable, ...]:
        return self.expected, self.remaining

    def check(self, value: object, scope: Scope) -> bool:
        return type(value) is self.expected and operator.length_hint(value) == self.remaining

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        left = builder.call(operator.length_hint, again(value))
        same = compare(left, ast.Eq(), builder.constant(self.remaining, "remaining"))
        return both(is_exactly(value, self.expected, builder), same)

    def describe(self, name: str) -> str:
        return f"{name} is a {self.expected.__qualname__} with {self.remaining} items left"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        if type(value) is not self.expected:
            return f"{name} was a {self.expected.__qualname__}, is {show(value)}"
        return f"{name} had {self.remaining} items left, has {operator.length_hint(value)}"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"pass a {self.expected.__qualname__} with {self.remaining} items left in each call"
