"""Law: every value of an expression is in its range."""

import itertools

import pytest
from expressions import compiled
from hypothesis import given, settings
from hypothesis import strategies as st
from test_simplification_law import RANGES, X, Y, operands

from framelift_symbolic_shapes import Range
from framelift_symbolic_shapes.bounding import bound

HALVES = st.one_of(
    RANGES, st.integers(-5, 5).map(lambda n: Range(lower=n)), st.integers(-5, 5).map(lambda n: Range(upper=n))
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_values_are_in_range(data):
    ranges = {X: data.draw(HALVES), Y: data.draw(HALVES)}
    expression = data.draw(operands(ranges, depth=3))
    here = bound(expression, ranges)
    values = [
        range(int(max(r.lower, min(r.upper, 0) - 8)), int(min(r.upper, max(r.lower, 0) + 8)) + 1)
        for r in ranges.values()
    ]
    function = compiled(expression, ranges)
    for at in itertools.product(*values):
        try:
            value = function(*at)
        except (ZeroDivisionError, ValueError):
            continue
        assert value in here, (expression, at, here)


@given(RANGES, RANGES)
def test_ranges_are_a_lattice(a, b):
    union = a | b
    assert a.issubset(union)
    assert b.issubset(union)
    if max(a.lower, b.lower) <= min(a.upper, b.upper):
        meet = a & b
        assert meet.issubset(a)
        assert meet.issubset(b)
    else:
        with pytest.raises(ValueError, match="empty"):
            a & b
