"""Views of dictionaries: keys, values, items."""

from __future__ import annotations

import ast
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from framelift_bytecode_interp import Value

from ..emitter import Emitter
from ..handler import Answer, Arguments, Keywords, Tracking
from ..polyfills import mapping as polyfills
from ..variable import HashKey, Variable
from .container import EqualityHandler, Method, constant, find, key_of, known_equal
from .dict_variable import DictViewVariable
from .iterator import DICT_ITERATORS, KeyIteratorVariable
from .list import shown
from .set import COMPARISONS, OPERATORS, SetVariable, host, made
from .tuple import TupleVariable

KEYS: Final[frozenset[type]] = frozenset((type({}.keys()), type(OrderedDict().keys())))
VALUES: Final[frozenset[type]] = frozenset((type({}.values()), type(OrderedDict().values())))
ITEMS: Final[frozenset[type]] = frozenset((type({}.items()), type(OrderedDict().items())))
VIEWS: Final[frozenset[type]] = KEYS | VALUES | ITEMS


def contents(variable: DictViewVariable) -> list[Variable]:
    """Return what iterating the view gives."""
    mapping = variable.mapping
    if variable.cls in KEYS:
        return [key.variable for key in mapping.keyed()]
    if variable.cls in VALUES:
        return list(mapping.items.values())
    return [TupleVariable((key.variable, value)) for key, value in mapping.items.items()]


def iterator(variable: DictViewVariable, *, backwards: bool = False) -> KeyIteratorVariable:
    """Return `iter(view)` or `reversed(view)`; values are read when they are reached."""
    kind = 0 if variable.cls in KEYS else 1 if variable.cls in VALUES else 2
    keys = list(variable.mapping.keyed())
    if backwards:
        keys.reverse()
    items: Sequence[Variable | None] = [key.variable for key in keys] if kind == 0 else [None] * len(keys)
    return KeyIteratorVariable(DICT_ITERATORS[kind + 3 * backwards], variable.mapping, items, keys)


def _reversed(domain: Tracking, target: DictViewVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`reversed(view)`."""
    return Value(iterator(target, backwards=True))


def _is_disjoint(domain: Tracking, target: DictViewVariable, args: Arguments, kwargs: Keywords) -> Answer:
    """`view.isdisjoint(other)`."""
    mine, other = keys_of(domain, target), host(domain, args[0])
    if other is None:
        return domain.unsupported(target, "isdisjoint() with an iterable that runs code")
    return constant(mine.isdisjoint(other))


def keys_of(domain: Tracking, variable: DictViewVariable) -> set[HashKey]:
    """Return the elements of a view of keys or items, as keys."""
    return {key_of(domain, item) for item in contents(variable)}


class DictViewHandler(EqualityHandler):
    """What can be done with views."""

    methods: ClassVar[Mapping[str, Method]] = {
        "__reversed__": Method(_reversed),
        "isdisjoint": Method(_is_disjoint, 1, 1),
    }
    sample: ClassVar[Callable[[], object]] = {}.keys

    def known_equal(self, domain: Tracking, left: Variable, right: Variable) -> bool | None:
        return None

    def compare(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        assert isinstance(left, DictViewVariable)
        if left.cls in VALUES or not isinstance(right, DictViewVariable | SetVariable) or right.cls in VALUES:
            return None
        return constant(COMPARISONS[op](keys_of(domain, left), self._elements(domain, right)))

    def _elements(self, domain: Tracking, variable: Variable) -> set[HashKey]:
        if isinstance(variable, DictViewVariable):
            return keys_of(domain, variable)
        assert isinstance(variable, SetVariable)
        return variable.elements

    def binary(self, domain: Tracking, op: str, left: Variable, right: Variable) -> Answer | None:
        assert isinstance(left, DictViewVariable)
        if op not in OPERATORS or left.cls in VALUES:
            return None
        other = keys_of(domain, right) if isinstance(right, DictViewVariable) else host(domain, right)
        if other is None:
            return domain.unsupported(left, f"the operator {op!r} with an iterable that runs code")
        elements = keys_of(domain, left)
        operation: Any = getattr(set, OPERATORS[op])
        result = made(operation(elements, other), set, (left, right))
        result.exact = result.exact and op in "|-"
        return Value(result)

    def reflected(self, domain: Tracking, op: str, right: Variable, left: Variable) -> Answer | None:
        assert isinstance(right, DictViewVariable)
        if op not in OPERATORS or right.cls in VALUES or not isinstance(left, SetVariable):
            return None
        operation: Any = getattr(set, OPERATORS[op])
        result = made(operation(left.elements, keys_of(domain, right)), set, (left, right))
        result.exact = False
        return Value(result)

    def contains(self, domain: Tracking, container: Variable, item: Variable) -> Answer:
        assert isinstance(container, DictViewVariable)
        mapping = container.mapping
        if container.cls in KEYS:
            return constant(mapping.has(key_of(domain, item)))
        if container.cls in VALUES:
            place = find(domain, list(mapping.items.values()), item)
            return domain.polyfill(polyfills.has_value, container, item) if place is None else constant(place >= 0)
        pair = domain.sequence(item) if isinstance(item, TupleVariable) else None
        if pair is None or len(pair) != 2:
            return constant(False)
        value = mapping.get(key_of(domain, pair[0]))
        equal = False if value is None else known_equal(domain, value, pair[1])
        return domain.unsupported(container, "this membership test") if equal is None else constant(equal)

    def truth(self, domain: Tracking, variable: Variable) -> Value[Any]:
        assert isinstance(variable, DictViewVariable)
        return Value(len(variable) > 0)

    def length(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, DictViewVariable)
        return constant(len(variable))

    def sequence(self, domain: Tracking, variable: Variable) -> Sequence[Variable] | None:
        assert isinstance(variable, DictViewVariable)
        return contents(variable)

    def get_iter(self, domain: Tracking, variable: Variable) -> Answer:
        assert isinstance(variable, DictViewVariable)
        return Value(iterator(variable))

    def convert(self, domain: Tracking, variable: Variable, conversion: str) -> Answer:
        assert isinstance(variable, DictViewVariable)
        return shown(domain, variable, contents(variable), f"{variable.cls.__name__}([", "])", conversion)

    def reconstruct(self, emitter: Emitter, variable: Variable) -> ast.expr:
        assert isinstance(variable, DictViewVariable)
        owner: Any = OrderedDict if issubclass(variable.mapping.cls, OrderedDict) else dict
        name = "keys" if variable.cls in KEYS else "values" if variable.cls in VALUES else "items"
        return emitter.call(getattr(owner, name), emitter.value(variable.mapping))


HANDLERS = dict.fromkeys(VIEWS, DictViewHandler())
