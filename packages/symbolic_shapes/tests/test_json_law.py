"""Law: an environment that is written as JSON and read back knows, says and decides the same."""

import contextlib
import json
import math

import pytest
from expressions import conditions, float_nodes, integer_nodes
from hypothesis import given, settings
from hypothesis import strategies as st

from framelift_symbolic_shapes import MalformedRecord, ShapeEnv, ShapeError
from framelift_symbolic_shapes.deferred import sympy
from framelift_symbolic_shapes.expression import Opaque


def same_knowledge(env):
    text = env.to_json()
    again = ShapeEnv.from_json(text)
    assert json.loads(again.to_json())["symbols"] == json.loads(text)["symbols"]
    assert list(again.symbols) == list(env.symbols)
    assert [str(guard) for guard in again.guards] == [str(guard) for guard in env.guards]
    assert [guard.condition for guard in again.runtime_assertions] == [g.condition for g in env.runtime_assertions]
    assert [guard.user_line for guard in again.guards] == [guard.user_line for guard in env.guards]
    assert again.facts.ranges == env.facts.ranges
    assert again.facts.replacements == env.facts.replacements
    assert [again.explain(symbol) for symbol in again.symbols] == [env.explain(symbol) for symbol in env.symbols]
    return again


@settings(max_examples=100, deadline=None)
@given(facts=st.lists(st.data(), max_size=3), asked=st.data(), data=st.data())
def test_of_integers(facts, asked, data):
    env = ShapeEnv()
    env.user_line = lambda: "model.py:7"
    node = data.draw(integer_nodes(env, 3))
    for _ in facts:
        other = data.draw(st.sampled_from([env.number(str(symbol)) for symbol in env.symbols]))
        getattr(node, data.draw(st.sampled_from(["lt", "le", "eq", "ne"])))(other).guard_bool("", 0)
    again = same_knowledge(env)
    assert again.replace(node.expression) == env.replace(node.expression)
    for name in map(str, env.symbols):
        mine, theirs = env.number(name), again.number(name)
        assert (mine.hint, mine.expression) == (theirs.hint, theirs.expression)
        query = data.draw(st.integers(-9, 9))
        assert env.statically(mine.lt(mine.wrap_int(query)).expression) is again.statically(
            theirs.lt(theirs.wrap_int(query)).expression
        )


@settings(max_examples=50, deadline=None)
@given(float_nodes())
def test_of_floats(node):
    node.lt(node.wrap_float(0.5)).guard_bool("", 0)
    same_knowledge(node.shape_env)


@settings(max_examples=50, deadline=None)
@given(conditions())
def test_of_conditions(node):
    node.or_(node.ne(node)).and_(node).guard_bool("", 0)
    same_knowledge(node.shape_env)


def test_everything_that_an_environment_can_know():
    env = ShapeEnv()
    env.user_line = lambda: ("model.py", 7)
    n = env.create_symbol("L['x'].size()[0]", 8, dynamic=True, origin=object, size=True)
    env.create_symbol("L['y'].size()[0]", 8, dynamic=True, origin="y", size=True)
    strict = env.create_symbol("L['z'].size()[0]", 6, dynamic=True, origin=None, size=True, strict=True, maximum=9)
    u = env.create_unbacked("x.nonzero()", minimum=0)
    u.le(n).expect_true("", 0)
    f = env.create_symbol("L['f']", 0.1, dynamic=True, origin=None)
    f.mul(n.sym_float()).gt(f.wrap_float(-0.0)).guard_bool("", 0)
    n.mod(n.wrap_int(4)).eq(n.wrap_int(0)).guard_bool("", 0)
    n.gt(n.wrap_int(2)).or_(n.lt(strict)).sym_not().sym_not().guard_bool("", 0)
    n.lt(strict).sym_ite(n, strict).mul(n).ge(n.wrap_int(0)).guard_bool("", 0)
    text = env.to_json()
    again = ShapeEnv.from_json(text)
    assert again.to_json() == ShapeEnv.from_json(again.to_json()).to_json()
    assert "('model.py', 7)" in text
    with pytest.raises(ShapeError, match="specialised to 6"):
        again.number(str(strict)).guard_int("", 0)
    assert again.create_symbol("L['w'].size()[0]", 8, dynamic=True, origin=None, size=True) is again.number(str(n))
    assert again.number(str(f)).hint == 0.1
    unknown = again.number(str(u))
    assert unknown.lt(unknown.wrap_int(0)).guard_or_false("", 0) is False
    assert unknown.lt(again.number(str(n)).add(unknown.wrap_int(1))).guard_bool("", 0)
    assert math.isinf(again.bound(again.number(str(n)).expr).upper)


def test_deep_expressions_are_written_once():
    env = ShapeEnv()
    n = env.create_symbol("n", 4, dynamic=True, origin=None)
    for _ in range(60):
        n = n.sym_max(n.int_floordiv(n.wrap_int(-3)))  # twice as many paths each time
    n.gt(n.wrap_int(0)).guard_bool("", 0)
    assert len(env.to_json()) < 20_000
    assert ShapeEnv.from_json(env.to_json()).to_json() == env.to_json()


