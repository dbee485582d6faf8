"""A predicate on the truth of a value."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..codegen import Builder
from ..plain import show
from ..source import Scope
from .base import Predicate


@dataclass(frozen=True, eq=False, repr=False)
class Falsy(Predicate):
    """The value is false or empty: the very question that the guarded program asks by ``if value:``.

    It is about the value's own ``__bool__`` and ``__len__``, whatever its type.

    >>> Falsy().check({}, Scope({})), Falsy().check([1], Scope({}))
    (True, False)
    """

    kind = "BOOL_FALSE"

    def check(self, value: object, scope: Scope) -> bool:
        return not value

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        return ast.UnaryOp(ast.Not(), value)

    def describe(self, name: str) -> str:
        return f"not {name}"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        return f"{name} was false or empty, is {show(value)}" if value else None

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        return f"keep {name} false or empty between calls, or fill it before the first one"
