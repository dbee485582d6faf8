"""Law: what is decided from facts holds wherever the facts hold; what is refuted fails there."""

import itertools

from expressions import compiled
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import Range
from framelift_symbolic_shapes.expression import Constant, Symbol, call, compare, junction, negate
from framelift_symbolic_shapes.facts import Facts

SYMBOLS = [Symbol(name, int) for name in "abc"]
RELATIONS = ["==", "!=", "<", "<=", ">", ">="]


@st.composite
def terms(draw):
    total = Constant(draw(st.integers(-4, 4)))
    for symbol in SYMBOLS:
        total += draw(st.integers(-2, 2)) * symbol
    if draw(st.booleans()):
        total += SYMBOLS[0] * SYMBOLS[1]
    if draw(st.integers(0, 3)) == 0:
        total = call("Mod", (total, Constant(draw(st.integers(2, 4)))))
    return total


def where(condition, points):
    function = compiled(condition, SYMBOLS)
    return [at for at in points if function(*at)]


@st.composite
def relations(draw):
    return compare(draw(st.sampled_from(RELATIONS)), draw(terms()), draw(terms()))


@st.composite
def conditions(draw):
    condition = draw(relations())
    shape = draw(st.integers(0, 3))
    if shape == 0:
        return negate(condition)
    if shape == 1:
        return junction(draw(st.booleans()), (condition, draw(relations())))
    return condition


@settings(max_examples=200, deadline=None)
@given(facts=st.lists(conditions(), max_size=3), query=conditions(), lower=st.integers(-2, 2), width=st.integers(1, 4))
def test_decisions_are_sound(facts, query, lower, width):
    points = list(itertools.product(range(lower, lower + width), repeat=3))
    known = Facts()
    for symbol in SYMBOLS:
        known.declare(symbol, Range(lower, lower + width - 1))
    for fact in facts:
        remaining = where(fact, points)
        if not remaining:
            continue  # a capture only ever takes as true what held in its run
        points = remaining
        if known.decide(fact) is None:
            known.assume(fact)
    answer = known.decide(query)
    if answer is not None:
        assert len(where(query, points)) == (len(points) if answer else 0), (facts, query, answer)


@settings(max_examples=100, deadline=None)
@given(condition=conditions())
def test_a_fact_is_known_afterwards(condition):
    points = list(itertools.product(range(-3, 4), repeat=3))
    if not where(condition, points):
        return
    known = Facts()
    for symbol in SYMBOLS:
        known.declare(symbol, Range(-3, 3))
    known.assume(condition)
    assert known.decide(condition) is True