@pytest.mark.parametrize("text", [
    "", "null", "{}", '{"format": "framelift-symbolic-shapes/0"}', '{"format": "framelift-symbolic-shapes/1"}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [["call", "system", [0]]]}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [["not", [0]]]}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [["number", []]]}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [["relation", "is", [0, 0]]]}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [["symbol", "s", "str", true]]}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [["number", 1], ["call", "Mod", [0]]]}',
    '{"format": "framelift-symbolic-shapes/1", "expressions": [], "symbols": [{}]}',
])  # fmt: skip
def test_what_is_no_environment_is_refused(text):
    with pytest.raises(MalformedRecord, match="must be JSON that to_json wrote"):
        ShapeEnv.from_json(text)


def known_environment():
    env = ShapeEnv()
    env.user_line = lambda: "model.py:7"
    n = env.create_symbol("L['x'].size()[0]", 8, dynamic=True, origin="x", size=True)
    env.create_symbol("L['y'].size()[0]", 8, dynamic=True, origin="y", size=True)
    m = env.create_symbol("L['z'].size()[0]", 6, dynamic=True, origin=None, size=True, strict=True, maximum=90)
    k = env.create_symbol("L['k']", -5, dynamic=True, origin=None)
    f = env.create_symbol("L['f']", 0.1, dynamic=True, origin=None)
    u = env.create_unbacked("x.nonzero()", minimum=0)
    u.le(n).expect_true("", 0)
    f.mul(n.sym_float()).gt(f.wrap_float(-0.0)).guard_bool("", 0)
    n.mod(n.wrap_int(4)).eq(n.wrap_int(0)).guard_bool("", 0)
    n.gt(k).or_(n.lt(m)).sym_not().guard_bool("", 0)
    n.lt(m).sym_ite(n, m).mul(n).ge(k).guard_bool("", 0)
    k.ne(m).guard_bool("", 0)
    return env


TEXT = known_environment().to_json()
JUNK = [None, True, 0, -1, 2**70, 1.5, "", "s77", "nan", [], {}, [1], [[1, 2]], {"a": 1}, "int", -(2**63), 10**400]


def paths(value, path=()):
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


PATHS = [*paths(json.loads(TEXT))]


@st.composite
def corrupted(draw):
    """The text of an environment in which something is missing, is something else, or comes from another place."""
    record = json.loads(TEXT)
    (*outer, key) = draw(st.sampled_from(PATHS))
    inside = at(record, outer)
    change = draw(st.sampled_from(["drop", "junk", "move", "count", "insert"]))
    if change == "drop":
        del inside[key]
    elif change == "junk":
        inside[key] = draw(st.sampled_from(JUNK))
    elif change == "move":
        inside[key] = at(json.loads(TEXT), draw(st.sampled_from(PATHS)))
    elif change == "count" and type(inside[key]) is int:
        inside[key] += draw(st.sampled_from([-1, 1, 2, 100]))
    elif change == "insert" and isinstance(inside, list):
        inside.insert(key, draw(st.sampled_from(JUNK)))
    return json.dumps(record)


@settings(max_examples=200, deadline=None)
@given(corrupted())
def test_a_corrupted_text_is_refused_or_is_an_environment(text):
    try:
        env = ShapeEnv.from_json(text)
    except MalformedRecord:
        return
    with contextlib.suppress(ShapeError):
        use(env)


def use(env):
    conditions = [guard.condition for guard in (*env.guards, *env.runtime_assertions)]
    assert [*map(str, conditions)] + [env.explain(symbol) for symbol in env.symbols]
    for condition in conditions:
        assert env.to_python(condition)
        env.statically(condition)
    assert ShapeEnv.from_json(env.to_json()).to_json() == env.to_json()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "NaN", "1e999"])
def test_what_nests_without_end_is_refused(text):
    with pytest.raises(MalformedRecord):
        ShapeEnv.from_json(text)


def test_expressions_that_nest_too_deep_are_refused():
    entries = [["symbol", "s", "int", False], ["number", 1], ["relation", "<", [0, 1]]]
    entries += [["not", [place]] for place in range(2, 20_000)]
    with pytest.raises(MalformedRecord, match="no deeper"):
        ShapeEnv.from_json(json.dumps({"format": "framelift-symbolic-shapes/1", "expressions": entries}))


def test_high_powers_are_read():
    env = ShapeEnv()
    n = env.create_symbol("n", 2, dynamic=True, origin=None)
    n.pow_by_natural(n.wrap_int(200)).gt(n).guard_bool("", 0)
    assert ShapeEnv.from_json(env.to_json()).to_json() == env.to_json()


def test_what_is_sympys_own_can_not_be_written():
    env = ShapeEnv()
    n = env.create_symbol("n", 4, dynamic=True, origin=None)
    env.facts.assume(env.own(sympy.Gt(sympy.gamma(n.expr), 3)))
    assert any(isinstance(part, Opaque) for fact in env.facts._true for part in fact.operands)
    with pytest.raises(ShapeError, match="sympy's own"):
        env.to_json()
