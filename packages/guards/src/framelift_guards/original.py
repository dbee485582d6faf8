"""The user's function behind a dispatcher: whether it still runs the code that its specialisations were made of."""

from __future__ import annotations

import ast
import types
from collections.abc import Hashable
from dataclasses import dataclass

from framelift_guards import accelerator
from framelift_guards.codegen import Builder
from framelift_guards.predicates.base import Predicate, compare
from framelift_guards.source import Scope


@dataclass(frozen=True, eq=False, repr=False)
class RunsCode(Predicate):
    """A function, known beforehand, has this very code object.

    It is for the dispatcher itself: where it does not hold, the specialisations are those of another function, and so
    it is no guard of any. (`CodeIs` is about whatever a source holds.)

    >>> def f(): ...
    >>> runs = RunsCode(f, f.__code__)
    >>> f.__code__ = (lambda: 1).__code__
    >>> runs.check(None, Scope({}))
    False
    """

    function: types.FunctionType
    code: types.CodeType
    kind = "CODE_MATCH"

    def _parts(self) -> tuple[Hashable, ...]:
        return id(self.function), id(self.code)

    def check(self, value: object, scope: Scope) -> bool:
        return self.function.__code__ is self.code

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        question = (accelerator.code_of, (self.function,), self.code, None)
        return builder.ask([question], lambda: self._compared(ast.Is(), builder))

    def negation(self, builder: Builder) -> ast.expr:
        """Return the expression that this does not hold."""
        return self._compared(ast.IsNot(), builder)

    def _compared(self, operator: ast.cmpop, builder: Builder) -> ast.expr:
        code_of = builder.constant(accelerator.code_of, "code_of")
        found = ast.Call(code_of, [builder.constant(self.function, "original")], [])
        return compare(found, operator, builder.constant(self.code, "code"))

    def describe(self, name: str) -> str:
        return f"{self.function.__qualname__}.__code__ is that of when it was captured"
