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
SIZES = (("n", 34), ("m", 30))
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


def test_what_rounding_up_to_a_multiple_says_is_said_once():
    """`n + -n % 8`, its quotient, and what is left of that by a product of it: one condition."""
    env = ShapeEnv()
    n, m = (env.create_symbol(name, hint, dynamic=True, origin=None, size=True) for name, hint in SIZES)
    eight = n.wrap_int(8)
    padded = n.add(n.neg().mod(eight))
    assert padded.ne(eight).guard_bool("", 0)
    before = len(env.guards)
    pieces, others = padded.int_floordiv(eight), m.add(m.neg().mod(eight)).int_floordiv(eight)
    assert pieces.ne(n.wrap_int(1)).guard_bool("", 0)
    assert others.mod(pieces.mul(others)).ne(n.wrap_int(0)).guard_bool("", 0)
    assert len(env.guards) == before


def test_two_ways_to_count_windows_are_one():
    env = ShapeEnv()
    n = env.create_symbol("n", 35, dynamic=True, origin=None, size=True)
    one = n.sub(n.wrap_int(3)).int_floordiv(n.wrap_int(2)).add(n.wrap_int(1))
    other = n.sub(n.wrap_int(1)).int_floordiv(n.wrap_int(2))
    before = env.guards
    assert one.eq(other).guard_bool("", 0)
    twice = one.sub(n.wrap_int(3)).int_floordiv(n.wrap_int(5))
    assert twice.eq(n.sub(n.wrap_int(7)).int_floordiv(n.wrap_int(10))).guard_bool("", 0)
    assert env.guards == before


def test_a_condition_on_a_rounded_scale_says_what_is_less():
    env = ShapeEnv()
    n = env.create_symbol("n", 34, dynamic=True, origin=None, size=True)
    half = n.sym_float().mul(n.wrap_float(0.5)).sym_int()
    assert half.ne(n.wrap_int(1)).guard_bool("", 0)
    assert half.ge(n.wrap_int(4)).guard_bool("", 0)
    assert half.mul(n).ge(n.wrap_int(2)).guard_bool("", 0)
    assert [str(guard) for guard in env.essential_guards] == ["s69 >= 2", "Trunc((ToFloat(s69)*0.5)) >= 4"]


def test_a_product_of_what_is_positive_is_positive():
    env = ShapeEnv()
    n, m = (env.create_symbol(name, hint, dynamic=True, origin=None, size=True) for name, hint in SIZES)
    area = n.sub(n.wrap_int(1)).mul(m.sub(n.wrap_int(1)))
    assert env.bound(area.expression).lower == 1
    assert str(area.mod(area)) == "0"
