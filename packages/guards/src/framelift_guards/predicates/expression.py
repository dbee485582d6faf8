"""A predicate that is an expression over other sources: shape guards, and what else compares several values."""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from framelift_guards.codegen import Builder, GeneratedNamespace, compile_code
from framelift_guards.declared import must_be, require_declared
from framelift_guards.naming import Called, called
from framelift_guards.plain import show
from framelift_guards.source import Scope, Source

from .base import Predicate


def _listed(names: Sequence[str]) -> str:
    *most, last = names or ["it"]
    return f"{', '.join(most)} and {last}" if most else last


class _Substitute(ast.NodeTransformer):
    def __init__(self, replacements: Mapping[str, ast.expr]) -> None:
        self.replacements = replacements

    def visit_Name(self, node: ast.Name) -> ast.expr:
        replacement = self.replacements.get(node.id)
        if replacement is None:
            raise ValueError(f"Expression: the name {node.id!r} is neither an operand nor a constant; add it")
        return _copy(replacement)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return type(node)(
            **{
                name: [self.visit(item) for item in value]
                if isinstance(value, list)
                else (self.visit(value) if isinstance(value, ast.AST) else value)
                for name, value in ast.iter_fields(node)
            }
        )


def _copy(node: ast.expr) -> ast.expr:
    return _Copy().visit(node)  # type: ignore[no-any-return]


class _Copy(_Substitute):
    def __init__(self) -> None:
        super().__init__({})

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(node.id, ast.Load())


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Expression(Predicate):
    """An expression over the values of other sources is true. The guard itself usually has no source.

    Args:
        template: the expression; its names are operands or constants. It must be free of side effects.
        operands: a source for each name.
        constants: a value for each other name (functions that the expression calls).
        kind: the guard's kind; shape guards by default.

    >>> from framelift_guards import LocalSource
    >>> less = Expression(ast.parse("a < b", mode="eval").body, {"a": LocalSource("a"), "b": LocalSource("b")})
    >>> from framelift_guards import LocalSource
    >>> less.check(None, Scope({"a": 1, "b": 2}))
    True
    >>> from framelift_guards import LocalSource
    >>> less.explain("", None, Scope({"a": 3, "b": 2}))
    'a < b held, now a is 3, b is 2'
    """

    template: ast.expr
    operands: tuple[tuple[str, Source], ...]
    constants: tuple[tuple[str, object], ...]
    kind: str  # type: ignore[misc]
    text: str

    def __init__(
        self,
        template: ast.expr,
        operands: Mapping[str, Source],
        constants: Mapping[str, object] | None = None,
        kind: str = "SHAPE_ENV",
    ) -> None:
        for subject, given in (("operands", operands), ("constants", {} if constants is None else constants)):
            if not issubclass(type(given), Mapping):
                raise TypeError(must_be(f"Expression.{subject}", "a mapping by name", given))
        object.__setattr__(self, "template", template)
        object.__setattr__(self, "operands", tuple(operands.items()))
        object.__setattr__(self, "constants", tuple((constants or {}).items()))
        object.__setattr__(self, "kind", kind)
        require_declared(self, ("template", "operands", "constants", "kind"))
        object.__setattr__(self, "text", self._text({name: source.name for name, source in self.operands}))

    def _text(self, operands: Mapping[str, str]) -> str:
        printed: dict[str, ast.expr] = {name: ast.Name(text) for name, text in operands.items()}
        printed |= {name: ast.Name(name) for name, _ in self.constants}
        return ast.unparse(_Substitute(printed).visit(self.template))

    def ingredients(self) -> Sequence[object]:
        called = {name: Called(value) if callable(value) else value for name, value in self.constants}
        return [self.template, dict(self.operands), called, self.kind]

    @classmethod
    def made_from(cls, *ingredients: Any) -> Self:
        template, operands, constants, kind = ingredients
        functions = {name for name, value in constants.items() if type(value) is Called or callable(value)}
        for node in ast.walk(template):
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in functions):
                raise TypeError("an expression calls only functions that are among its constants")
        unknown = {node.id for node in ast.walk(template) if isinstance(node, ast.Name)} - {*operands, *constants}
        if unknown:
            raise TypeError(f"an expression names only its operands and constants, not {', '.join(sorted(unknown))}")
        compile(ast.fix_missing_locations(ast.Expression(copy.deepcopy(template))), "<guard>", "eval")  # or raise
        return cls(template, operands, {name: called(value) for name, value in constants.items()}, kind)

    def _parts(self) -> tuple[Hashable, ...]:
        constants = tuple([(name, id(value)) for name, value in self.constants])
        return ast.dump(self.template), self.operands, constants, self.kind

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple([source for _, source in self.operands])

    def check(self, value: object, scope: Scope) -> bool:
        values = [source.fetch(scope) for _, source in self.operands]
        return bool(self._function()(*values))

    def _function(self) -> Callable[..., object]:
        """Return the expression as a function of its operands."""
        namespace = GeneratedNamespace(reserved=[name for name, _ in self.operands])
        names: dict[str, ast.expr] = {name: ast.Name(name, ast.Load()) for name, _ in self.operands}
        names |= {name: ast.Name(namespace.name_of(value, name), ast.Load()) for name, value in self.constants}
        parameters = ast.arguments([], [ast.arg(name) for name, _ in self.operands], None, [], [], None, [])
        body: list[ast.stmt] = [ast.Return(_Substitute(names).visit(self.template))]
        code = compile_code(ast.FunctionDef("holds", parameters, body, []), "framelift-expression")
        return types.FunctionType(code, namespace.globals)

    def to_ast(self, value: ast.expr, builder: Builder) -> ast.expr:
        fetched = {name: builder.fetch(source) for name, source in self.operands}
        fetched |= {name: builder.constant(value, name) for name, value in self.constants}
        return _Substitute(fetched).visit(self.template)  # type: ignore[no-any-return]

    def describe(self, name: str) -> str:
        return self.text

    def remedy(self, name: str, value: object, scope: Scope) -> str | None:
        shapes = self.kind == "SHAPE_ENV"
        if shapes:
            return "change that line so that it does not depend on one value of a size or number"
        return f"keep {_listed([source.spelling for _, source in self.operands])} as before between calls"

    def explain(self, name: str, value: object, scope: Scope) -> str | None:
        if self.check(value, scope):
            return None
        found = ", ".join(f"{source.spelling} is {show(source.fetch(scope))}" for _, source in self.operands)
        return f"{self._text({name: source.spelling for name, source in self.operands})} held, now {found}"
