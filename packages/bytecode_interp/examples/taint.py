"""A domain that marks what derives from a source: explicit flows of data through operators, containers and calls.

Implicit flows are not tracked: in `y = 1 if secret else 0`, `y` has no mark; its value is a constant of the program.
Neither are values that C code takes lazily from an interpreted generator, or finds in attributes of objects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from framelift_bytecode_interp import ConcreteDomain, Result, Value


@dataclass(frozen=True, eq=False)
class Marked:
    """An object and the sources that it derives from. It is where the program has the object, containers included."""

    value: Any
    sources: frozenset[str]

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Marked) else other))

    def __lt__(self, other: object) -> bool:
        return bool(self.value < (other.value if isinstance(other, Marked) else other))

    def __hash__(self) -> int:
        return hash(self.value)


def marked(value: Any, sources: frozenset[str]) -> Any:
    """A value with more sources."""
    if isinstance(value, Marked):
        value, sources = value.value, sources | value.sources
    return Marked(value, sources) if sources else value


def strip(value: Any) -> tuple[Any, frozenset[str]]:
    """A value as C code shall see it, with containers copied where something in them is marked; and all its sources."""
    if isinstance(value, Marked):
        plain, inner = strip(value.value)
        return plain, inner | value.sources
    if type(value) in {list, tuple, set, frozenset}:
        items = [strip(item) for item in value]
        sources = frozenset().union(*(found for _, found in items))
        return (type(value)(item for item, _ in items), sources) if sources else (value, sources)
    if type(value) is dict:
        keys, keys_from = strip(list(value))
        values, values_from = strip(list(value.values()))
        sources = keys_from | values_from
        return (dict(zip(keys, values, strict=True)), sources) if sources else (value, sources)
    return value, frozenset()


def surface(value: Any) -> tuple[Any, frozenset[str]]:
    """The object itself, and its own sources."""
    return (value.value, value.sources) if isinstance(value, Marked) else (value, frozenset())


NATIVE = ConcreteDomain(enters=lambda _function: False)
"""Does the operations that have a marked operand; what a special method in Python does there is not followed inside."""


def derives(name: str, look: Callable[[Any], tuple[Any, frozenset[str]]]) -> Callable[..., Result[Any]]:
    """An operation whose result has the sources of its operands."""
    general, native = getattr(ConcreteDomain, name), getattr(NATIVE, name)

    def operation(self: ConcreteDomain, *operands: Any) -> Result[Any]:
        looked = [look(operand) for operand in operands]
        sources = frozenset().union(*(found for _, found in looked))
        if not sources:
            return general(self, *operands)  # type: ignore[no-any-return]
        result: Result[Any] = native(*(plain for plain, _ in looked))
        return Value(marked(result.value, sources)) if isinstance(result, Value) else result

    return operation


class TaintDomain(ConcreteDomain):
    """Marks what the calls of some functions give, and all that derives from it.

    Args:
        sources: the name of the source that each function reads.
    """

    def __init__(self, sources: Mapping[Callable[..., Any], str]) -> None:
        super().__init__()
        self.sources = {id(function): frozenset((name,)) for function, name in sources.items()}

    unary, binary, compare, contains, build_string, format_value, convert, match_class, match_keys = (
        derives(name, strip)
        for name in [
            "unary",
            "binary",
            "compare",
            "contains",
            "build_string",
            "format_value",
            "convert",
            "match_class",
            "match_keys",
        ]
    )
    inplace, get_item, get_attribute, length, identical, get_iter, next, list_to_tuple, match_sequence = (
        derives(name, surface)
        for name in [
            "inplace",
            "get_item",
            "get_attribute",
            "length",
            "identical",
            "get_iter",
            "next",
            "list_to_tuple",
            "match_sequence",
        ]
    )

    def truth(self, value: Any) -> Result[Any]:
        return super().truth(surface(value)[0])  # a host bool, which no mark survives: an implicit flow

    def unpack(self, value: Any, count: int) -> Result[Any]:
        plain, sources = surface(value)
        result = super().unpack(plain, count)
        return Value(tuple(marked(item, sources) for item in result.value)) if isinstance(result, Value) else result

    def unpack_ex(self, value: Any, before: int, after: int) -> Result[Any]:
        plain, sources = surface(value)
        result = super().unpack_ex(plain, before, after)
        return Value(tuple(marked(item, sources) for item in result.value)) if isinstance(result, Value) else result

    def list_extend(self, target: Any, items: Any) -> Result[Any]:
        plain, sources = surface(items)
        return super().list_extend(target, [marked(item, sources) for item in plain] if sources else items)

    def set_item(self, container: Any, key: Any, value: Any) -> Result[Any]:
        return super().set_item(surface(container)[0], key, value)

    def set_attribute(self, owner: Any, name: str, value: Any) -> Result[Any]:
        return super().set_attribute(surface(owner)[0], name, value)

    def call(self, frame: Any, callee: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Result[Any]:
        function, sources = surface(callee)
        source = self.sources.get(id(function), frozenset())
        if not source and runs_python(function):
            return super().call(frame, function, args, kwargs)  # the marks are followed inside
        if type(getattr(function, "__self__", None)) not in {list, dict, set, deque}:  # these keep marked items
            (args, of_args), (kwargs, of_kwargs) = strip(args), strip(kwargs)
            if function is not object.__new__:  # what it makes is empty yet
                sources |= of_args | of_kwargs
        domain = NATIVE if source else super()
        result = domain.call(frame, function, args, kwargs)
        return Value(marked(result.value, sources | source)) if isinstance(result, Value) else result


def runs_python(function: Any) -> bool:
    """Whether a call is interpreted: of a function, of a method, of a class with a constructor in Python."""
    if isinstance(function, type):
        return FunctionType in {type(function.__new__), type(function.__init__)}
    return isinstance(function, FunctionType | MethodType)
