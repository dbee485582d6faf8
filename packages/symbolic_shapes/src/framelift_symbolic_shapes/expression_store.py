"""`ExpressionStore`: each expression of an environment is built once, and known in sympy's form as well."""

from __future__ import annotations

from typing import Any

from framelift_symbolic_shapes.deferred import exchange
from framelift_symbolic_shapes.expression import Constant, Expression
from framelift_symbolic_shapes.operation import FLOAT_OPERATIONS, OPERATIONS
from framelift_symbolic_shapes.range import Bounds

__all__ = ["ExpressionStore"]


class ExpressionStore:
    """The expressions that programs built.

    Args:
        bound: gives a range that holds every value of an integer expression.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.range import Range
    >>> store, s = ExpressionStore(lambda expression: Range()), Symbol("s", int)
    >>> store.apply("add", (s, s), False) is store.apply("mul", (s, Constant(2)), False)
    True
    """

    def __init__(self, bound: Bounds) -> None:
        self._bound = bound
        self._built: dict[tuple[Any, ...], Expression] = {}
        self._interned: dict[Expression, Expression] = {}
        self._owned: dict[Any, Expression] = {}

    def apply(self, name: str, operands: tuple[Expression, ...], is_float: bool) -> Expression:
        """Return the expression of the operation `name` on expressions, simplified."""
        key = (name, is_float, *operands)
        known = self._built.get(key)
        if known is None:
            operation = (FLOAT_OPERATIONS if is_float else OPERATIONS)[name]
            known = operation.build(self._bound, *operands)
            known = self._built[key] = self.interned(known)
        return known

    def interned(self, expression: Expression) -> Expression:
        """Return the one object for all expressions that are equal to this one; comparing them looks at no parts."""
        return self._interned.setdefault(expression, expression)

    def exchanged(self, expression: Expression) -> Any:
        """Return sympy's form of an expression."""
        form = expression.exchanged
        if form is None:
            form = exchange.to_sympy(expression)
        self._owned[form] = expression
        return form

    def own(self, expression: Any) -> Expression:
        """Return an expression, in sympy's form or in that of this package, in the latter."""
        if isinstance(expression, Expression):
            return expression
        known = self._owned.get(expression)
        if known is None:
            known = exchange.from_sympy(expression)
            if not isinstance(known, Constant):  # True == 1 as a key
                self._owned[expression] = known
        return known
