"""Predicates about attributes, by ordinary access: these ask the object, as the user's program does."""

from __future__ import annotations

import ast
from collections.abc import Hashable
from dataclasses import dataclass

from framelift_guards.codegen import Builder
from framelift_guards.source import Scope

from .base import Predicate


@dataclass(frozen=True, eq=False, repr=False)
class HasAttribute(Predicate):
    """``hasattr(value, attr)``.

    >>> HasAttribute("real").check(1, Scope({}))
    True
    """

    attr: str
    kind = "HASATTR"

    def _parts(self) -> tuple[Hashable, ...]:
        return (self.attr,)

    def check(self, value: object, scope: Scope) -> bool:
        return hasattr(value, self.attr)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return builder.call(hasattr, value, builder.constant(self.attr, "attribute"))

    def describe(self, name: str) -> str:
        return f"hasattr({name}, {self.attr!r})"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if self.check(value, scope) else f"{name} had an attribute {self.attr!r}, now it has not"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"keep that attribute of {name} between calls"


@dataclass(frozen=True, eq=False, repr=False)
class LacksAttribute(HasAttribute):
    """``not hasattr(value, attr)``."""

    kind = "NOT_HASATTR"

    def check(self, value: object, scope: Scope) -> bool:
        return not hasattr(value, self.attr)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return ast.UnaryOp(ast.Not(), super().to_ast(value, builder))

    def describe(self, name: str) -> str:
        return f"not hasattr({name}, {self.attr!r})"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return None if self.check(value, scope) else f"{name} had no attribute {self.attr!r}, now it has"

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"set that attribute of {name} before the first call"
