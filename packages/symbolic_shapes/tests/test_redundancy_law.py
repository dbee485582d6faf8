"""Law: guards that are left out follow from those that are checked, which raise nowhere that all of them did not."""

import itertools

from expressions import compiled
from hypothesis import given, settings
from hypothesis import strategies as st
from test_consequence_law import SYMBOLS, conditions, sums

from framelift_symbolic_shapes import ShapeEnv, ShapeGuard
from framelift_symbolic_shapes.evaluation import value_at
from framelift_symbolic_shapes.expression import Call, Constant, compare
from framelift_symbolic_shapes.redundancy import essential

USED = SYMBOLS[:3]
BOX = [*itertools.product(range(-2, 7), repeat=3)]


@st.composite
def partial(draw):
    """A condition that can't be computed everywhere."""
    name = draw(st.sampled_from(["FloorDiv", "Mod"]))
    return compare(draw(st.sampled_from(["==", "<"])), Call(name, (draw(sums()), draw(sums()))), Constant(1))


def held(condition, at):
    try:
        return bool(condition(*at))
    except ZeroDivisionError:
        return None


def in_order(functions, at):
    """Whether all hold, asked in order until one does not; `None` where that raises."""
    for function in functions:
        answer = held(function, at)
        if answer is not True:
            return answer
    return True


@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(st.one_of(conditions(), partial()), min_size=2, max_size=6), hint=st.sampled_from(BOX))
def test_what_is_left_out_follows(drawn, hint):
    functions = {condition: compiled(condition, USED) for condition in drawn}
    # A capture records what held in its run.
    true = [one for one in functions if one.symbols and held(functions[one], hint)]
    kept = essential([ShapeGuard(one) for one in true], dict(zip(USED, hint, strict=True)))
    assert {guard.condition for guard in kept} <= {*true}
    for at in BOX:
        whole = in_order([functions[one] for one in true], at)
        short = in_order([functions[guard.condition] for guard in kept], at)
        if short is None:
            assert whole is None, (at, true, kept)
        else:
            assert short is (whole is True), (at, true, kept)


@settings(max_examples=100, deadline=None)
@given(drawn=st.one_of(conditions(), partial()), at=st.sampled_from(BOX))
def test_of_values(drawn, at):
    """The value of an expression without compiling it is that of its Python."""
    expected = held(compiled(drawn, USED), at)
    try:
        assert value_at(drawn, dict(zip(USED, at, strict=True))) is expected
    except ZeroDivisionError:
        assert expected is None


def essentials(*bounds):
    env = ShapeEnv()
    n = env.create_symbol("L['x'].size()[0]", 16, dynamic=True, origin=None, size=True)
    for bound in bounds:
        bound(n).guard_bool("", 0)
    return [str(guard) for guard in env.essential_guards]


def divided(by, sign, value):
    return lambda n: getattr(n.int_floordiv(n.wrap_int(by)), sign)(n.wrap_int(value))


def test_golden():
    assert essentials() == ["s77 >= 2"]
    assert essentials(lambda n: n.gt(n.wrap_int(4)), lambda n: n.gt(n.wrap_int(8))) == ["s77 > 8"]
    two, four = divided(2, "ne", 1), divided(4, "ne", 1)
    assert essentials(two, four) == ["s77 >= 2", "Ne((s77//2), 1)", "Ne((s77//4), 1)"]
    assert essentials(divided(2, "gt", 1), divided(4, "gt", 1)) == ["(s77//4) > 1"]


def test_what_is_bounded():
    """Of very many conditions that have to be compared with each other, the later ones are kept as they are."""
    env = ShapeEnv()
    symbols = [env.create_symbol(f"n{place}", 50 + place, dynamic=True, origin=None) for place in range(60)]
    for one, other in itertools.pairwise(symbols):
        one.lt(other.add(one)).guard_bool("", 0)
        one.mul(other).gt(one.wrap_int(5)).guard_bool("", 0)
    assert len(env.essential_guards) <= len(env.guards)
