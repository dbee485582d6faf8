"""The table of the handlers of containers and of their iterators, and the rules of their polyfills."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final

from ..handler import Answer, Arguments, CallContext, FunctionRule, Keywords, Tracking, TypeHandler
from ..polyfills.sequence import matches
from .container import constant, known_equal
from .deque import DEQUE_ITERATOR, DEQUE_REVERSED, DequeHandler, DequeIteratorHandler
from .dict import DefaultDictHandler, DictHandler, OrderedDictHandler
from .dict_view import VIEWS, DictViewHandler
from .iterator import (
    BYTES_ITERATOR,
    DICT_ITERATORS,
    LIST_ITERATOR,
    LIST_REVERSED,
    LONG_RANGE_ITERATOR,
    RANGE_ITERATOR,
    SET_ITERATOR,
    TEXT_ITERATORS,
    TUPLE_ITERATOR,
    KeyIteratorHandler,
    SequenceIteratorHandler,
)
from .list import ListHandler
from .range import RangeHandler
from .set import FrozenSetHandler, SetHandler
from .slice import SliceHandler
from .tuple import TupleHandler

_SEQUENCES = SequenceIteratorHandler()
_KEYS = KeyIteratorHandler()
_VIEW = DictViewHandler()
_DEQUES = DequeIteratorHandler()

HANDLERS: Final[Mapping[type, TypeHandler]] = {
    list: ListHandler(),
    tuple: TupleHandler(),
    range: RangeHandler(),
    slice: SliceHandler(),
    dict: DictHandler(),
    OrderedDict: OrderedDictHandler(),
    defaultdict: DefaultDictHandler(),
    deque: DequeHandler(),
    set: SetHandler(),
    frozenset: FrozenSetHandler(),
    **dict.fromkeys(
        (
            LIST_ITERATOR,
            LIST_REVERSED,
            TUPLE_ITERATOR,
            RANGE_ITERATOR,
            LONG_RANGE_ITERATOR,
            BYTES_ITERATOR,
            *TEXT_ITERATORS,
        ),
        _SEQUENCES,
    ),
    **dict.fromkeys((*DICT_ITERATORS, SET_ITERATOR), _KEYS),
    **dict.fromkeys((DEQUE_ITERATOR, DEQUE_REVERSED), _DEQUES),
    **dict.fromkeys(VIEWS, _VIEW),
}
"""The handlers by type."""


def _matches(domain: Tracking, context: CallContext, args: Arguments, kwargs: Keywords) -> Answer:
    one, other = args
    equal = known_equal(domain, one, other)
    return domain.compare("==", one, other) if equal is None else constant(equal)


RULES: Final[Mapping[Any, FunctionRule]] = {matches: _matches}
"""The rules by function."""
