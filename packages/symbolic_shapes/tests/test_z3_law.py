"""Laws that z3 decides for all integers: rules change no value, answers follow, and what follows becomes no guard.

What follows is found in two fragments, whatever the number of facts: bounds and differences of symbols over the
integers, and all linear inequalities over the rationals.
"""

import math
import operator

import pytest

z3 = pytest.importorskip("z3")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from framelift_symbolic_shapes import Range, ShapeEnv, evaluate  # noqa: E402
from framelift_symbolic_shapes.bounding import bound  # noqa: E402
from framelift_symbolic_shapes.expression import (  # noqa: E402
    Call,
    Choice,
    Constant,
    Junction,
    Not,
    Relation,
    Sum,
    Symbol,
    call,
    compare,
    junction,
    negate,
)
from framelift_symbolic_shapes.facts import Facts  # noqa: E402
from framelift_symbolic_shapes.simplification import RULES, simplify  # noqa: E402

SYMBOLS = [Symbol(name, int) for name in "abc"]
EFFORT = 200_000  # z3's own unit: a limit in seconds would make the outcome depend on the machine
SIGNS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def floor_divide(a, b):
    return z3.If(b > 0, a / b, (-a) / (-b))  # z3's remainder is never negative; Python's has the divisor's sign


FUNCTIONS = {
    "FloorDiv": floor_divide,
    "Mod": lambda a, b: a - b * floor_divide(a, b),
    "Minimum": lambda a, b: z3.If(a <= b, a, b),
    "Maximum": lambda a, b: z3.If(a >= b, a, b),
    "IntAbs": lambda a: z3.If(a >= 0, a, -a),
    "Product": operator.mul,
}


def translated(expression, variable=z3.Int):
    """The expression in z3's form."""
    if isinstance(expression, Constant):
        value = expression.value
        return z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(value)
    if isinstance(expression, Symbol):
        return variable(expression.name)
    if isinstance(expression, Sum):
        result = z3.IntVal(expression.constant)
        for monomial, coefficient in expression.terms.items():
            product = coefficient
            for atom, exponent in monomial:
                product = product * math.prod([translated(atom, variable)] * exponent)
            result = result + product
        return result
    operands = [translated(operand, variable) for operand in expression.operands]
    if isinstance(expression, Call):
        return FUNCTIONS[expression.name](*operands)
    if isinstance(expression, Relation):
        return SIGNS[expression.sign](*operands)
    if isinstance(expression, Junction):
        return (z3.Or if expression.any_of else z3.And)(*operands)
    return {Not: z3.Not, Choice: z3.If}[type(expression)](*operands)


def within(ranges, variable=z3.Int):
    """That symbols are in their ranges."""
    for symbol, values in ranges.items():
        if not math.isinf(values.lower):
            yield variable(symbol.name) >= values.lower
        if not math.isinf(values.upper):
            yield variable(symbol.name) <= values.upper


def outcome(*conditions):
    solver = z3.Solver()
    solver.set("rlimit", EFFORT)
    solver.add(*conditions)
    return solver.check()


RANGES = st.one_of(
    st.integers(-4, 4).map(lambda lower: Range(lower)),
    st.integers(-4, 4).map(lambda upper: Range(upper=upper)),
    st.tuples(st.integers(-6, 6), st.integers(0, 8)).map(lambda pair: Range(pair[0], sum(pair))),
    st.just(Range()),
)


@st.composite
def sums(draw, size=3):
    total = Constant(draw(st.integers(-size, size)))
    for symbol in SYMBOLS[: draw(st.integers(1, 3))]:
        total = total + symbol * draw(st.integers(-size, size))
    return total


@st.composite
def terms(draw):
    total = draw(sums())
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(["FloorDiv", "Mod", "Minimum", "Maximum", "IntAbs"]))
        second = draw(st.sampled_from([Constant(2), Constant(3), Constant(-4)]))
        if name in ("Minimum", "Maximum"):
            second = draw(sums())
        total = call(name, (total,) if name == "IntAbs" else (total, second))
        total = total * draw(st.sampled_from([1, 2, -1])) + draw(sums(1))
    return total


@pytest.mark.parametrize("name", [name for name in RULES if name in FUNCTIONS])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_rules_change_no_value(name, data):
    ranges = {symbol: data.draw(RANGES) for symbol in SYMBOLS}
    first = data.draw(terms())
    second = data.draw(st.one_of(sums(), st.integers(-4, 4).filter(bool).map(Constant)))
    parts = (first,) if name == "IntAbs" else (first, second)
    result = simplify(name, parts, lambda e: bound(e, ranges))
    inputs = [translated(part) for part in parts]
    defined = [inputs[1] != 0] if name in ("FloorDiv", "Mod") else []
    different = FUNCTIONS[name](*inputs) != translated(result)
    assert outcome(*within(ranges), *defined, different) != z3.sat, (name, parts, result)


