"""Sources that take no step: where a path starts."""

from __future__ import annotations

import ast
import builtins
import types
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from framelift_guards.codegen import is_identifier
from framelift_guards.computed_once import computed_once
from framelift_guards.declared import must_be
from framelift_guards.lookup import alive
from framelift_guards.reference import Reference
from framelift_guards.source import Scope, Source, subscript

if TYPE_CHECKING:
    from framelift_guards.codegen import Builder


OWN = "G"
"""The label of the namespace of the guarded function itself."""


class Namespace:
    """A module's global variables, compared by identity.

    Args:
        variables: the dictionary, usually a function's ``__globals__``.
        label: how to print it.

    >>> GlobalSource("f", Namespace({"f": len})).name
    "G['f']"
    """

    __slots__ = ("label", "variables")

    def __init__(self, variables: dict[str, object], label: str = OWN) -> None:
        if not issubclass(type(variables), dict):
            raise TypeError(must_be("Namespace.variables", "dict", variables))
        if type(label) is not str:
            raise TypeError(must_be("Namespace.label", "str", label))
        self.variables = variables
        self.label = label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namespace) and other.variables is self.variables

    def __hash__(self) -> int:
        return id(self.variables)

    def __repr__(self) -> str:
        return f"<Namespace {self.label}>"


@dataclass(frozen=True, eq=False, repr=False)
class LocalSource(Source):
    """A local variable (a parameter) of the guarded function: ``L['x']``."""

    variable: str
    is_local = True

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.variable,)

    @computed_once
    def name(self) -> str:
        return f"L[{self.variable!r}]"

    @computed_once
    def spelling(self) -> str:
        return self.variable if is_identifier(self.variable) else self.name

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

    @computed_once
    def name(self) -> str:
        return f"{self.namespace.label}[{self.variable!r}]"

    @computed_once
    def spelling(self) -> str:
        label = self.namespace.label
        if not is_identifier(self.variable):
            return self.name
        if label == OWN:
            return self.variable
        return f"{label.removesuffix('.__dict__')}.{self.variable}" if label.endswith(".__dict__") else self.name

    def fetch(self, scope: Scope) -> object:
        return self.namespace.variables[self.variable]

    def to_ast(self, builder: Builder) -> ast.expr:
        return subscript(builder.constant(self.namespace.variables, "G"), builder.constant(self.variable, "key"))


@dataclass(frozen=True, eq=False, repr=False)
class NamespaceSource(Source):
    """The dictionary of a module's global variables itself, to guard that a name is absent from it: ``G``."""

    namespace: Namespace

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.namespace,)

    @computed_once
    def name(self) -> str:
        return self.namespace.label

    @computed_once
    def spelling(self) -> str:
        return "globals()" if self.namespace.label == OWN else self.name

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

    @computed_once
    def name(self) -> str:
        return f"builtins.{self.variable}"

    @computed_once
    def spelling(self) -> str:
        return self.variable if is_identifier(self.variable) else self.name

    def fetch(self, scope: Scope) -> object:
        return builtins.__dict__[self.variable]

    def to_ast(self, builder: Builder) -> ast.expr:
        return subscript(builder.constant(builtins.__dict__, "builtins"), builder.constant(self.variable, "key"))


@dataclass(frozen=True, eq=False, repr=False)
class FreeVariableSource(Source):
    """A free variable of the guarded function, through its cell: ``L['z']``."""

    variable: str
    cell: types.CellType

    def ingredients(self) -> Sequence[object]:
        return [self.variable]  # which cell that is, the guarded function knows

    def _parts(self) -> tuple[Hashable, ...]:
        return self.variable, id(self.cell)

    @computed_once
    def name(self) -> str:
        return f"L[{self.variable!r}]"

    @computed_once
    def spelling(self) -> str:
        return self.variable if is_identifier(self.variable) else self.name

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

    def ingredients(self) -> Sequence[object]:
        return [self.label, self.value, self.value.weak]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        label, value, weak = ingredients
        return cls(label, value, weak=weak)

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.value,)

    @computed_once
    def name(self) -> str:
        return self.label

    def fetch(self, scope: Scope) -> object:
        return self.value.get()

    def to_ast(self, builder: Builder) -> ast.expr:
        if self.value.weak:
            return builder.call(alive, self.value.to_ast(builder, self.label))
        return self.value.to_ast(builder, self.label)
