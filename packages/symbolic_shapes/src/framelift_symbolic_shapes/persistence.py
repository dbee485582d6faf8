"""Environments as JSON: symbols, ranges, facts, replacements, guards and user lines; nothing that could run.

Expressions are a table: each entry names its parts by their place in it, so that what is shared stays shared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from framelift_symbolic_shapes.errors import MalformedRecord, ShapeError
from framelift_symbolic_shapes.expression import (
    Call,
    Choice,
    Constant,
    Expression,
    Junction,
    Monomial,
    Not,
    Opaque,
    Relation,
    Sum,
    Symbol,
    make_sum,
)
from framelift_symbolic_shapes.python_function import PYTHON_FUNCTIONS
from framelift_symbolic_shapes.range import Range, is_infinite

__all__ = ["FORMAT", "Reader", "Writer", "expected", "number_from_json", "number_to_json", "parsed", "plain"]

T = TypeVar("T")
FORMAT = "framelift-symbolic-shapes/1"
_DEEPEST = 250
"""Deeper than what an environment makes, and not so deep that Python can't look into it."""
_KINDS = {"int": int, "float": float}
_SIGNS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def number_to_json(value: bool | float | None) -> Any:
    """Return a number as JSON has it: floats by their bits, as text.

    >>> number_to_json(3), number_to_json(-0.5), number_to_json(float("inf"))
    (3, '-0x1.0000000000000p-1', 'inf')
    """
    return value.hex() if isinstance(value, float) else value


