"""Short constructors for the `ast` nodes that blocks are made of; each node gets the line that is current."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

Expression: TypeAlias = ast.expr | str
"""An expression, or the name of a variable."""

_LOAD: Final = ast.Load()
_STORE: Final = ast.Store()
_DELETE: Final = ast.Del()


class Nodes:
    """Makes nodes at a line.

    Attributes:
        line: where the nodes are that are made next; which instruction raised is told by it.
    """

    def __init__(self) -> None:
        self.line = 1

    def _place(self) -> dict[str, Any]:
        return {"lineno": self.line, "col_offset": 0}

    def expression(self, value: Expression) -> ast.expr:
        """The expression, or the variable."""
        return ast.Name(value, _LOAD, lineno=self.line, col_offset=0) if isinstance(value, str) else value

    def constant(self, value: int | str | None) -> ast.expr:
        """A number, a text or None; other constants are global variables, since `ast.Constant` would fold them."""
        return ast.Constant(value, lineno=self.line, col_offset=0)

    def call(self, function: Expression, *args: Expression) -> ast.expr:
        """`function(*args)`."""
        return ast.Call(self.expression(function), [self.expression(arg) for arg in args], [], **self._place())

    def item(self, container: Expression, key: Expression) -> ast.expr:
        """`container[key]`."""
        return ast.Subscript(self.expression(container), self.expression(key), _LOAD, **self._place())

    def at(self, container: Expression, index: int) -> ast.expr:
        """`container[index]`."""
        return self.item(container, self.constant(index))

    def attribute(self, owner: Expression, name: str) -> ast.expr:
        """`owner.name`."""
        return ast.Attribute(self.expression(owner), name, _LOAD, **self._place())

    def compare(self, left: Expression, op: ast.cmpop, right: Expression) -> ast.expr:
        """`left op right`."""
        return ast.Compare(self.expression(left), [op], [self.expression(right)], **self._place())

    def binary(self, left: Expression, op: ast.operator, right: Expression) -> ast.expr:
        """`left op right`."""
        return ast.BinOp(self.expression(left), op, self.expression(right), **self._place())

    def unary(self, op: ast.unaryop, operand: Expression) -> ast.expr:
        """`op operand`."""
        return ast.UnaryOp(op, self.expression(operand), **self._place())

    def every(self, *tests: ast.expr) -> ast.expr:
        """`test and ...`."""
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), list(tests), **self._place())

    def some(self, *tests: ast.expr) -> ast.expr:
        """`test or ...`."""
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), list(tests), **self._place())

    def negation(self, test: ast.expr) -> ast.expr:
        """`not test`."""
        return self.unary(ast.Not(), test)

    def display(self, kind: type[ast.List | ast.Tuple], items: Sequence[Expression]) -> ast.expr:
        """`[...]` or `(...)`."""
        return kind([self.expression(item) for item in items], _LOAD, **self._place())

    def assign(self, target: Expression, value: Expression) -> ast.stmt:
        """`target = value`, where the target is a variable, an item or an attribute."""
        return ast.Assign([self._target(target)], self.expression(value), **self._place())

    def assign_each(self, targets: Sequence[Expression], value: Expression) -> ast.stmt:
        """`a, b = value`."""
        names = ast.Tuple([self._target(target) for target in targets], _STORE, **self._place())
        return ast.Assign([names], self.expression(value), **self._place())

    def clear(self, names: Sequence[str]) -> ast.stmt:
        """`a = b = None`."""
        return ast.Assign([self._target(name) for name in names], self.constant(None), **self._place())

    def update(self, target: Expression, op: ast.operator, value: Expression) -> ast.stmt:
        """`target op= value`."""
        return ast.AugAssign(self._target(target), op, self.expression(value), **self._place())  # type: ignore[arg-type]

    def drop(self, target: ast.expr) -> ast.stmt:
        """`del target`."""
        target.ctx = _DELETE  # type: ignore[attr-defined]
        return ast.Delete([target], **self._place())

    def evaluate(self, value: Expression) -> ast.stmt:
        """An expression as a statement."""
        return ast.Expr(self.expression(value), **self._place())

    def give(self, value: Expression) -> ast.stmt:
        """`return value`."""
        return ast.Return(self.expression(value), **self._place())

    def throw(self, name: str) -> ast.stmt:
        """`raise name`."""
        return ast.Raise(self.expression(name), None, **self._place())

    def when(self, test: ast.expr, body: list[ast.stmt], otherwise: list[ast.stmt] | None = None) -> ast.stmt:
        """`if test: ... else: ...`."""
        return ast.If(test, body, otherwise or [], **self._place())

    def repeat(self, body: list[ast.stmt]) -> ast.stmt:
        """`while True: ...`."""
        return ast.While(ast.Constant(True, **self._place()), body, [], **self._place())

    def proceed(self) -> ast.stmt:
        """`continue`."""
        return ast.Continue(**self._place())

    def rescue(self, body: list[ast.stmt], kind: str, name: str, handler: list[ast.stmt]) -> ast.stmt:
        """`try: ... except kind as name: ...`."""
        caught = ast.ExceptHandler(self.expression(kind), name, handler, **self._place())
        return ast.Try(body, [caught], [], [], **self._place())

    def function(self, name: str, parameters: Sequence[str], body: list[ast.stmt]) -> ast.Module:
        """A module of one function."""
        arguments = ast.arguments(
            posonlyargs=[],
            args=[ast.arg(parameter, **self._place()) for parameter in parameters],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        )
        definition: Any = ast.FunctionDef  # of 3.12 on, it has type parameters
        return ast.Module(
            [definition(name=name, args=arguments, body=body, decorator_list=[], type_params=[], **self._place())], []
        )

    def _target(self, target: Expression) -> ast.expr:
        made: Any = self.expression(target)
        made.ctx = _STORE
        return made  # type: ignore[no-any-return]
