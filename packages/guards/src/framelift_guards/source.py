"""Sources: where a value came from, as a frozen algebra that can be printed, fetched, and compiled.

A source is a root (``roots.py``: a local, a global, a free variable, a builtin, a constant) or takes one step from
another source (an attribute, an item, a type, a call). Two sources are equal when they take the same steps from the
same root. A step has two readings, ``take`` and ``take_ast``; a property test keeps them together. Paths may be as long
as a linked list of the user's, so nothing here recurses along them.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

from framelift_guards.codegen import is_identifier
from framelift_guards.computed_once import computed_once
from framelift_guards.declared import must_be, require_declared
from framelift_guards.lookup import (
    class_attribute,
    dict_item,
    has_ordinary_dict,
    instance_attribute,
    list_item,
    nth_key,
    slot_value,
    tuple_item,
)
from framelift_guards.naming import Called, Reader, Sought, called
from framelift_guards.plain import identity_token, show
from framelift_guards.reference import Reference

if TYPE_CHECKING:
    from framelift_guards.codegen import Builder


class Scope:
    """The locals of one call, from which sources are fetched.

    Args:
        variables: the user's local variables by name.

    >>> from framelift_guards import LocalSource
    >>> LocalSource("x").fetch(Scope({"x": 5}))
    5
    """

    __slots__ = ("locals",)

    def __init__(self, variables: Mapping[str, object]) -> None:
        self.locals = variables


@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """A way to fetch one value at the time of a call. Immutable, hashable, compared by structure.

    >>> from framelift_guards import LocalSource
    >>> weight = LocalSource("self").attribute("weight")
    >>> weight.name
    "L['self'].weight"
    >>> weight == LocalSource("self").attribute("weight")
    True
    """

    runs_user_code: ClassVar[bool] = False
    """Whether fetching takes a step that may call a method of the user's (attribute access, ``[]``, a call)."""

    is_local: ClassVar[bool] = False
    """Whether this is a local variable of the guarded function."""

    def _parts(self) -> tuple[Hashable, ...]:
        """Return what identifies this source among those of its class."""
        raise NotImplementedError

    def ingredients(self) -> Sequence[object]:
        """Return what this is made of beside its base, for :meth:`made_from`; as for predicates."""
        return [getattr(self, one.name) for one in fields(self) if one.init and one.name != "base"]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Source:
        """Return what these ingredients make; the base comes first, where there is one."""
        return cls(*ingredients)

    def __post_init__(self) -> None:
        require_declared(self)
        token = (type(self), *self._parts())
        object.__setattr__(self, "_token", token)
        object.__setattr__(self, "_hash", hash(token))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Source) or self._hash != other._hash:  # type: ignore[attr-defined]
            return False
        mine, theirs = self, other
        while isinstance(mine, Step) and isinstance(theirs, Step):  # the base is the first part of a step
            if mine._token[:1] + mine._token[2:] != theirs._token[:1] + theirs._token[2:]:  # type: ignore[attr-defined]
                return False
            if mine.base is theirs.base:
                return True
            mine, theirs = mine.base, theirs.base
        return mine._token == theirs._token  # type: ignore[attr-defined, no-any-return]

    @computed_once
    def name(self) -> str:
        """The text for this source, as users of Dynamo know it: ``L['x'].weight``."""
        raise NotImplementedError

    @computed_once
    def spelling(self) -> str:
        """The text for this source as the user's program writes it, for messages: ``self.lin.weight``.

        >>> from framelift_guards import LocalSource
        >>> LocalSource("x").attribute("y").spelling
        'x.y'
        """
        return self.name

    @property
    def parent(self) -> Source | None:
        """The source that this one takes its step from; ``None`` for a root."""
        return None

    def fetch(self, scope: Scope) -> object:
        """Return the value now.

        Raises:
            Exception: whatever a step raises when the value is no longer there.
        """
        raise NotImplementedError

    def to_ast(self, builder: Builder) -> ast.expr:
        """Return the expression that fetches the value in generated code."""
        raise NotImplementedError

    @property
    def root(self) -> Source:
        """Where the path starts."""
        source = self
        while source.parent is not None:
            source = source.parent
        return source

    @property
    def local_root(self) -> Source | None:
        """The local variable (a ``LocalSource``) that the path starts from, if it starts from one."""
        root = self.root
        return root if root.is_local else None

    def ancestors(self) -> Iterator[Source]:
        """Yield this source and every source on the way to its root."""
        source: Source | None = self
        while source is not None:
            yield source
            source = source.parent

    def attribute(self, name: str) -> AttributeSource:
        """Return the source of an attribute of this."""
        return AttributeSource(self, name)

    def item(self, key: object) -> ItemSource:
        """Return the source of an item of this."""
        return ItemSource(self, key)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


