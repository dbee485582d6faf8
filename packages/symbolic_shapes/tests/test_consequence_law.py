"""Law: what follows from congruences, products, quotients and extremes is known, and what is known follows.

That it follows is decided by brute force: over a box for all facts, and over a whole period for congruences.
"""

import itertools
import math

import pytest
from expressions import compiled
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import Range, ShapeEnv
from framelift_symbolic_shapes.expression import Call, Constant, Not, Relation, Symbol, compare, negate, power
from framelift_symbolic_shapes.facts import Facts
from framelift_symbolic_shapes.simplification import simplify

SYMBOLS = A, B, C, D = [Symbol(name, int, True) for name in "abcd"]
SIGNS = ["==", "!=", "<", "<=", ">", ">="]


def sizes(lower=2, upper=math.inf):
    known = Facts()
    for symbol in SYMBOLS:
        known.declare(symbol, Range(lower, upper))
    return known


NOTHING = sizes()


def apply(name, *operands):
    parts = [Constant(one) if isinstance(one, int) else one for one in operands]
    return simplify(name, tuple(parts), NOTHING.bound)


def mod(a, b):
    return apply("Mod", a, b)


def div(a, b):
    return apply("FloorDiv", a, b)


def least(a, b):
    return apply("Minimum", a, b)


def most(a, b):
    return apply("Maximum", a, b)


def relation(left, sign, right):
    return Relation(sign, left, Constant(right) if isinstance(right, int) else right)


def eq(left, right):
    return relation(left, "==", right)


def le(left, right):
    return relation(left, "<=", right)


def lt(left, right):
    return relation(left, "<", right)


def ne(left, right):
    return relation(left, "!=", right)


EIGHT = eq(mod(A, 8), 0)
FOLLOWS = {
    "divisors divide": (eq(mod(A, 4), 0), [EIGHT]),
    "multiples of multiples": (eq(mod(A * 3, 8), 0), [EIGHT]),
    "products of multiples": (eq(mod(A * B, 8), 0), [EIGHT]),
    "what is added is a multiple": (eq(mod(A + B * 8 + 16, 8), 0), [EIGHT]),
    "quotients are exact": (eq(div(A, 2) * 2, A), [EIGHT]),
    "exact quotients are multiples": (eq(mod(div(A, 2), 4), 0), [EIGHT]),
    "quotients of products": (eq(div(A * B, 8) * 8, A * B), [EIGHT]),
    "coprime moduli": (eq(mod(A, 24), 0), [EIGHT, eq(mod(A, 3), 0)]),
    "moduli with a common factor": (eq(mod(A, 24), 0), [EIGHT, eq(mod(A, 12), 0)]),
    "divided and multiplied": (eq(mod(A, 4), 0), [eq(A, div(A, 4) * 4)]),
    "divided, multiplied and more": (eq(mod(A + B, 4), 3), [eq((A + B) * 2 - 6, div(A + B, 4) * 8)]),
    "the least multiple, divided": (ne(div(A, 2), 1), [eq(A, div(A, 4) * 4)]),
    "equal sizes": (eq(mod(B, 4), 0), [EIGHT, eq(A, B)]),
    "equal sizes, later": (eq(mod(A, 4), 0), [eq(mod(B, 8), 0), eq(A, B)]),
    "sums": (eq(mod(B + C, 4), 0), [eq(mod(B + C, 8), 0)]),
    "remainders of sums": (eq(mod(B + C, 2), 1), [eq(mod(B + C, 8), 3)]),
    "products": (eq(mod(B * C, 4), 0), [eq(mod(B * C, 8), 0)]),
    "multiples of products": (eq(mod(B * C * 3, 8), 0), [eq(mod(B * C, 8), 0)]),
    "products of products": (eq(mod(A * B * C, 8), 0), [eq(mod(B * C, 8), 0)]),
    "the least multiple": (relation(A, ">=", 8), [EIGHT]),
    "no multiple": (ne(A, 7), [EIGHT]),
    "no multiple, of products": (ne(A * B, 7), [EIGHT]),
    "the least product": (relation(A * B, ">=", 16), [EIGHT]),
    "squares": (lt(A, A * A), []),
    "products grow": (lt(A, A * B), []),
    "products of three": (lt(A, A * B * C), []),
    "sums and products": (le(A + B, A * B), []),
    "scaled": (le(A * 8, A * B * 8 + 8), []),
    "a factor that is larger": (le(A * C, B * C), [le(A, B)]),
    "squares of larger": (le(A * A, B * B), [le(A, B)]),
    "both factors are larger": (le(A * D, B * C), [le(A, B), le(D, C)]),
    "a chain": (lt(A, C), [lt(A, B), lt(B, C)]),
    "equal factors": (eq(A * B, C * D), [eq(A, C), eq(B, D)]),
    "both sides times a number": (eq(A * D * 2, B * C * 2), [eq(A * D, B * C)]),
    "both sides times a size": (eq(A * D * B, B * C * B), [eq(A * D, B * C)]),
    "a common factor": (eq(A, B), [eq(A * C, B * C)]),
    "a common factor, different": (ne(A, B), [ne(A * C, B * C)]),
    "a common number": (ne(A, B), [ne(A * 2, B * 2)]),
    "a factor of a number": (eq(A, 6), [eq(A * B, B * 6)]),
    "a product divided": (eq(div(A * B, B), A), []),
    "a product and a part divided": (eq(div(A * B + B, B), A + 1), []),
    "a maximum of less": (le(most(A, B), C), [le(A, C), le(B, C)]),
    "a minimum of more": (relation(least(A, B), ">=", C), [le(C, A), le(C, B)]),
    "a maximum of ordered ones": (eq(most(A, B), B), [le(A, B)]),
    "both extremes": (eq(most(A, B) + least(A, B), A + B), []),
    "quotients keep order": (le(div(A, 2), div(B, 2)), [le(A, B)]),
    "quotients are less": (lt(div(A, B), A), []),
    "remainders are less": (lt(mod(A, B), B), []),
    "remainders are no more than what is divided": (le(mod(A, B), A), []),
}


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_follows_is_known(name):
    condition, facts = FOLLOWS[name]
    known = sizes()
    for fact in facts:
        assert known.decide(fact) is None
        known.assume(fact)
    assert known.decide(condition) is True
    assert known.decide(negate(condition)) is False
    for fact in facts:
        without = sizes()
        for other in facts:
            if other is not fact:
                without.assume(other)
        assert without.decide(condition) is not False


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_follows_becomes_no_guard(name):
    condition, facts = FOLLOWS[name]
    env = ShapeEnv()
    hints = [16, 16, 16, 16]
    nodes = [
        env.create_symbol(symbol.name, hint, dynamic=True, origin=None, size=True, shared=False)
        for symbol, hint in zip(SYMBOLS, hints, strict=True)
    ]
    symbols = dict(zip(SYMBOLS, [node.expression for node in nodes], strict=True))
    for fact in facts:
        env.node_type(_renamed(fact, symbols), env, bool, True).guard_bool("", 0)
    before = env.guards
    assert env.node_type(_renamed(condition, symbols), env, bool, True).guard_bool("", 0) is True
    assert env.guards == before
    again = ShapeEnv.from_json(env.to_json())
    assert again.statically(_renamed(condition, symbols)) is True


