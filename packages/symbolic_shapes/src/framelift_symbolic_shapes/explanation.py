"""What a user is told of a symbol: where it came from, its range, and each condition on it."""

from __future__ import annotations

from collections.abc import Iterable

from framelift_symbolic_shapes.expression import Constant, Expression
from framelift_symbolic_shapes.facts import Facts
from framelift_symbolic_shapes.guard import ShapeGuard
from framelift_symbolic_shapes.range import is_infinite
from framelift_symbolic_shapes.symbol import SymbolInfo

__all__ = ["explanation"]


def explanation(symbol: Expression, info: SymbolInfo, facts: Facts, conditions: Iterable[ShapeGuard]) -> str:
    """Return where a symbol came from, its range, and each condition on it with the user's line.

    Args:
        symbol: the symbol.
        info: what was known of it from the start.
        facts: what follows from the conditions.
        conditions: the guards and assertions of its environment.

    >>> from framelift_symbolic_shapes.expression import Symbol
    >>> from framelift_symbolic_shapes.range import Range, is_infinite
    >>> print(explanation(Symbol("u3", int), SymbolInfo("x.item()", None, [], Range()), Facts(), ()))
    u3 is x.item(), unknown until it runs
    """
    value = facts.replace(symbol)
    values = facts.bound(value) if symbol.kind is int else info.range
    bounds = [
        f"at {word} {limit}"
        for word, limit in (("least", values.lower), ("most", values.upper))
        if not is_infinite(limit) and not isinstance(value, Constant)
    ]
    hint = "unknown until it runs" if info.hint is None else f"{info.hint} in this run"
    made = "" if info.line is None else f" (from {info.line})"
    lines = [f"{symbol} is {info.name}, {hint}" + "".join(f"; {text}" for text in bounds) + made]
    if info.others:
        lines.append(f"  equal to {', '.join(info.others)}")
    if value != symbol:
        lines.append(f"  always {value}")
    lines += [
        f"  {guard}" + (f"  ({guard.user_line})" if guard.user_line is not None else "")
        for guard in conditions
        if symbol in guard.condition.symbols or not value.symbols.isdisjoint(guard.condition.symbols)
    ]
    return "\n".join(lines)
