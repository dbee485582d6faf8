"""Sources: where a value came from, as a frozen algebra that can be printed, fetched, and compiled.

A source is built from a root (a local, a global, a free variable, a builtin, a constant) by steps (an attribute, an
item, a type, a call). Two sources are equal when they take the same steps from the same root. ``fetch`` and the
expression of ``to_ast`` take the same steps; a property test keeps them together.
"""

# ruff: noqa: ARG002 -- the readings of one datum share a signature, and not each needs all of it
from __future__ import annotations

import ast
import builtins
import itertools
import operator
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

from .codegen import is_identifier
from .plain import identity_token, show
from .reference import Reference

if TYPE_CHECKING:
    from .codegen import Builder


class Scope:
    """The locals of one call, from which sources are fetched.

    Args:
        variables: the user's local variables by name.

    >>> LocalSource("x").fetch(Scope({"x": 5}))
    5
    """

    __slots__ = ("locals",)

    def __init__(self, variables: Mapping[str, object]) -> None:
        self.locals = variables


class Namespace:
    """A module's global variables, compared by identity.

    Args:
        variables: the dictionary, usually a function's ``__globals__``.
        label: how to print it.

    >>> GlobalSource("f", Namespace({"f": len})).name
    "G['f']"
    """

    __slots__ = ("label", "variables")

    def __init__(self, variables: dict[str, object], label: str = "G") -> None:
        self.variables = variables
        self.label = label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namespace) and other.variables is self.variables

    def __hash__(self) -> int:
        return id(self.variables)

    def __repr__(self) -> str:
        return f"<Namespace {self.label}>"


@dataclass(frozen=True, eq=False, repr=False)
class Source:
    """A way to fetch one value at the time of a call. Immutable, hashable, compared by structure.

    >>> weight = LocalSource("self").attribute("weight")
    >>> weight.name
    "L['self'].weight"
    >>> weight == LocalSource("self").attribute("weight")
    True
    """

    runs_user_code: ClassVar[bool] = False
    """Whether fetching takes a step that may call a method of the user's (attribute access, ``[]``, a call)."""

    def _parts(self) -> tuple[Hashable, ...]:
        """Return what identifies this source among those of its class."""
        raise NotImplementedError

    def __post_init__(self) -> None:
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
        return self._token == other._token  # type: ignore[attr-defined, no-any-return]

    @property
    def name(self) -> str:
        """The text for this source, as users of Dynamo know it: ``L['x'].weight``."""
        raise NotImplementedError

    @property
    def bases(self) -> tuple[Source, ...]:
        """The sources that this one takes its step from."""
        return ()

    def fetch(self, scope: Scope) -> object:
        """Return the value now.

        Raises:
            Exception: whatever the step raises when the value is no longer there.
        """
        raise NotImplementedError

    def to_ast(self, builder: Builder) -> ast.expr:
        """Return the expression that fetches the value in generated code."""
        raise NotImplementedError

    @cached_property
    def local_root(self) -> LocalSource | None:
        """The local variable that the path starts from, if it starts from one."""
        if isinstance(self, LocalSource):
            return self
        return self.bases[0].local_root if self.bases else None

    def ancestors(self) -> Iterable[Source]:
        """Yield this source and every source on the way to its root."""
        pending: list[Source] = [self]
        while pending:
            source = pending.pop()
            yield source
            pending.extend(source.bases)

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


# ---- roots ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class LocalSource(Source):
    """A local variable (a parameter) of the guarded function: ``L['x']``."""

    variable: str

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.variable,)

    @cached_property
    def name(self) -> str:
        return f"L[{self.variable!r}]"

    def fetch(self, scope: Scope) -> object:
        return scope.locals[self.variable]

    def to_ast(self, builder: Builder) -> ast.expr:
        return builder.local(self.variable)


