"""The published conformance suite, on the handlers of this package: one law for each type."""

from __future__ import annotations

from collections import OrderedDict, deque

import pytest
from hypothesis import strategies as st

from framelift_variable_tracking import conformance, default_registry
from framelift_variable_tracking.handlers.container import constant
from framelift_variable_tracking.handlers.list import ListHandler

REGISTRY = default_registry()

KEYS = st.one_of(
    st.integers(-3, 3), st.sampled_from(["a", "b", 1.0, None]), st.booleans(), st.tuples(st.integers(0, 2))
)
ITEMS = st.one_of(KEYS, st.lists(st.integers(0, 2), max_size=2))

VALUES = {
    list: st.lists(ITEMS, max_size=5),
    tuple: st.lists(ITEMS, max_size=5).map(tuple),
    dict: st.dictionaries(KEYS, ITEMS, max_size=4),
    OrderedDict: st.dictionaries(KEYS, ITEMS, max_size=4).map(OrderedDict),
    deque: st.builds(deque, st.lists(ITEMS, max_size=4), st.sampled_from([None, 3])),
    set: st.sets(KEYS, max_size=5),
    frozenset: st.frozensets(KEYS, max_size=5),
    range: st.builds(range, st.integers(-3, 5), st.integers(-3, 8), st.sampled_from([1, 2, -1])),
    slice: st.builds(slice, st.integers(-3, 3) | st.none(), st.integers(-3, 3), st.integers(1, 2) | st.none()),
}


@pytest.mark.parametrize("cls", VALUES, ids=lambda cls: cls.__name__)
def test_a_handler_answers_as_the_type_does(cls):
    conformance.check(REGISTRY.types[cls], VALUES[cls], registry=REGISTRY, examples=60)


class Wrong(ListHandler):
    def length(self, domain, variable):
        return constant(len(variable) + (len(variable) == 2))


def test_a_wrong_handler_is_found():
    registry = REGISTRY.extend(types={list: Wrong()})
    with pytest.raises(AssertionError, match="gave 3, not 2"):
        conformance.check(Wrong(), st.just([1, 2]), registry=registry, examples=500)
