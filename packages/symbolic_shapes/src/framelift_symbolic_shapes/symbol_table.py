"""`SymbolTable`: the symbols of one environment, what is known of each, and what was promised of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from framelift_symbolic_shapes.constraint import Constraint
from framelift_symbolic_shapes.errors import ForeignSymbol
from framelift_symbolic_shapes.expression import Expression, Symbol
from framelift_symbolic_shapes.persistence import Reader, Writer, expected, number_from_json, number_to_json, plain
from framelift_symbolic_shapes.range import Range
from framelift_symbolic_shapes.symbol import SymbolInfo, symbol_name

__all__ = ["SymbolTable"]


class SymbolTable:
    """Symbols in the order of creation.

    Args:
        exchanged: gives sympy's form of a symbol.

    >>> from framelift_symbolic_shapes.deferred import exchange
    >>> table = SymbolTable(exchange.to_sympy)
    >>> table.add("L['x'].size()[0]", 4, None, Range(2), "s", None, None)
    s77
    >>> table.named("s77") in table.known, table.shared
    (True, {})
    """

    def __init__(self, exchanged: Callable[[Expression], Any]) -> None:
        self._exchanged = exchanged
        self.known: dict[Expression, SymbolInfo] = {}
        self.public: dict[Any, SymbolInfo] = {}
        """The same, by sympy's symbols."""
        self.constraints: dict[Expression, Constraint] = {}
        self.unbacked: set[Expression] = set()
        self.shared: dict[int | float, Expression] = {}
        """The symbol of the sizes with this hint, where they share one."""
        self._names: set[str] = set()

    def add(
        self,
        name: str,
        hint: float | None,
        origin: object,
        values: Range,
        prefix: str,
        constraint: Constraint | None,
        line: object,
    ) -> Symbol:
        """Return a new symbol.

        Args:
            name: what it stands for; its own name is made of it.
            hint: its value in this run, `None` if only the run will tell.
            origin: where its value is found.
            values: the values that it can have.
            prefix: what its own name begins with: `s` and `u` are integers, `zf` and `zuf` floats.
            constraint: what was promised of it, if anything.
            line: the user's line that created it.
        """
        is_int = prefix in ("s", "u")
        symbol = Symbol(symbol_name(name, self._names, prefix), int if is_int else float, is_int and values.lower > 0)
        strict = constraint is not None and constraint.strict
        self._enter(symbol, SymbolInfo(name, hint, [origin], values, strict, line), constraint)
        return symbol

    def _enter(self, symbol: Symbol, info: SymbolInfo, constraint: Constraint | None) -> None:
        self.known[symbol] = self.public[self._exchanged(symbol)] = info
        self._names.add(symbol.name)
        if info.hint is None:
            self.unbacked.add(symbol)
        if constraint is not None:
            self.constraints[symbol] = constraint

    def named(self, name: str) -> Expression:
        """Return the symbol with this name.

        Raises:
            ForeignSymbol: there is none.
        """
        for symbol in self.known:
            if str(symbol) == name:
                return symbol
        raise ForeignSymbol(name)

    def to_json(self, writer: Writer) -> list[dict[str, Any]]:
        """Return the symbols as JSON has them; `read` makes them again."""
        return [self._told(symbol, info, writer) for symbol, info in self.known.items()]

    def _told(self, symbol: Expression, info: SymbolInfo, writer: Writer) -> dict[str, Any]:
        constraint = self.constraints.get(symbol)
        return {
            "symbol": writer.place(symbol),
            "name": info.name,
            "hint": number_to_json(info.hint),
            "origins": [plain(origin) for origin in info.origins],
            "others": info.others,
            "range": writer.range(info.range),
            "strict": info.strict,
            "line": plain(info.line),
            "promised": None if constraint is None else [constraint.minimum, constraint.maximum],
        }

    def read(self, told: Sequence[dict[str, Any]], reader: Reader) -> None:
        """Add the symbols that `to_json` told."""
        for one in told:
            symbol = reader[one["symbol"]]
            if not isinstance(symbol, Symbol):
                raise TypeError(f"{symbol} must be a symbol")
            if symbol in self.known:
                raise ValueError(f"{symbol} must be told once")
            hint = number_from_json(one["hint"])
            if hint is not None and type(hint).__name__ != symbol.kind.__name__:
                raise TypeError(f"the value of {symbol} must be of type {symbol.kind.__name__}, and is {hint!r}")
            info = SymbolInfo(
                expected(one["name"], str),
                hint,
                expected(one["origins"], list),
                reader.range(one["range"]),
                expected(one["strict"], bool),
                one["line"],
                [expected(other, str) for other in expected(one["others"], list)],
            )
            promised = one["promised"]
            constraint = None
            if promised is not None:
                minimum, maximum = promised
                constraint = Constraint(one["name"], minimum, maximum, one["strict"])
            self._enter(symbol, info, constraint)