@dataclass(frozen=True, eq=False, repr=False)
class GlobalSource(Source):
    """A global variable of a module, without the fallback to builtins: ``G['f']``."""

    variable: str
    namespace: Namespace

    def _parts(self) -> tuple[Hashable, ...]:
        return self.variable, self.namespace

    @cached_property
    def name(self) -> str:
        return f"{self.namespace.label}[{self.variable!r}]"

    def fetch(self, scope: Scope) -> object:
        return self.namespace.variables[self.variable]

    def to_ast(self, builder: Builder) -> ast.expr:
        return _subscript(builder.constant(self.namespace.variables, "G"), builder.constant(self.variable, "key"))


@dataclass(frozen=True, eq=False, repr=False)
class NamespaceSource(Source):
    """The dictionary of a module's global variables itself, to guard that a name is absent from it: ``G``."""

    namespace: Namespace

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.namespace,)

    @property
    def name(self) -> str:
        return self.namespace.label

    def fetch(self, scope: Scope) -> object:
        return self.namespace.variables

    def to_ast(self, builder: Builder) -> ast.expr:
        return builder.constant(self.namespace.variables, "G")


@dataclass(frozen=True, eq=False, repr=False)
class BuiltinSource(Source):
    """A name of the ``builtins`` module: ``builtins.len``."""

    variable: str

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.variable,)

    @cached_property
    def name(self) -> str:
        return f"builtins.{self.variable}"

    def fetch(self, scope: Scope) -> object:
        return builtins.__dict__[self.variable]

    def to_ast(self, builder: Builder) -> ast.expr:
        return _subscript(builder.constant(builtins.__dict__, "builtins"), builder.constant(self.variable, "key"))


@dataclass(frozen=True, eq=False, repr=False)
class FreeVariableSource(Source):
    """A free variable of the guarded function, through its cell: ``L['z']``."""

    variable: str
    cell: types.CellType

    def _parts(self) -> tuple[Hashable, ...]:
        return self.variable, id(self.cell)

    @cached_property
    def name(self) -> str:
        return f"L[{self.variable!r}]"

    def fetch(self, scope: Scope) -> object:
        return self.cell.cell_contents

    def to_ast(self, builder: Builder) -> ast.expr:
        return ast.Attribute(builder.constant(self.cell, f"cell_{self.variable}"), "cell_contents", ast.Load())


@dataclass(frozen=True, eq=False, repr=False)
class ConstantSource(Source):
    """An object that the generated namespace holds, printed as ``label``.

    Args:
        label: the text for it, such as ``torch.nn.Linear``.
        value: the object.
        weak: hold it weakly, where that is possible; fetching a dead one raises ``ReferenceError``.
    """

    label: str
    value: Reference

    def __init__(self, label: str, value: object, *, weak: bool = False) -> None:
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "value", Reference(value, strong=not weak))
        self.__post_init__()

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.value,)

    @property
    def name(self) -> str:
        return self.label

    def fetch(self, scope: Scope) -> object:
        return self.value.get()

    def to_ast(self, builder: Builder) -> ast.expr:
        if self.value.weak:
            return builder.call(_alive, self.value.to_ast(builder, self.label))
        return self.value.to_ast(builder, self.label)


_dict_item = cast(Callable[[object, object], object], dict.__getitem__)
_list_item = cast(Callable[[object, object], object], list.__getitem__)
_tuple_item = cast(Callable[[object, object], object], tuple.__getitem__)


# ---- steps ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Step(Source):
    """A source that takes one step from another, its ``base``."""

    base: Source

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.base,)

    @property
    def bases(self) -> tuple[Source, ...]:
        return (self.base,)


