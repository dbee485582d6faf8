"""The one place where sizes of `symbolic_shapes` meet sources and guards."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from typing import Any, cast

from framelift_guards import Expression, Guard, Source, UserLine
from framelift_symbolic_shapes import ConstraintViolation, ShapeEnv, ShapeGuard, SymbolInfo

from .errors import MarkError

__all__ = ["is_finite", "mark_error", "number_to_python", "shape_guards"]


def mark_error(violation: ConstraintViolation) -> MarkError:
    """Return the error that a user sees for a broken promise about a size."""
    line = violation.line
    where = (line.filename, line.line) if isinstance(line, UserLine) else None
    return MarkError(spelled(violation.name), violation.rule, spelled(violation.found), violation.remedy, where)


def spelled(name: str) -> str:
    """Return a size, or a condition on sizes, as a program writes it.

    >>> spelled("L['x'].size()[0] == 8"), spelled("L['self'].weight.size()[1]")
    ('x.size(0) == 8', 'self.weight.size(1)')
    """
    return _SIZE.sub(r".\1(\2)", _LOCAL.sub(r"\1", name))


_LOCAL = re.compile(r"\bL\['(\w+)'\]")
_SIZE = re.compile(r"\.(size|stride)\(\)\[(\d+)\]")


def is_finite(source: Source) -> Expression:
    """Return the predicate that a float is neither infinite nor NaN, which decisions about symbols take for granted."""
    template = ast.Call(ast.Name("isfinite", ast.Load()), [ast.Name("number", ast.Load())], [])
    return Expression(template, {"number": source}, {"isfinite": math.isfinite})


def shape_guards(env: ShapeEnv) -> list[Guard]:
    """Return what the environment relies on as guards over sources; one that always holds when it relies on nothing."""
    equal = [_equal(info, other) for info in env.symbols.values() for other in info.origins[1:]]
    decided = [_decided(env, shape_guard) for shape_guard in env.essential_guards]
    return [*equal, *decided] or [Guard(None, Expression(ast.Constant(True), {}))]


def _equal(info: SymbolInfo, other: object) -> Guard:
    template = ast.Compare(ast.Name("first", ast.Load()), [ast.Eq()], [ast.Name("second", ast.Load())])
    operands = {"first": cast(Source, info.origins[0]), "second": cast(Source, other)}
    return Guard(None, Expression(template, operands), cast("UserLine | None", info.line))


def _decided(env: ShapeEnv, shape_guard: ShapeGuard) -> Guard:
    used = [(symbol, str(symbol)) for symbol in sorted(shape_guard.condition.symbols, key=str)]
    operands = {name: cast(Source, env.info(symbol).origins[0]) for symbol, name in used}
    names = {symbol: ast.Name(name, ast.Load()) for symbol, name in used}
    constants: dict[str, object] = {}

    def reference(function: Callable[..., object]) -> ast.expr:
        name = f"call_{getattr(function, '__name__', 'function')}"
        constants[name] = function
        return ast.Name(name, ast.Load())

    template = env.to_python(shape_guard.condition, names, reference)
    return Guard(None, Expression(template, operands, constants), cast("UserLine | None", shape_guard.user_line))


def number_to_python(
    env: ShapeEnv,
    number: Any,
    fetch: Callable[[Source], ast.expr],
    constant: Callable[[object], ast.expr],
) -> ast.expr:
    """Return the Python expression of a symbolic number, over the sizes that its symbols came from.

    Args:
        env: the environment of the number.
        number: a `torch.SymInt`, `SymFloat` or `SymBool`.
        fetch: gives the expression that fetches a source.
        constant: gives the expression of a function that the result calls.
    """
    expression = number.node.expression
    used = sorted(expression.symbols, key=str)
    names = {symbol: fetch(cast(Source, env.info(symbol).origins[0])) for symbol in used}
    return env.to_python(expression, names, constant)