_INDEXED_BY_ARGUMENT = (".size()", ".stride()")
"""Calls whose result a program asks for one item by an argument: ``x.size(1)``."""

_OF_MODULES = ("_modules", "_parameters", "_buffers")
"""Dictionaries of an instance whose items a program reads as attributes, as those of an ``nn.Module``."""


def _is_of_modules(key: object) -> bool:
    return type(key) is str and key in _OF_MODULES


def subscript(base: ast.expr, key: ast.expr) -> ast.expr:
    """Return ``base[key]``."""
    return ast.Subscript(base, key, ast.Load())


@dataclass(frozen=True, eq=False, repr=False)
class Step(Source):
    """A source that takes one step from another, its ``base``."""

    base: Source

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.base,)

    @property
    def parent(self) -> Source:
        return self.base

    def label(self, base: str) -> str:
        """Return the name of this source, given that of its base."""
        raise NotImplementedError

    def spell(self, base: str) -> str:
        """Return the spelling of this source, given that of its base."""
        return self.label(base)

    def take(self, base: object) -> object:
        """Take the step from the base's value."""
        raise NotImplementedError

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        """Return the step from the base's expression."""
        raise NotImplementedError

    @computed_once
    def name(self) -> str:
        steps = self._steps()
        name = steps[-1].base.name
        for step in reversed(steps):
            name = step.label(name)
        return name

    @computed_once
    def spelling(self) -> str:
        steps = self._steps()
        spelling = steps[-1].base.spelling
        for step in reversed(steps):
            spelling = step.spell(spelling)
        return spelling

    def fetch(self, scope: Scope) -> object:
        steps = self._steps()
        value = steps[-1].base.fetch(scope)
        for step in reversed(steps):
            value = step.take(value)
        return value

    def to_ast(self, builder: Builder) -> ast.expr:
        return self.take_ast(builder.fetch(self.base), builder)

    def _steps(self) -> list[Step]:
        """Return the steps of the path, the last one first."""
        return [source for source in self.ancestors() if isinstance(source, Step)]


@dataclass(frozen=True, eq=False, repr=False)
class AttributeSource(Step):
    """``base.attr`` by ordinary attribute access: ``L['x'].a``."""

    attr: str
    runs_user_code = True

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.attr

    def label(self, base: str) -> str:
        if is_identifier(self.attr):
            return f"{base}.{self.attr}"
        return f"getattr({base}, {self.attr!r})"

    def take(self, base: object) -> object:
        return getattr(base, self.attr)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        if is_identifier(self.attr):
            return ast.Attribute(base, self.attr, ast.Load())
        return builder.call(getattr, base, builder.constant(self.attr, "attribute"))


@dataclass(frozen=True, eq=False, repr=False)
class Keyed(Step):
    """A step by a key: plain data is compared by its fingerprint, any other key by identity."""

    key: object

    def ingredients(self) -> Sequence[object]:
        return [Sought(self.key)]

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, identity_token(self.key)

    def label(self, base: str) -> str:
        return f"{base}[{show(self.key)}]"

    def spell(self, base: str) -> str:
        key, holder = self.key, self.base
        if type(key) is not str or not is_identifier(key):
            return self.label(base)
        if isinstance(holder, InstanceDictSource):
            return f"{base.removesuffix('.__dict__')}.{key}"
        if isinstance(holder, Keyed) and isinstance(holder.base, InstanceDictSource) and _is_of_modules(holder.key):
            return f"{base.removesuffix(f'.{holder.key}')}.{key}"
        return self.label(base)


@dataclass(frozen=True, eq=False, repr=False)
class ItemSource(Keyed):
    """``base[key]`` by the object's own ``__getitem__``: ``L['xs'][0]``."""

    runs_user_code = True

    def spell(self, base: str) -> str:
        if isinstance(self.base, CallSource) and self.base.suffix in _INDEXED_BY_ARGUMENT:
            return f"{base[:-1]}{show(self.key)})"
        return super().spell(base)

    def take(self, base: object) -> object:
        return operator.getitem(base, self.key)  # type: ignore[call-overload]

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        return subscript(base, builder.constant(self.key, "key"))


@dataclass(frozen=True, eq=False, repr=False)
class DictItemSource(Keyed):
    """``dict.__getitem__(base, key)``: for dicts whose class may define its own."""

    def take(self, base: object) -> object:
        return dict_item(base, self.key)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        key = builder.constant(self.key, "key")
        if builder.known_type(self.base) is dict:
            return subscript(base, key)
        return builder.call(dict_item, base, key)


@dataclass(frozen=True, eq=False, repr=False)
class ListItemSource(Keyed):
    """``list.__getitem__(base, index)``: for lists whose class may define its own."""

    key: int

    def take(self, base: object) -> object:
        return list_item(base, self.key)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        key = builder.constant(self.key, "index")
        if builder.known_type(self.base) is list:
            return subscript(base, key)
        return builder.call(list_item, base, key)