@dataclass(frozen=True, eq=False, repr=False)
class AttributeSource(Step):
    """``base.attr`` by ordinary attribute access: ``L['x'].a``."""

    attr: str
    runs_user_code = True

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.attr

    @cached_property
    def name(self) -> str:
        if is_identifier(self.attr):
            return f"{self.base.name}.{self.attr}"
        return f"getattr({self.base.name}, {self.attr!r})"

    def fetch(self, scope: Scope) -> object:
        return getattr(self.base.fetch(scope), self.attr)

    def to_ast(self, builder: Builder) -> ast.expr:
        base = builder.fetch(self.base)
        if is_identifier(self.attr):
            return ast.Attribute(base, self.attr, ast.Load())
        return builder.call(getattr, base, builder.constant(self.attr, "attribute"))


@dataclass(frozen=True, eq=False, repr=False)
class Keyed(Step):
    """A step by a key: plain data is compared by its fingerprint, any other key by identity."""

    key: object

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, identity_token(self.key)

    @cached_property
    def name(self) -> str:
        return f"{self.base.name}[{show(self.key)}]"


@dataclass(frozen=True, eq=False, repr=False)
class ItemSource(Keyed):
    """``base[key]`` by the object's own ``__getitem__``: ``L['xs'][0]``."""

    runs_user_code = True

    def fetch(self, scope: Scope) -> object:
        return operator.getitem(self.base.fetch(scope), self.key)  # type: ignore[call-overload]

    def to_ast(self, builder: Builder) -> ast.expr:
        return _subscript(builder.fetch(self.base), builder.constant(self.key, "key"))


@dataclass(frozen=True, eq=False, repr=False)
class DictItemSource(Keyed):
    """``dict.__getitem__(base, key)``: for dicts whose class may define its own."""

    def fetch(self, scope: Scope) -> object:
        return _dict_item(self.base.fetch(scope), self.key)

    def to_ast(self, builder: Builder) -> ast.expr:
        base, key = builder.fetch(self.base), builder.constant(self.key, "key")
        if builder.known_type(self.base) is dict:
            return _subscript(base, key)
        return builder.call(_dict_item, base, key)


@dataclass(frozen=True, eq=False, repr=False)
class ListItemSource(Keyed):
    """``list.__getitem__(base, index)``: for lists whose class may define its own."""

    def fetch(self, scope: Scope) -> object:
        return _list_item(self.base.fetch(scope), self.key)

    def to_ast(self, builder: Builder) -> ast.expr:
        base, key = builder.fetch(self.base), builder.constant(self.key, "index")
        if builder.known_type(self.base) is list:
            return _subscript(base, key)
        return builder.call(_list_item, base, key)


@dataclass(frozen=True, eq=False, repr=False)
class TupleItemSource(Keyed):
    """``tuple.__getitem__(base, index)``: for tuples whose class may define its own."""

    def fetch(self, scope: Scope) -> object:
        return _tuple_item(self.base.fetch(scope), self.key)

    def to_ast(self, builder: Builder) -> ast.expr:
        base, key = builder.fetch(self.base), builder.constant(self.key, "index")
        if builder.known_type(self.base) is tuple:
            return _subscript(base, key)
        return builder.call(_tuple_item, base, key)


@dataclass(frozen=True, eq=False, repr=False)
class TypeSource(Step):
    """``type(base)``, whatever the object's ``__class__`` says."""

    @cached_property
    def name(self) -> str:
        return f"type({self.base.name})"

    def fetch(self, scope: Scope) -> object:
        return type(self.base.fetch(scope))

    def to_ast(self, builder: Builder) -> ast.expr:
        return builder.call(type, builder.fetch(self.base))


