"""Law: what follows from congruences and from products of what is at least something holds wherever the facts do."""

import itertools

import pytest
from expressions import compiled
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import Range
from framelift_symbolic_shapes.expression import Constant, Symbol, call, compare
from framelift_symbolic_shapes.facts import Facts

A, B = SYMBOLS = [Symbol(name, int) for name in "ab"]
UP_TO = 26


@st.composite
def remainders(draw):
    inside = draw(st.integers(1, 4)) * draw(st.sampled_from(SYMBOLS)) + draw(st.integers(-3, 3))
    if draw(st.booleans()):
        inside = call("FloorDiv", (inside, Constant(draw(st.sampled_from([2, 3, -2]))))) + draw(st.integers(-1, 1))
    return compare("==", call("Mod", (inside, Constant(draw(st.sampled_from([2, 3, 4, 6, 8, -4]))))), Constant(0))


@st.composite
def products(draw):
    """`a * b == 8 * (a // 4) * (b // 2)` and its like, as a view of patches compares its elements."""
    first, second = draw(st.sampled_from([(A, B), (A, A), (B, A)]))
    by, other = draw(st.sampled_from([(2, 2), (4, 2), (2, 3), (1, 2)]))
    parts = call("FloorDiv", (first, Constant(by))) * call("FloorDiv", (second, Constant(other)))
    return compare("==", first * second, parts * by * draw(st.sampled_from([other, other, 1])))


@st.composite
def queries(draw):
    total = Constant(draw(st.integers(-6, 6))) + A * draw(st.integers(-3, 3)) + B * draw(st.integers(-3, 3))
    total += A * B * draw(st.integers(-2, 2)) + A * A * draw(st.integers(-1, 1))
    if draw(st.booleans()):
        total = call(draw(st.sampled_from(["Mod", "FloorDiv"])), (total, Constant(draw(st.sampled_from([2, 3, 4, 8])))))
    return compare(draw(st.sampled_from(["==", "!=", "<", "<="])), total, Constant(draw(st.integers(-3, 9))))


@settings(max_examples=200, deadline=None)
@given(facts=st.lists(st.one_of(remainders(), products()), max_size=3), query=queries(), lower=st.integers(-2, 3))
def test_decisions_are_sound(facts, query, lower):
    known = Facts()
    for symbol in SYMBOLS:
        known.declare(symbol, Range(lower))
    points = list(itertools.product(range(lower, UP_TO), repeat=2))
    for fact in facts:
        function = compiled(fact, SYMBOLS)
        remaining = [at for at in points if function(*at)]
        if remaining and known.decide(fact) is None:
            known.assume(fact)
            points = remaining
    answer = known.decide(query)
    if answer is not None:
        function = compiled(query, SYMBOLS)
        assert all(bool(function(*at)) is answer for at in points), (facts, query, answer)


def half(number):
    return call("FloorDiv", (number, Constant(2)))


def is_even(number):
    return compare("==", call("Mod", (number, Constant(2))), Constant(0))


EIGHT = [compare("==", call("Mod", (A, Constant(8))), Constant(0))]


@pytest.mark.parametrize(
    ("facts", "query"),
    [
        (EIGHT, compare("==", call("Mod", (A, Constant(4))), Constant(0))),
        (EIGHT, compare("==", call("Mod", (A * 3, Constant(8))), Constant(0))),
        (EIGHT, compare("==", call("Mod", (A * B, Constant(8))), Constant(0))),
        (EIGHT, compare("==", call("Mod", (A + 13, Constant(4))), Constant(1))),
        (EIGHT, compare("!=", A, Constant(9))),
        (EIGHT, compare(">=", A, Constant(8))),
        (EIGHT, compare(">=", call("FloorDiv", (A, Constant(8))), Constant(1))),
        ([*EIGHT, compare("==", call("Mod", (A, Constant(3))), Constant(0))], compare(">=", A, Constant(24))),
        ([*EIGHT, compare("==", A, B * 2)], compare("==", call("Mod", (B, Constant(4))), Constant(0))),
        ([is_even(half(A))], compare("!=", half(A), Constant(1))),
        ([is_even(half(A)), is_even(A)], compare("==", A, call("FloorDiv", (A, Constant(4))) * 4)),
        ([is_even(half(half(A))), is_even(half(A)), is_even(A)], compare(">=", A, Constant(8))),
        ([is_even(A), is_even(half(A))], compare("!=", half(A), Constant(1))),
        ([compare("==", call("Mod", (A * B, Constant(4))), Constant(0))], compare("!=", A * B, Constant(6))),
        ([compare("==", A * B, half(A) * half(B) * 4)], compare("==", half(A) * 2, A)),
        ([compare("==", A * A, half(A) * half(A) * 4)], compare("==", call("Mod", (A, Constant(2))), Constant(0))),
        (
            [compare("==", A * B, half(A) * half(B) * 4)],
            compare("==", call("FloorDiv", (B, half(B))), Constant(2)),
        ),
        ([], compare("==", call("FloorDiv", (A - 1, half(A + 1))), Constant(1))),
        ([], compare("==", (A + call("Mod", (-A, Constant(4)))) * B, call("FloorDiv", (-A, Constant(4))) * B * -4)),
        ([compare("!=", A, B), compare("<=", A, B)], compare(">=", B, Constant(3))),
        ([compare("!=", A, Constant(5)), compare(">=", A, Constant(5))], compare(">=", A + B, Constant(8))),
        ([], compare(">=", A * B, A + B)),
        ([], compare("<", A, A * A)),
    ],
)
def test_what_follows_is_known(facts, query):
    known = Facts()
    for symbol in SYMBOLS:
        known.declare(symbol, Range(2))
    for fact in facts:
        known.assume(fact)
    assert known.decide(query) is True