@dataclass(frozen=True, eq=False, repr=False)
class TupleItemSource(Keyed):
    """``tuple.__getitem__(base, index)``: for tuples whose class may define its own."""

    key: int

    def take(self, base: object) -> object:
        return tuple_item(base, self.key)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        key = builder.constant(self.key, "index")
        if builder.known_type(self.base) is tuple:
            return subscript(base, key)
        return builder.call(tuple_item, base, key)


@dataclass(frozen=True, eq=False, repr=False)
class TypeSource(Step):
    """``type(base)``, whatever the object's ``__class__`` says."""

    def label(self, base: str) -> str:
        return f"type({base})"

    def take(self, base: object) -> object:
        return type(base)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(type, base)


@dataclass(frozen=True, eq=False, repr=False)
class InstanceDictSource(Step):
    """The instance's own ``__dict__``, past any ``__getattribute__`` of its class."""

    def label(self, base: str) -> str:
        return f"{base}.__dict__"

    def take(self, base: object) -> object:
        return instance_attribute(base, "__dict__")

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        known = builder.known_type(self.base)
        if known is not None and has_ordinary_dict(known):
            return ast.Attribute(base, "__dict__", ast.Load())
        return builder.call(instance_attribute, base, builder.constant("__dict__"))


@dataclass(frozen=True, eq=False, repr=False)
class ClassAttributeSource(Step):
    """An attribute of a class looked up along its MRO, without descriptors or the metaclass.

    Args:
        base: the source of the class.
        attr: the name.
    """

    attr: str

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.attr

    def label(self, base: str) -> str:
        return f"inspect.getattr_static({base}, {self.attr!r})"

    def spell(self, base: str) -> str:
        return f"{base}.{self.attr}" if is_identifier(self.attr) else self.label(base)

    def take(self, base: object) -> object:
        return class_attribute(base, self.attr)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(class_attribute, base, builder.constant(self.attr, "attribute"))


@dataclass(frozen=True, eq=False, repr=False)
class SlotSource(Step):
    """A slot (or another C-level descriptor) of an instance, as its owner class defined it."""

    owner: Reference
    attr: str

    def __init__(self, base: Source, owner: type, attr: str) -> None:
        if not issubclass(type(owner), type):
            raise TypeError(must_be("SlotSource.owner", "type", owner))
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "owner", Reference(owner))
        object.__setattr__(self, "attr", attr)
        self.__post_init__()

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.owner, self.attr

    def label(self, base: str) -> str:
        return f"{base}.{self.attr}"

    def take(self, base: object) -> object:
        return slot_value(base, self.owner.get(), self.attr)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        owner = self.owner.to_ast(builder, "owner")
        return builder.call(slot_value, base, owner, builder.constant(self.attr, "slot"))


@dataclass(frozen=True, eq=False, repr=False)
class CellContentsSource(Step):
    """The contents of a cell object."""

    def label(self, base: str) -> str:
        return f"{base}.cell_contents"

    def take(self, base: object) -> object:
        return base.cell_contents  # type: ignore[attr-defined]

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        return ast.Attribute(base, "cell_contents", ast.Load())


@dataclass(frozen=True, eq=False, repr=False)
class DictKeySource(Step):
    """The ``index``-th key of a dictionary, in its order."""

    index: int

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.index

    def label(self, base: str) -> str:
        return f"list({base})[{self.index}]"

    def take(self, base: object) -> object:
        return nth_key(base, self.index)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(nth_key, base, builder.constant(self.index))


@dataclass(frozen=True, eq=False, repr=False)
class CallSource(Step):
    """``function(base)`` for a function that has no side effects, printed as the base's name and a label.

    >>> from framelift_guards import LocalSource
    >>> CallSource(str.upper, LocalSource("s"), ".upper()").name
    "L['s'].upper()"
    """

    function: Callable[..., object] = field(kw_only=True)
    suffix: str = field(kw_only=True)
    runs_user_code = True

    def __init__(self, function: Callable[..., object], base: Source, label: str) -> None:
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "suffix", label)
        self.__post_init__()

    def ingredients(self) -> Sequence[object]:
        return [Called(self.function), self.suffix]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        base, function, suffix = ingredients
        if type(function) is not Called:
            raise TypeError("CallSource needs a function that guards may call")
        return cls(called(function), base, suffix)  # type: ignore[arg-type]

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.function if isinstance(self.function, Reader) else id(self.function)

    def label(self, base: str) -> str:
        return f"{base}{self.suffix}"

    def take(self, base: object) -> object:
        return self.function(base)

    def take_ast(self, base: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(self.function, base)