@dataclass(frozen=True, eq=False, repr=False)
class InstanceDictSource(Step):
    """The instance's own ``__dict__``, past any ``__getattribute__`` of its class."""

    @cached_property
    def name(self) -> str:
        return f"{self.base.name}.__dict__"

    def fetch(self, scope: Scope) -> object:
        return object.__getattribute__(self.base.fetch(scope), "__dict__")

    def to_ast(self, builder: Builder) -> ast.expr:
        base = builder.fetch(self.base)
        known = builder.known_type(self.base)
        if known is not None and _ordinary_dict(known):
            return ast.Attribute(base, "__dict__", ast.Load())
        return builder.call(object.__getattribute__, base, builder.constant("__dict__"))


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

    @cached_property
    def name(self) -> str:
        return f"inspect.getattr_static({self.base.name}, {self.attr!r})"

    def fetch(self, scope: Scope) -> object:
        return class_attribute(self.base.fetch(scope), self.attr)

    def to_ast(self, builder: Builder) -> ast.expr:
        return builder.call(class_attribute, builder.fetch(self.base), builder.constant(self.attr, "attribute"))


@dataclass(frozen=True, eq=False, repr=False)
class SlotSource(Step):
    """A slot (or another C-level descriptor) of an instance, as its owner class defined it."""

    owner: Reference
    attr: str

    def __init__(self, base: Source, owner: type, attr: str) -> None:
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "owner", Reference(owner))
        object.__setattr__(self, "attr", attr)
        self.__post_init__()

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.owner, self.attr

    @cached_property
    def name(self) -> str:
        return f"{self.base.name}.{self.attr}"

    def fetch(self, scope: Scope) -> object:
        return slot_value(self.base.fetch(scope), self.owner.get(), self.attr)

    def to_ast(self, builder: Builder) -> ast.expr:
        owner = self.owner.to_ast(builder, "owner")
        return builder.call(slot_value, builder.fetch(self.base), owner, builder.constant(self.attr, "slot"))


@dataclass(frozen=True, eq=False, repr=False)
class CellContentsSource(Step):
    """The contents of a cell object."""

    @cached_property
    def name(self) -> str:
        return f"{self.base.name}.cell_contents"

    def fetch(self, scope: Scope) -> object:
        return self.base.fetch(scope).cell_contents  # type: ignore[attr-defined]

    def to_ast(self, builder: Builder) -> ast.expr:
        return ast.Attribute(builder.fetch(self.base), "cell_contents", ast.Load())


@dataclass(frozen=True, eq=False, repr=False)
class DictKeySource(Step):
    """The ``index``-th key of a dictionary, in its order."""

    index: int

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, self.index

    @cached_property
    def name(self) -> str:
        return f"list({self.base.name})[{self.index}]"

    def fetch(self, scope: Scope) -> object:
        return nth_key(self.base.fetch(scope), self.index)

    def to_ast(self, builder: Builder) -> ast.expr:
        return builder.call(nth_key, builder.fetch(self.base), builder.constant(self.index))


@dataclass(frozen=True, eq=False, repr=False)
class CallSource(Step):
    """``function(base)`` for a function that has no side effects, printed as the base's name and a label.

    >>> CallSource(str.upper, LocalSource("s"), ".upper()").name
    "L['s'].upper()"
    """

    function: Callable[..., object] = field(kw_only=True)
    label: str = field(kw_only=True)
    runs_user_code = True

    def __init__(self, function: Callable[..., object], base: Source, label: str) -> None:
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "label", label)
        self.__post_init__()

    def _parts(self) -> tuple[Hashable, ...]:
        return self.base, id(self.function)

    @cached_property
    def name(self) -> str:
        return f"{self.base.name}{self.label}"

    def fetch(self, scope: Scope) -> object:
        return self.function(self.base.fetch(scope))

    def to_ast(self, builder: Builder) -> ast.expr:
        return builder.call(self.function, builder.fetch(self.base))


# ---- what generated code calls --------------------------------------------------------------------------------------


def _subscript(base: ast.expr, key: ast.expr) -> ast.expr:
    return ast.Subscript(base, key, ast.Load())


def _alive(value: object) -> object:
    if value is None:
        raise ReferenceError("the constant no longer exists")
    return value


_GETATTRIBUTE: object = vars(object)["__getattribute__"]


def _ordinary_dict(kind: type) -> bool:
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