def number_from_json(value: Any) -> Any:
    """Return the number that `number_to_json` wrote.

    >>> number_from_json("-0x1.0000000000000p-1"), number_from_json(True)
    (-0.5, True)
    """
    if isinstance(value, str):
        return float.fromhex(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    raise TypeError(f"a number must be an int or text, and is {value!r}")


def expected(value: Any, kind: type[T]) -> T:
    """Return a value that was read; it has to be just of this type.

    >>> expected(3, int)
    3
    """
    if type(value) is not kind:
        raise TypeError(f"{value!r} must be of type {kind.__name__}")
    return value


def _of_kind(expression: Expression, kind: type) -> Expression:
    if expression.kind is not kind:
        raise TypeError(f"{expression} must be of type {kind.__name__}")
    return expression


def _constant(value: bool | float | None) -> Expression:
    if value is None:
        raise TypeError("a constant must be a number")
    return Constant(value)


def _several(conditions: Iterable[Expression]) -> tuple[Expression, ...]:
    found = tuple(conditions)
    if not found:
        raise ValueError("there must be a condition to join")
    return found


def plain(value: object) -> Any:
    """Return a user's line or an origin as JSON has it: what is no text or number is told as text.

    >>> plain("model.py:7"), plain(None), plain(("model.py", 7))
    ('model.py:7', None, "('model.py', 7)")
    """
    return value if value is None or type(value) in (str, int, bool) else str(value)


class Writer:
    """Collects expressions, each once.

    >>> writer = Writer()
    >>> writer.place(Symbol("s", int) + 1), writer.place(Symbol("s", int)), writer.entries
    (1, 0, [['symbol', 's', 'int', False], ['sum', 1, [[1, [[0, 1]]]]]])
    """

    def __init__(self) -> None:
        self.entries: list[list[Any]] = []
        self._places: dict[Expression, int] = {}

    def place(self, expression: Expression) -> int:
        """Return the place of an expression in the table."""
        known = self._places.get(expression)
        if known is None:
            entry = self._entry(expression)
            known = self._places[expression] = len(self.entries)
            self.entries.append(entry)
        return known

    def places(self, expressions: Sequence[Expression]) -> list[int]:
        return [self.place(expression) for expression in expressions]

    def range(self, values: Range) -> list[Any]:
        return [None if is_infinite(limit) else limit for limit in (values.lower, values.upper)]

    def _entry(self, expression: Expression) -> list[Any]:
        if isinstance(expression, Symbol):
            return ["symbol", expression.name, expression.kind.__name__, expression.positive]
        if isinstance(expression, Constant):
            return ["number", number_to_json(expression.value)]
        if isinstance(expression, Sum):
            terms = [
                [known, sorted([self.place(atom), exponent] for atom, exponent in monomial)]
                for monomial, known in expression.terms.items()
            ]
            return ["sum", expression.constant, terms]
        if isinstance(expression, Opaque):
            raise ShapeError(f"{expression} can't be written: it is sympy's own, and did not come from a SymNode")
        head = _HEADS[type(expression)](expression)
        return [*head, self.places(expression.operands)]


_HEADS: dict[type, Callable[[Any], list[Any]]] = {
    Call: lambda e: ["call", e.name],
    Relation: lambda e: ["relation", e.sign],
    Not: lambda _: ["not"],
    Junction: lambda e: ["any" if e.any_of else "all"],
    Choice: lambda _: ["choice"],
}


class Reader:
    """Rebuilds expressions from the table of a `Writer`.

    >>> reader = Reader([["symbol", "s", "int", False], ["sum", 1, [[2, [[0, 1]]]]]])
    >>> reader[1]
    2*s + 1
    """

    def __init__(self, entries: Sequence[Any]) -> None:
        self._built: list[Expression] = []
        for entry in entries:
            built = self._expression(*entry)
            if built.depth > _DEEPEST:
                raise ValueError(f"an expression must nest no deeper than {_DEEPEST}")
            self._built.append(built)

    def __getitem__(self, place: int) -> Expression:
        if type(place) is not int or not 0 <= place < len(self._built):
            raise LookupError(f"there is no expression {place!r} before the one that has it as a part")
        return self._built[place]

    def range(self, limits: Sequence[Any]) -> Range:
        lower, upper = limits
        return Range(
            -math.inf if lower is None else expected(lower, int), math.inf if upper is None else expected(upper, int)
        )

    def condition(self, place: int) -> Expression:
        """Return the expression at a place, which has to be a condition."""
        return _of_kind(self[place], bool)

    def _expression(self, kind: str, *parts: Any) -> Expression:
        return _BUILDERS[kind](self, *parts)

    def operands(self, places: Sequence[int]) -> tuple[Expression, ...]:
        return tuple([self[place] for place in places])

    def symbol(self, name: str, kind: str, positive: bool) -> Expression:
        return Symbol(expected(name, str), _KINDS[kind], expected(positive, bool))

    def sum(self, constant: int, terms: Sequence[Any]) -> Expression:
        built: dict[Monomial, int] = {}
        for known, factors in terms:
            product = {_of_kind(self[place], int): expected(exponent, int) for place, exponent in factors}
            if not product or min(product.values()) < 1 or expected(known, int) == 0:
                raise ValueError(f"a term must be a number times powers of parts, and is {[known, factors]}")
            built[frozenset(product.items())] = known
        return make_sum(expected(constant, int), built)

    def call(self, name: str, places: Sequence[int]) -> Expression:
        operands = self.operands(places)
        if len(operands) != PYTHON_FUNCTIONS[name].arity:
            raise ValueError(f"{name} takes {PYTHON_FUNCTIONS[name].arity} operands, and has {len(operands)}")
        return Call(name, operands)

    def relation(self, sign: str, places: Sequence[int]) -> Expression:
        if sign not in _SIGNS:
            raise ValueError(f"there is no comparison {sign!r}")
        left, right = self.operands(places)
        return Relation(sign, left, right)


_BUILDERS: dict[str, Callable[..., Expression]] = {
    "symbol": Reader.symbol,
    "number": lambda _, value: _constant(number_from_json(value)),
    "sum": Reader.sum,
    "call": Reader.call,
    "relation": Reader.relation,
    "not": lambda reader, places: Not(*map(reader.condition, places)),
    "any": lambda reader, places: Junction(True, _several(map(reader.condition, places))),
    "all": lambda reader, places: Junction(False, _several(map(reader.condition, places))),
    "choice": lambda reader, places: Choice(*reader.operands(places)),
}


def parsed(text: str) -> tuple[dict[str, Any], Reader]:
    """Return the record that a text holds, and its expressions.

    Raises:
        MalformedRecord: the text is no record of an environment.

    >>> parsed("[]")
    Traceback (most recent call last):
    framelift_symbolic_shapes.errors.MalformedRecord: the text must be JSON that to_json wrote, and is not: it is no \
object of the format 'framelift-symbolic-shapes/1'
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedRecord(str(error)) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise MalformedRecord(f"it is no object of the format {FORMAT!r}")
    try:
        return record, Reader(record["expressions"])
    except (LookupError, TypeError, ValueError) as error:
        raise MalformedRecord(f"{type(error).__name__}: {error}") from error