def _renamed(expression, symbols):
    if isinstance(expression, Symbol):
        return symbols[expression]
    return expression.rebuilt(tuple(_renamed(operand, symbols) for operand in expression.operands), Call)


@st.composite
def sums(draw, size=3, symbols=SYMBOLS[:3]):
    total = Constant(draw(st.integers(-size, size)))
    for symbol in draw(st.lists(st.sampled_from(symbols), max_size=2, unique=True)):
        total = total + symbol * draw(st.integers(-size, size))
    return total


@st.composite
def terms(draw):
    total = draw(sums())
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.integers(0, 5))
        if kind == 0:
            total = total * draw(sums(1))
        elif kind == 1:
            total = Call("Mod", (total, Constant(draw(st.sampled_from([2, 3, 4, 6, -2])))))
        elif kind == 2:
            total = Call("FloorDiv", (total, Constant(draw(st.sampled_from([2, 3, 4, -2])))))
        elif kind == 3:
            total = Call(draw(st.sampled_from(["Minimum", "Maximum"])), (total, draw(sums())))
        elif kind == 4:
            total = Call("IntAbs", (total,))
        else:
            total = power(total, 2)
    return total


@st.composite
def conditions(draw):
    kind = draw(st.integers(0, 3))
    if kind == 0:
        modulus = draw(st.integers(2, 6))
        left = draw(st.one_of(sums(), terms()))
        return compare("==", Call("Mod", (left, Constant(modulus))), Constant(draw(st.integers(0, modulus - 1))))
    return compare(draw(st.sampled_from(SIGNS)), draw(terms()), draw(st.one_of(sums(), terms())))


def where(condition, points):
    function = compiled(condition, SYMBOLS[:3])
    return [at for at in points if function(*at)]


BOXES = st.tuples(st.integers(-3, 2), st.integers(2, 7))


@settings(max_examples=300, deadline=None)
@given(facts=st.lists(conditions(), max_size=4), queries=st.lists(conditions(), min_size=1, max_size=3), box=BOXES)
def test_what_is_known_follows(facts, queries, box):
    lower, width = box
    points = [*itertools.product(range(lower, lower + width), repeat=3)]
    known = sizes(lower, lower + width - 1)
    for fact in facts:
        remaining = where(fact, points)
        if not remaining:
            continue  # a capture only ever takes as true what held in its run
        points = remaining
        if known.decide(fact) is None:
            known.assume(fact)
            assert known.decide(fact) is True
    for query in queries:
        answer = known.decide(query)
        if answer is not None:
            assert len(where(query, points)) == (len(points) if answer else 0), (facts, query, answer)


CONGRUENCES = st.tuples(
    st.integers(-4, 4), st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 7), st.sampled_from([2, 3, 4, 6, 8])
)


def _congruence(parts):
    a, b, c, rest, modulus = parts
    return compare("==", mod(A * a + B * b + C * c, modulus), Constant(rest % modulus))


@settings(max_examples=150, deadline=None)
@given(facts=st.lists(CONGRUENCES, max_size=2), query=CONGRUENCES)
def test_what_follows_from_congruences_of_single_symbols_is_known(facts, query):
    period = math.lcm(*[parts[4] for parts in facts], query[4])
    assume(period <= 12)
    known = sizes()
    points = [*itertools.product(range(2, 2 + period), repeat=3)]
    for place, parts in enumerate(facts):
        alone = [0, 0, 0]
        alone[place] = parts[0]
        fact = _congruence((*alone, *parts[3:]))
        remaining = where(fact, points)
        if not remaining:
            continue
        points = remaining
        if known.decide(fact) is None:
            known.assume(fact)
    asked = _congruence(query)
    here = len(where(asked, points))
    expected = True if here == len(points) else False if here == 0 else None
    assert known.decide(asked) is expected
    assert known.decide(negate(asked)) is (None if expected is None else not expected)


def test_contradictions_raise_nothing():
    known = Facts()
    known.declare(A, Range(9, 10))
    known.assume(EIGHT)
    assert known.decide(Not(EIGHT)) is False
    assert known.decide(eq(mod(A * 2, 16), 0)) is True