@st.composite
def relations(draw, of=terms):
    return compare(draw(st.sampled_from(list(SIGNS))), draw(of()), draw(of()))


@st.composite
def conditions(draw, of=terms):
    condition = draw(relations(of))
    if draw(st.integers(0, 3)) == 0:
        condition = junction(draw(st.booleans()), (condition, draw(relations(of))))
    return negate(condition) if draw(st.booleans()) else condition


@settings(max_examples=150, deadline=None)
@given(facts=st.lists(conditions(), max_size=4), query=conditions(), ranges=st.tuples(RANGES, RANGES, RANGES))
def test_answers_follow(facts, query, ranges):
    known = Facts()
    by_symbol = dict(zip(SYMBOLS, ranges, strict=True))
    for symbol, values in by_symbol.items():
        known.declare(symbol, values)
    assumed = list(within(by_symbol))
    for fact in facts:
        if outcome(*assumed, translated(fact)) != z3.sat:
            continue  # a capture only ever takes as true what held in its run
        assumed.append(translated(fact))
        if known.decide(fact) is None:
            known.assume(fact)
    answer = known.decide(query)
    if answer is not None:
        opposite = z3.Not(translated(query)) if answer else translated(query)
        assert outcome(*assumed, opposite) != z3.sat, (facts, query, answer)


@st.composite
def differences(draw):
    """A bound or a difference of two symbols, compared with a number."""
    first, second = draw(st.permutations(SYMBOLS))[:2]
    left = first - second if draw(st.booleans()) else first
    sign = draw(st.sampled_from(["<", "<=", ">", ">=", "=="]))
    return compare(sign, left, Constant(draw(st.integers(-6, 6))))


HINTS = st.tuples(*[st.integers(-8, 8)] * 3)


@settings(max_examples=150, deadline=None)
@given(questions=st.lists(differences(), min_size=1, max_size=8), hints=HINTS)
def test_of_bounds_and_differences_what_follows_becomes_no_guard(questions, hints):
    env = ShapeEnv()
    nodes = [env.create_symbol(f"n{place}", hint, dynamic=True, origin=None) for place, hint in enumerate(hints)]
    values = {node.expression: hint for node, hint in zip(nodes, hints, strict=True)}
    symbols = dict(zip(SYMBOLS, [node.expression for node in nodes], strict=True))
    taken = []
    for question in questions:
        condition = Relation(question.sign, *[_renamed(side, symbols) for side in question.operands])
        holds = evaluate(condition, values)
        before = len(env.guards)
        known = env.statically(condition)
        node = env.node_type(condition, env, bool, holds)
        assert node.guard_bool("", 0) is holds
        true = translated(condition) if holds else z3.Not(translated(condition))
        follows = outcome(*taken, z3.Not(true)) == z3.unsat
        assert (known is not None) is follows, (questions, hints, str(condition))
        assert (len(env.guards) == before) is follows
        taken.append(true)


def _renamed(expression, symbols):
    if isinstance(expression, Constant):
        return expression
    if isinstance(expression, Symbol):
        return symbols[expression]
    total = Constant(expression.constant)
    for monomial, coefficient in expression.terms.items():
        ((atom, _),) = monomial
        total = total + symbols[atom] * coefficient
    return total


@settings(max_examples=100, deadline=None)
@given(
    facts=st.lists(st.tuples(st.sampled_from(["<", "<=", ">", ">="]), sums()), max_size=5),
    query=st.tuples(st.sampled_from(["<", "<=", ">", ">="]), sums()),
    ranges=st.tuples(RANGES, RANGES, RANGES),
)
def test_what_follows_over_the_rationals_is_found(facts, query, ranges):
    zero = Constant(0)
    by_symbol = dict(zip(SYMBOLS, ranges, strict=True))
    known = Facts()
    for symbol, values in by_symbol.items():
        known.declare(symbol, values)
    assumed = list(within(by_symbol, z3.Real))
    whole = list(within(by_symbol))
    for sign, total in facts:
        fact = compare(sign, total, zero)
        if outcome(*whole, translated(fact)) != z3.sat:
            continue
        assumed.append(translated(fact, z3.Real))
        whole.append(translated(fact))
        if known.decide(fact) is None:
            known.assume(fact)
    asked = compare(query[0], query[1], zero)
    if outcome(*assumed, z3.Not(translated(asked, z3.Real))) == z3.unsat:
        assert known.decide(asked) is True
    if outcome(*assumed, translated(asked, z3.Real)) == z3.unsat:
        assert known.decide(asked) is False
